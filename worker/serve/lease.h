// Decides whether a worker runs on while its Supervisor is away: who vouched last, when to ask
// Nimbus instead, and when to end.
//
//     held by the Supervisor ──(silent for kAskAfter)──────► asks Nimbus, each kAskInterval
//              ▲                                                  │ "it is yours"  held by Nimbus
//              └──────────────────(it vouches again)──────────────┤ no answer      held by nobody
//                                                                 │ "it was removed"
//                                                                 ▼ over
//
// Missing answers alone end nothing: Nimbus moves workers, so while none can be reached nothing
// can have been moved. Only with a limit (topology.worker.lease.secs) does silence end the worker
// too; then it also does nothing before somebody has vouched for it.
//
// If another worker has its slot now, that is not decided here: the reader of the answer ends at
// once.
//
// Time:    passed with each input. Nimbus' answer counts from the time of the question.
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cluster/reports.h"
#include "worker/serve/limits.h"

namespace storm::worker {

class Lease {
public:
    enum class Answer : std::uint8_t {
        kYours,  ///< The slot is still the worker's.
        kGone,   ///< Its topology was removed. That Nimbus does not know it does not count as such.
        kNone,   ///< No answer, or none from a Nimbus that knows.
    };

    /// `silence_max` 0: no limit.
    Lease(base::Micros silence_max, base::Micros now);

    void vouched(base::Micros now);
    /// Whether to ask now; then answered() must follow.
    bool ask(base::Micros now);
    void answered(Answer answer);

    cluster::LeaseHolder holder(base::Micros now) const;
    /// Time since somebody has vouched, or since it began.
    base::Micros age(base::Micros now) const;
    bool may_begin() const { return silence_max_ == 0 || vouched_ || confirmed_; }
    /// Why the worker must end; empty: it need not.
    std::string over(base::Micros now) const;

private:
    const base::Micros silence_max_;
    const base::Micros began_;
    std::optional<base::Micros> vouched_;    // Last time that the Supervisor did.
    std::optional<base::Micros> confirmed_;  // Last question that Nimbus confirmed.
    bool gone_ = false;
    std::optional<base::Micros> asked_;
    bool asking_ = false;
};

}  // namespace storm::worker
