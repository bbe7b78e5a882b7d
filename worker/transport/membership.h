// Who of a topology's workers is given up for lost, and which side of a broken link must end. It is
// decided by what the workers know of each other, and not by who speaks first.
//
// Every worker follows the lowest number that it is connected to, or its own. A worker that more
// than half of those which are known to live follow, itself included, decides for all of them:
//
//     its own link to one that does not follow it is down for grace: that one is lost
//     two that follow it complain of each other for a while:          the one with more such links,
//                                                                     then the higher number
//
// Grace begins anew for all when a worker comes to decide, and when it has stood still.
// Of two halves that with the lowest number decides. Who cannot decide waits until it is told, or
// until a newer assignment or a newer incarnation says who is lost: it may itself be the one that
// was cut off. Only of two that are alone with each other each gives up the other.
//
// A fence is final, and told to all; what may have reached the lost worker fails once more when all
// others have confirmed it. Should two have given up each other, must_end() says who goes on.
//
// Order:   standing() and must_end() in a handshake; then up(); then down(). Whatever returns
//          actions: they are to be done at once, in their order.
// Threads: one. No clock, no socket: the simulation in tests/ runs this very code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "wire/control.h"
#include "worker/transport/limits.h"
#include "worker/transport/link.h"

namespace storm::worker {

/// What one side of a handshake says of the other, and of itself.
struct Standing {
    bool fenced = false;      ///< It has given this incarnation up,
    bool succeeded = false;   ///< and knows of a newer one, or of an assignment with another one.
    std::uint32_t live = 0;   ///< Other workers that it is connected to.
    std::uint64_t epoch = 0;  ///< Of the assignment that it works by.
    std::uint32_t worker = 0;
};

/// Whether `who` must end, for what both have said. For two that speak with each other it is true
/// of one at most, unless both have a successor.
bool must_end(const Standing& who, const Standing& other);

class Membership {
public:
    struct Action {
        enum class Kind : std::uint8_t {
            kTell,        ///< `record` to `worker`.
            kLost,        ///< A life of `worker` has ended: what it held is lost.
            kConfirmed,   ///< All others know that it is.
            kSuperseded,  ///< This worker itself is given up: it must end.
        };
        Kind kind = Kind::kTell;
        std::uint32_t worker = 0;
        std::uint64_t incarnation = 0;  ///< kLost, kConfirmed.
        wire::ControlRecord record{};   ///< kTell.
    };
    using Actions = std::vector<Action>;

    Membership(std::uint32_t own, std::uint64_t incarnation, std::uint32_t workers,
               const LinkTimes& times, std::size_t retained_max = kRetainedBytesMax);

    /// REQUIRES: another worker.
    Link& link(std::uint32_t worker) { return peers_.at(worker).link; }
    const Link& link(std::uint32_t worker) const { return peers_.at(worker).link; }

    void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
    std::uint64_t epoch() const { return epoch_; }
    /// An assignment: what was in the worker's slot before is over.
    [[nodiscard]] Actions set_slot_epoch(std::uint32_t worker, std::uint64_t epoch);

    /// What is to be said to that incarnation of `worker`.
    Standing standing(std::uint32_t worker, std::uint64_t incarnation) const;

    struct Up {
        Link::Beginning beginning;
        Actions actions;  ///< After what the beginning asks for.
    };
    /// The handshake is over, and neither has given up the other.
    [[nodiscard]] Up up(std::uint32_t worker, std::uint64_t incarnation,
                        std::uint64_t peer_received);
    [[nodiscard]] Actions down(std::uint32_t worker, base::Micros now);
    /// Its incarnations up to this one are given up.
    [[nodiscard]] Actions fence(std::uint32_t worker, std::uint64_t incarnation);
    /// A peer says kFenced, kFencedSeen, kFollows or kComplaint. REQUIRES: it names a worker.
    [[nodiscard]] Actions told(std::uint32_t from, const wire::ControlRecord& record,
                               base::Micros now);
    /// Every times.heartbeat.
    [[nodiscard]] Actions tick(base::Micros now);
    /// Whether this process stood still before the last tick: nobody's silence means anything.
    bool was_frozen() const { return was_frozen_; }
    /// Nobody has still to confirm a fence.
    bool all_confirmed() const { return awaited_.empty(); }

private:
    struct Peer {
        Link link;
        std::uint64_t slot_epoch = 0;
        std::optional<std::uint32_t> follows;  // As it said in the present connection.
    };
    /// Of one that follows us about another one; said again with each tick.
    struct Complaint {
        std::uint64_t incarnation = 0;  // Of the one that it is about.
        base::Micros first = 0;
        base::Micros last = 0;
    };
    using Pair = std::pair<std::uint32_t, std::uint32_t>;

    bool is_peer(std::uint32_t worker) const { return worker != own_ && worker < peers_.size(); }
    bool lives(std::uint32_t worker) const;
    bool is_up(std::uint32_t worker) const;
    bool follows_us(std::uint32_t worker) const;
    bool overdue(std::uint32_t worker, base::Micros now) const;
    std::uint32_t leader() const;
    bool decides() const;
    std::set<Pair> broken_between_followers(base::Micros now);
    std::vector<std::uint32_t> victims(base::Micros now);

    void fence(std::uint32_t worker, std::uint64_t incarnation, Actions& actions);
    void spread(std::uint32_t lost, std::uint64_t incarnation, Actions& actions);
    void tell_fences(std::uint32_t newcomer, Actions& actions);
    void restart_grace(base::Micros now);
    void forget_complaints(std::uint32_t worker);
    void seen(std::uint32_t from, std::uint32_t about, std::uint64_t incarnation, Actions& actions);
    void tell(std::uint32_t worker, const wire::ControlRecord& record, Actions& actions) const;
    void tell_leader(Actions& actions);

    std::uint32_t own_;
    std::uint64_t incarnation_;
    LinkTimes times_;
    std::vector<Peer> peers_;  // By worker; our own is not used.
    std::uint64_t epoch_ = 0;
    std::uint32_t told_leader_;             // What all that are connected have been told.
    std::map<Pair, Complaint> complaints_;  // (who, about whom)
    /// Fences that not all others have confirmed: (worker, incarnation) -> who has not.
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::set<std::uint32_t>> awaited_;
    base::Micros last_tick_ = 0;
    bool was_frozen_ = false;
    bool decided_ = false;  // At the last tick.
};

}  // namespace storm::worker
