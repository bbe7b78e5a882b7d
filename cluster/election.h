// Which Nimbus leads: one at a time, each time under a new epoch.
//
//     <root>/leader-lock   ephemeral: whose session made it leads (a Leadership)
//     <root>/leader        persistent: the last Leadership; each term sets it, so that its version
//                          is the term's own
//
//     following ──(no lock, or it is our former self's)──► taking ──► leading ──► following …
//
// Two fences. Every write of a leader checks the version of <root>/leader, so that a deposed one's
// writes are refused by ZooKeeper. And a term is a lease by the own clock: it ends
// session_timeout() less a quarter after the last read that was answered was *sent*, so it is over
// before ZooKeeper can have given the lock to another, even if this process was stopped meanwhile.
// While it leads it reads <root>/leader each quarter of the session's timeout for that.
//
// A term that is over never comes back: who leads again does so under a new epoch.
//
// Threads: the loop's; the callback never comes from inside a call.
// Cost:    following: nothing but a watch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cluster/cluster_state.h"
#include "cluster/session.h"

namespace storm::cluster {

class Election {
public:
    /// A term when it begins; nothing when it is over. Always in turns.
    using Changed = std::function<void(std::optional<Term>)>;

    /// Stands for election at once. `nimbus` is "host:port". `started_ms`, of this process, tells
    /// it from its former self, whose lock it takes over.
    Election(Session& session, std::string nimbus, std::int64_t started_ms, Changed changed);
    ~Election();
    Election(const Election&) = delete;
    Election& operator=(const Election&) = delete;

    /// The term, while its lease lasts by the clock. Ask again before each act of a leader.
    std::optional<Term> term() const;

    /// Ends the term, gives the lock back, and does not stand again; for an orderly exit.
    void resign();

private:
    enum class Phase : std::uint8_t { kFollowing, kTaking, kLeading, kResigned };

    void follow_();
    void read_lock_();
    void saw_lock_(CoordinationError error, const Node& lock);
    void take_(bool replace);
    void took_(CoordinationError error, Term term, base::Micros sent);
    void lead_(Term term, base::Micros sent);
    void renew_();
    void renewed_(CoordinationError error, const Node& leader, base::Micros sent);
    void lapse_after_(base::Micros delay);
    void lose_();
    void again_after_pause_();
    void tell_(std::optional<Term> term);
    base::Micros lease_() const;

    Session& session_;
    const std::string nimbus_;
    const std::int64_t started_ms_;
    const Changed changed_;
    Phase phase_ = Phase::kFollowing;
    std::optional<Term> term_;
    base::Micros lease_until_ = 0;
    // Grows when what is under way no longer counts; callbacks of an older round do nothing.
    std::uint64_t round_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::cluster
