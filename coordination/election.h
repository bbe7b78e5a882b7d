// Elects the leading Nimbus: one at a time, each term under a new epoch.
//
//     <root>/leader-lock   ephemeral: the Nimbus whose session made it leads (a Leadership)
//     <root>/leader        persistent: the last Leadership; each term sets it, so each term has a
//                          version of its own
//
//     looking ──(another's lock)──► following ──(it has gone)──► looking
//        │
//        └──(no lock, or one of our former self)──► taking ──► leading
//                                                                 │
//     looking ◄──────────(the lease is over, or it is deposed)────┘
//
// Two fences. Every write of a leader checks the version of <root>/leader, so ZooKeeper refuses
// the writes of a deposed one. And a term is a lease by the leader's own clock: it ends
// session_timeout() less a quarter after the last answered read was *sent*. So it is over before
// ZooKeeper can have given the lock to another, even if this process was stopped meanwhile. To
// renew it, the leader reads <root>/leader every quarter of the session's timeout.
//
// A term that is over never comes back: leading again means a new epoch.
//
// Threads: the loop's; the callback never comes from inside a call.
// Cost:    while following, one watch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/lifetime.h"
#include "coordination/cluster_state.h"
#include "coordination/session.h"

namespace storm::coordination {

class Election {
public:
    /// A term when it begins; nothing when it is over. The two alternate.
    using Changed = std::function<void(std::optional<Term>)>;

    /// Stands for election at once. `nimbus` is "host:port". `started_ms` identifies this process,
    /// so that it can take over the lock of its predecessor under the same name. It does not say
    /// which one is older, because clocks are set back. A process that has led takes no lock over:
    /// one under its name has come after it.
    Election(Session& session, std::string nimbus, std::int64_t started_ms, Changed changed);
    ~Election();
    Election(const Election&) = delete;
    Election& operator=(const Election&) = delete;

    /// The term, while its lease lasts by the clock. Check again before each act of a leader.
    std::optional<Term> term() const;

    /// Ends the term, releases the lock, and stands no more. For an orderly exit.
    void resign();

private:
    // kLooking: it reads, or waits for a connection or for its next attempt.
    enum class Phase : std::uint8_t { kLooking, kFollowing, kTaking, kLeading, kResigned };

    void ready_(std::uint64_t session_number);
    void look_();
    void saw_leader_(CoordinationError error, const Node& node);
    void saw_lock_(CoordinationError error, const Node& lock);
    void take_(std::vector<Step> steps);
    void took_(CoordinationError error, Term term, base::Micros sent);
    void lead_(Term term, base::Micros sent);
    void renew_();
    void renewed_(CoordinationError error, const Node& leader, base::Micros sent);
    void wait_();
    void waited_();
    void lose_(const char* why);
    void look_later_(const std::string& path, std::string_view why);
    void give_back_(const Term& term);
    void tell_(std::optional<Term> term);
    base::Micros lease_() const;
    template <typename Call>
    auto in_round_(Call call);

    Session& session_;
    const std::string nimbus_;
    const std::int64_t started_ms_;
    const Changed changed_;
    const std::string lock_;
    const std::string leader_;

    Phase phase_ = Phase::kLooking;
    // Grows whenever everything under way becomes void.
    std::uint64_t round_ = 0;
    bool has_led_ = false;
    std::uint64_t session_number_ = 0;
    Term next_;  // While looking: the term to take.
    // While leading:
    std::optional<Term> term_;
    base::Micros lease_until_ = 0;
    base::Micros timeout_ = 0;  // The session's timeout.
    base::Micros sent_ = 0;     // Time of the last renewal.
    std::uint64_t timer_ = 0;
    bool renewing_ = false;
    bool watching_ = false;
    base::Lifetime lifetime_;
};

}  // namespace storm::coordination
