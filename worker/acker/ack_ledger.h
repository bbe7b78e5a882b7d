// The ack ledger of one spout task: the tuple trees (roots) that it has emitted and that are still
// open.
//
// Every copy of a tuple that travels an edge of the topology carries a random 64-bit edge id. For
// each root the ledger keeps the XOR of all the ids it is told of: once when a copy is emitted,
// once when it is acked. At zero, every copy has been acked. However large a tree grows, its entry
// does not. (A wrong zero has a chance of 2^-64 per message; the design accepts it. Storm, 2011.)
//
//     root id = task (20 bits) | life (8 bits) | generation (15 bits) | slot (21 bits)
//
// A root id is enough to route an ack to its spout; no map is needed.
//
// A late message must match nothing. The life is that of the worker, and differs from those
// before: a message for a spout that was killed cannot touch a tree of its successor. Within a
// life, a slot's generation changes with each use; a slot that has used up its generations rests
// for rest_period() before they start again, and the table grows meanwhile. So an id recurs only
// after that time, however small the table and however fast it turns; earlier only if the table
// cannot grow.
//
// Order:   open() makes the root id that the rows carry; arm() tells which edges went out.
//          Messages are applied between callbacks of the spout, and so after arm(): half a tree
//          cannot complete.
// Time:    none of its own. The owner passes its loop's time.
// Threads: the thread that runs the spout's executor.
// Cost:    open, arm and ack touch one 32-byte entry, found by index without hashing: 3 ns for all
//          three, 7 ns with the edge id drawn. The slot freed last is used first, because it is
//          still in cache. The table doubles up to its capacity; for each million roots a second,
//          resting slots take up to 32 KiB a minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <storm/spout.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

namespace storm::worker {

using Root = std::uint64_t;
using EdgeXor = std::uint64_t;

inline constexpr unsigned kSlotBits = 21;
inline constexpr unsigned kGenerationBits = 15;
inline constexpr unsigned kLifeBits = 8;
inline constexpr unsigned kRootTaskBits = 20;
inline constexpr unsigned kRootTaskShift = kSlotBits + kGenerationBits + kLifeBits;
static_assert(kRootTaskShift + kRootTaskBits == 64);

/// Upper bound of pending roots. One call of next_tuple() may exceed topology.max.spout.pending,
/// which is at most half of this; roots beyond this overflow.
inline constexpr std::uint32_t kLedgerCapacity = (1U << kSlotBits) - 1;

inline TaskId task_of(Root root) {
    return static_cast<TaskId>(root >> kRootTaskShift);
}

enum class Life : std::uint8_t {};

/// The part of a worker's incarnation (epoch << 32 | starts) that root ids carry. It differs
/// between any two lives of a slot that are less than 16 epochs or, in one epoch, less than 16
/// starts apart.
constexpr Life life_of(std::uint64_t incarnation) {
    const std::uint64_t epoch = incarnation >> 32;
    return static_cast<Life>((epoch & 15) << 4 | (incarnation & 15));
}

/// Where a pending root counts: in flight, with bolts that have kept its tuples for a while, or in
/// flight again after they let go.
enum class Flight : std::uint8_t { kInFlight, kHeld, kBack };

/// A root that has left the ledger. `message` is what the spout gave to open().
struct Settled {
    MessageId message;
    base::Micros emitted;
    Root root;
    Flight flight = Flight::kInFlight;  // Where it counted last.
    base::Micros held_for = 0;          // kHeld, kBack: the time for which it was held.

    friend bool operator==(const Settled&, const Settled&) = default;
};

class AckLedger {
public:
    /// At most `capacity` roots are pending at once. A root times out between `timeout` and
    /// `timeout` + scan_period() after its emit, or never if `timeout` is 0. REQUIRES: 0 < task <
    /// 2^20, 0 < capacity <= kLedgerCapacity.
    AckLedger(TaskId task, Life life, std::uint32_t capacity, base::Micros timeout,
              base::Random random);

    AckLedger(const AckLedger&) = delete;
    AckLedger& operator=(const AckLedger&) = delete;

    /// Sets the time for roots opened from now on.
    void set_time(base::Micros now) {
        now_ = now;
        deadline_ = deadline(now);
    }

    /// Starts a tree. REQUIRES: !full().
    Root open(MessageId message) {
        if (free_ == kNone) [[unlikely]]
            find_free();
        const std::uint32_t slot = free_;
        Entry& entry = entries_[slot];
        free_ = entry.link;
        entry.edges = 0;
        entry.message = message;
        entry.emitted = now_;
        entry.link = deadline_;
        const Root root = root_of(entry, slot);
        entry.tag |= kPending;
        ++pending_;
        return root;
    }

    /// All first copies of `root` are sent; `edges` is the XOR of their ids. A root without copies
    /// completes at once. REQUIRES: open() has just returned `root`.
    [[nodiscard]] std::optional<Settled> arm(Root root, EdgeXor edges) {
        Entry& entry = entries_[root & kSlotMask];
        entry.edges = edges;
        if (edges == 0) [[unlikely]]
            return settle(entry, root);
        return std::nullopt;
    }

    /// A bolt acked a tuple: `edges` is the XOR of its id and of the ids of all tuples emitted from
    /// it.
    [[nodiscard]] std::optional<Settled> ack(Root root, EdgeXor edges) {
        Entry* const entry = find(root);
        if (entry == nullptr) return std::nullopt;
        entry->edges ^= edges;
        if (entry->edges != 0) return std::nullopt;
        return settle(*entry, root);
    }

    /// A bolt failed a tuple.
    [[nodiscard]] std::optional<Settled> fail(Root root) {
        Entry* const entry = find(root);
        if (entry == nullptr) return std::nullopt;
        return settle(*entry, root);
    }

    /// Restarts the timeout of `root`.
    void reset_timeout(Root root, base::Micros now);

    // A root whose tuples bolts keep stays in flight for a while, because bolts mostly let go soon.
    // After that it counts as held, until it settles or the bolts let go; then it is back in
    // flight.

    /// Bolts keep `count` more tuples of `root`.
    void keep(Root root, std::uint32_t count);
    /// Bolts have let go of `count` tuples of `root`.
    void let_go(Root root, std::uint32_t count);
    /// Roots whose tuples have been kept since `since` or longer now count as held. Calls left(in,
    /// out) for each: `in` is when it entered the topology, later by the time for which it was held
    /// before; `out` is when it was kept.
    template <typename Left>
    void hold(base::Micros since, Left&& left) {
        while (!kept_.empty() && kept_.front().since <= since) {
            const KeptSince kept = kept_.front();
            kept_.pop_front();
            if (const std::optional<base::Micros> in = hold(kept)) left(*in, kept.since);
        }
    }
    /// When the next root will have been kept for `time`; nothing: none is kept.
    std::optional<base::Micros> next_hold(base::Micros time) const {
        if (kept_.empty()) return std::nullopt;
        return kept_.front().since + time;
    }
    /// Whether any root is back in flight.
    bool any_back() const { return back_ > 0; }

    /// Roots opened with set_time(opened) may have been emitted as late as `now`, so their timeout
    /// starts there. REQUIRES: `opened` ascends from call to call. Bounded work.
    void postpone(base::Micros opened, base::Micros now);

    /// Settles roots whose deadline has passed. Looks at a share of the table that fits the time
    /// since the last call: bounded work. To be called about every scan_interval() while roots are
    /// pending.
    void expire(base::Micros now, std::vector<Settled>& expired);

    /// Settles everything, when the task stops.
    void abandon(std::vector<Settled>& abandoned);

    std::uint32_t pending() const { return pending_; }
    /// Pending roots that count as held.
    std::uint32_t held() const { return held_; }
    bool full() const { return pending_ >= capacity_; }
    /// The time in which the whole table is looked at: min(timeout / 8, 1 s).
    base::Micros scan_period() const;
    /// Interval between two calls of expire(): an eighth of that.
    base::Micros scan_interval() const;
    base::Micros rest_period() const;  ///< Rest of a slot: max(10 min, 4 × timeout).

private:
    static constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;
    static constexpr std::uint32_t kGenerationMask = (1U << kGenerationBits) - 1;
    static constexpr std::uint32_t kTagMask = (1U << (kLifeBits + kGenerationBits)) - 1;
    static constexpr std::uint32_t kPending = 1U << 31;  // A bit of Entry::tag.
    static constexpr std::uint32_t kNone = ~0U;

    struct Entry {
        EdgeXor edges = 0;
        MessageId message = 0;
        // All bits are inverted if it has a Stay. Resting: since when.
        base::Micros emitted = 0;
        std::uint32_t tag = 0;       // Life and generation as in the root id; kPending.
        std::uint32_t link = kNone;  // Pending: deadline in ms. Free, resting: the next such slot.

        bool has_stay() const { return emitted < 0; }
    };
    static_assert(sizeof(Entry) == 32);

    /// State of a root whose tuples bolts keep, or that is back in flight.
    struct Stay {
        std::uint32_t kept = 0;  // Kept tuples.
        Flight flight = Flight::kInFlight;
        base::Micros since = 0;     // kept > 0: when the first of them was kept.
        base::Micros held_for = 0;  // Total time before that.
    };
    struct KeptSince {
        Root root;
        base::Micros since;
    };

    Entry* find(Root root) {
        const std::uint64_t slot = root & kSlotMask;
        // The id may come from a peer, and so be anything.
        if (slot >= entries_.size()) return nullptr;
        Entry& entry = entries_[slot];
        const auto tag = static_cast<std::uint32_t>(root >> kSlotBits) & kTagMask;
        return entry.tag == (tag | kPending) ? &entry : nullptr;
    }
    Root root_of(const Entry& entry, std::uint64_t slot) const {
        return task_bits_ | std::uint64_t{entry.tag & kTagMask} << kSlotBits | slot;
    }
    // Inlined, and `settled` is passed to nothing, so that it stays in registers: in memory it
    // would be read before it is written.
    [[gnu::always_inline]] Settled settle(Entry& entry, Root root) {
        const auto slot = static_cast<std::uint32_t>(root & kSlotMask);
        Settled settled{.message = entry.message, .emitted = entry.emitted, .root = root};
        if (entry.has_stay()) [[unlikely]] {
            const Stayed stayed = end_stay(entry, slot);
            settled.emitted = entry.emitted;
            settled.flight = stayed.flight;
            settled.held_for = stayed.held_for;
        }
        --pending_;
        const std::uint32_t next = entry.tag + 1;
        if ((next & kGenerationMask) == 0) [[unlikely]]  // The slot has used up its generations.
            return rest(slot), settled;
        entry.link = std::exchange(free_, slot);
        entry.tag = next & kTagMask;
        return settled;
    }
    std::uint32_t deadline(base::Micros now) const {
        // Rounded up, so never before the timeout is over; later by as much as calls need not be
        // exact.
        return static_cast<std::uint32_t>(
            (now + timeout_ + scan_period() / 8) / base::kMicrosPerMilli + 1);
    }
    /// Puts free slots on the list. REQUIRES: !full().
    void find_free();
    struct Stayed {
        Flight flight;
        base::Micros held_for;
    };
    Stayed end_stay(Entry& entry, std::uint32_t slot);
    std::optional<base::Micros> hold(const KeptSince& kept);
    void leave(Flight flight) {
        STORM_CHECK(
            (flight != Flight::kHeld || held_ > 0) && (flight != Flight::kBack || back_ > 0),
            "a root was counted where it is");
        held_ -= flight == Flight::kHeld ? 1U : 0U;
        back_ -= flight == Flight::kBack ? 1U : 0U;
    }
    /// The slot's generations start again after a while.
    void rest(std::uint32_t slot);

    /// Calls that started between `first` and `last` took up to `delay`.
    struct SlowCalls {
        base::Micros first;
        base::Micros last;
        base::Micros delay;
    };
    /// Time by which the timeouts of roots with set_time(opened) start later.
    base::Micros delay_of(base::Micros opened) const;
    void make_room(base::Micros now);
    bool is_due(Entry& entry, std::uint32_t now_ms) const;

    const std::uint64_t task_bits_;
    const std::uint32_t life_bits_;  // As in Entry::tag.
    const std::uint32_t capacity_;
    const base::Micros timeout_;
    std::vector<Entry> entries_;  // Indexed by the root id's slot.
    std::uint32_t free_ = kNone;
    std::uint32_t pending_ = 0;
    std::uint32_t held_ = 0;
    std::unordered_map<std::uint32_t, Stay> stays_;  // Indexed by slot.
    std::deque<KeptSince> kept_;                     // Roots that may become held; ascending.
    std::uint32_t back_ = 0;
    std::uint32_t resting_first_ = kNone;
    std::uint32_t resting_last_ = kNone;
    std::vector<SlowCalls> slow_calls_;  // Ascending; at most kSlowCallsMax.
    std::uint32_t scan_at_ = 0;
    base::Micros scanned_ = 0;
    base::Micros now_ = 0;
    std::uint32_t deadline_ = 0;
    base::Random random_;
};

}  // namespace storm::worker
