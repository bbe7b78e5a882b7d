// Whether a worker runs on though its Supervisor is away: who has said so last, when to ask Nimbus
// instead, and when to end.
//
//     held by the Supervisor ──(silent for kAskAfter)──────► asks Nimbus, each kAskInterval
//              ▲                                                  │ "it is yours"  held by Nimbus
//              └──────────────────(it vouches again)──────────────┤ no answer      held by nobody
//                                                                 │ "it was removed"
//                                                                 ▼ over
//
// Nobody's answer ends nothing by itself: Nimbus moves workers, so while none can be reached
// nothing may have been moved. Only with a limit (topology.worker.lease.secs) silence ends the
// worker too; then it also does nothing before somebody has vouched for it.
//
// That its slot is another one's now is no business of this: who reads the answer ends at once.
//
// Time:    comes with each input. What Nimbus says holds from when it was asked.
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
        kYours,  ///< The slot is the worker's.
        kGone,   ///< Its topology was removed; that it is not known is no such answer.
        kNone,   ///< Nobody answers, or nobody who knows.
    };

    /// `silence_max` 0: there is no limit.
    Lease(base::Micros silence_max, base::Micros now);

    void vouched(base::Micros now);
    /// Whether to ask now; then answered() must follow.
    bool ask(base::Micros now);
    void answered(Answer answer);

    cluster::LeaseHolder holder(base::Micros now) const;
    /// Since somebody has vouched, or since it began.
    base::Micros age(base::Micros now) const;
    bool may_begin() const { return silence_max_ == 0 || vouched_ || confirmed_; }
    /// Why the worker has to end; empty: it does not.
    std::string over(base::Micros now) const;

private:
    const base::Micros silence_max_;
    const base::Micros began_;
    std::optional<base::Micros> vouched_;    // Last, by the Supervisor.
    std::optional<base::Micros> confirmed_;  // Last, by Nimbus: when it was asked.
    bool gone_ = false;
    std::optional<base::Micros> asked_;
    bool asking_ = false;
};

}  // namespace storm::worker
