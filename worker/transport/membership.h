// Decides which workers of a topology are fenced, and which side of a broken link must end. The
// decision rests on what the workers know of each other, not on who speaks first.
//
// Every worker follows the lowest number among itself and the workers that it is connected to. A
// worker that is followed by more than half of the workers known to live, itself included, decides
// for all. It fences
//
// - a worker that does not follow it, if its own link to that one has been down for the grace
// period;
// - one of two followers that keep complaining of each other: the one with more such links, among
// equals the higher number.
//
// Whoever it follows, a worker fences one that sends it nothing but what it has to refuse.
//
// The grace period starts anew for all links when a worker comes to decide, and when it has stood
// still. Of two equal halves, the one with the lowest number decides. A worker that cannot decide
// waits until it is told, or until a newer assignment or incarnation settles it: it may itself be
// the one that was cut off. Only if two workers are left does each fence the other.
//
// A fence is final, and told to all. Once all others have confirmed it, the trees that may have
// reached the lost worker in the meantime fail a second time. If two workers have fenced each
// other, must_end() says which one goes on.
//
// Order:   standing() and must_end() in a handshake, then up(), then down(). Returned actions are
//          to be carried out at once, in their order.
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

/// One side's statement in a handshake, about the other side and about itself.
struct Standing {
    bool fenced = false;      ///< It has fenced this incarnation of the other side.
    bool succeeded = false;   ///< It knows of a newer incarnation, or of an assignment with one.
    std::uint32_t live = 0;   ///< Number of other workers that it is connected to.
    std::uint64_t epoch = 0;  ///< Epoch of its own assignment.
    std::uint32_t worker = 0;
};

/// Whether `who` must end, given what both have said. If two workers speak with each other, it is
/// true of at most one of them, unless both have a successor.
bool must_end(const Standing& who, const Standing& other);

class Membership {
public:
    struct Action {
        enum class Kind : std::uint8_t {
            kTell,        ///< Send `record` to `worker`.
            kLost,        ///< A life of `worker` has ended: what it held is lost.
            kConfirmed,   ///< All others know that it is lost.
            kSuperseded,  ///< This worker itself is fenced, and must end.
        };
        Kind kind = Kind::kTell;
        std::uint32_t worker = 0;
        std::uint64_t incarnation = 0;  ///< kLost, kConfirmed.
        wire::ControlRecord record{};   ///< kTell.
    };
    using Actions = std::vector<Action>;

    Membership(std::uint32_t own, std::uint64_t incarnation, std::uint32_t workers,
               const LinkTimes& times, std::size_t retained_max = kRetainedBytesMax);

    /// REQUIRES: `worker` is another worker.
    Link& link(std::uint32_t worker) { return peers_.at(worker).link; }
    const Link& link(std::uint32_t worker) const { return peers_.at(worker).link; }

    void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
    std::uint64_t epoch() const { return epoch_; }
    /// An assignment: incarnations of the worker's earlier slots are over.
    [[nodiscard]] Actions set_slot_epoch(std::uint32_t worker, std::uint64_t epoch);

    /// Our statement to that incarnation of `worker`.
    Standing standing(std::uint32_t worker, std::uint64_t incarnation) const;

    struct Up {
        Link::Beginning beginning;
        Actions actions;  ///< To be carried out after `beginning` has been.
    };
    /// The handshake is over, and neither side has fenced the other. `peer_epoch` is that of the
    /// assignment that the peer follows.
    [[nodiscard]] Up up(std::uint32_t worker, std::uint64_t incarnation,
                        std::uint64_t peer_received, std::uint64_t peer_epoch);
    [[nodiscard]] Actions down(std::uint32_t worker, base::Micros now);
    /// A frame of the worker was refused, and its connection is dropped.
    [[nodiscard]] Actions refused(std::uint32_t worker);
    /// Fences the worker's incarnations up to this one.
    [[nodiscard]] Actions fence(std::uint32_t worker, std::uint64_t incarnation);
    /// Takes kFenced, kFencedSeen, kFollows or kComplaint of a peer. REQUIRES:
    /// names_worker(record).
    [[nodiscard]] Actions told(std::uint32_t from, const wire::ControlRecord& record,
                               base::Micros now);
    /// To be called every times.heartbeat.
    [[nodiscard]] Actions tick(base::Micros now);
    /// Whether this process stood still before the last tick, so that nobody's silence means
    /// anything.
    bool was_frozen() const { return was_frozen_; }
    /// Whether every fence has been confirmed by all.
    bool all_confirmed() const { return awaited_.empty(); }

private:
    struct Peer {
        Link link;
        std::uint64_t slot_epoch = 0;
        std::uint64_t epoch = 0;               // Epoch of its assignment, at the last handshake.
        std::optional<std::uint32_t> follows;  // As last told on the present connection.
    };
    /// A follower's complaint about another one, repeated with each tick.
    struct Complaint {
        std::uint64_t incarnation = 0;  // The incarnation complained of.
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
    std::vector<Peer> peers_;  // Indexed by worker; our own entry is unused.
    std::uint64_t epoch_ = 0;
    std::uint32_t told_leader_;             // The leader that all connected workers have been told.
    std::map<Pair, Complaint> complaints_;  // Keyed by (who, about whom).
    /// Unconfirmed fences: (worker, incarnation) -> workers that have not confirmed it.
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::set<std::uint32_t>> awaited_;
    base::Micros last_tick_ = 0;
    bool was_frozen_ = false;
    bool decided_ = false;  // Whether it decided at the last tick.
};

}  // namespace storm::worker
