// The ack ledger of one spout task: the tuple trees (roots) that it emitted and that are still
// open.
//
// Every copy of a tuple that travels an edge of the topology carries a random 64-bit edge id. For
// each root the ledger keeps the XOR of all the ids it is told of: once when a copy is emitted,
// once when it is acked. At zero, every copy has been acked. However large a tree grows, its entry
// does not. (A wrong zero has a chance of 2^-64 per message; the design accepts it. Storm, 2011.)
//
//     root id = task (20 bits) | generation (20 bits) | slot (24 bits)
//
// Whoever holds a root id can route an ack to its spout, and no map is needed. A slot's generation
// changes each time it is used: messages for a root that has settled match nothing, whatever uses
// its slot now. The first generation of a slot is random, so that messages for a former life of the
// task match nothing either.
//
// Order:   open() makes the root id that the rows carry; arm() tells which edges went out. Messages
// are applied between
//          callbacks of the spout, hence after arm(): half a tree cannot complete.
// Time:    none of its own. The owner passes its loop's time.
// Threads: used only by the thread that runs the spout's executor.
// Cost:    open, arm and ack touch one 32-byte entry, found by index, no hashing: 3 ns for all
//          three, 7 ns with the edge id drawn. The slot freed last is used first: it is still in
//          cache. Grows by doubling up to its capacity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <storm/spout.h>

#include "base/clock.h"
#include "base/random.h"

namespace storm::worker {

using Root = std::uint64_t;
using EdgeXor = std::uint64_t;

inline constexpr unsigned kSlotBits = 24;
inline constexpr unsigned kGenerationBits = 20;
inline constexpr unsigned kRootTaskBits = 20;

inline TaskId task_of(Root root) {
    return static_cast<TaskId>(root >> (kSlotBits + kGenerationBits));
}

/// A root that has left the ledger: `message` is what the spout gave to open().
struct Settled {
    MessageId message;
    base::Micros emitted;
    Root root;

    friend bool operator==(const Settled&, const Settled&) = default;
};

class AckLedger {
public:
    /// At most `capacity` roots are pending at once. A root times out between `timeout` and
    /// `timeout` + scan_period(), never when `timeout` is 0. REQUIRES: 0 < task < 2^20, 0 <
    /// capacity < 2^24.
    AckLedger(TaskId task, std::uint32_t capacity, base::Micros timeout, base::Random random);

    AckLedger(const AckLedger&) = delete;
    AckLedger& operator=(const AckLedger&) = delete;

    /// The time of the roots that are opened from now on.
    void set_time(base::Micros now) {
        now_ = now;
        deadline_ = deadline(now);
    }

    /// Starts a tree. REQUIRES: !full().
    Root open(MessageId message) {
        if (free_ == kNone) [[unlikely]]
            grow();
        const std::uint32_t slot = free_;
        Entry& entry = entries_[slot];
        free_ = entry.link;
        entry.edges = 0;
        entry.message = message;
        entry.emitted = now_;
        entry.link = deadline_;
        entry.generation |= kPending;
        ++pending_;
        return task_bits_ | std::uint64_t{entry.generation & kGenerationMask} << kSlotBits | slot;
    }

    /// All first copies of `root` are out; `edges` is the XOR of their ids. A root without a copy
    /// is complete at once. REQUIRES: open() has just returned `root`.
    [[nodiscard]] std::optional<Settled> arm(Root root, EdgeXor edges) {
        Entry& entry = entries_[root & kSlotMask];
        entry.edges = edges;
        if (edges == 0) [[unlikely]]
            return settle(entry);
        return std::nullopt;
    }

    /// A bolt acked a tuple: `edges` is the XOR of its id and of all ids it emitted from it.
    [[nodiscard]] std::optional<Settled> ack(Root root, EdgeXor edges) {
        Entry* const entry = find(root);
        if (entry == nullptr) return std::nullopt;
        entry->edges ^= edges;
        if (entry->edges != 0) return std::nullopt;
        return settle(*entry);
    }

    /// A bolt failed a tuple.
    [[nodiscard]] std::optional<Settled> fail(Root root) {
        Entry* const entry = find(root);
        if (entry == nullptr) return std::nullopt;
        return settle(*entry);
    }

    /// `root` starts its timeout again.
    void reset_timeout(Root root, base::Micros now);

    /// The roots that were opened with set_time(opened) start their timeout again at `now`. Looks
    /// at the whole table.
    void postpone(base::Micros opened, base::Micros now);

    /// Settles roots whose deadline has passed, looking at a share of the table that fits the time
    /// since the last call: bounded work. Call it about every scan_interval() while roots are
    /// pending.
    void expire(base::Micros now, std::vector<Settled>& expired);

    /// Settles everything, for a task that stops.
    void abandon(std::vector<Settled>& abandoned);

    std::uint32_t pending() const { return pending_; }
    bool full() const { return pending_ >= capacity_; }
    base::Micros scan_period()
        const;  ///< In which the whole table is looked at: min(timeout / 8, 1 s).
    base::Micros scan_interval() const;  ///< Between two calls of expire(): an eighth of that.

private:
    static constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;
    static constexpr std::uint32_t kGenerationMask = (1U << kGenerationBits) - 1;
    static constexpr std::uint32_t kPending = 1U << 31;  // In Entry::generation.
    static constexpr std::uint32_t kNone = ~0U;

    struct Entry {
        EdgeXor edges = 0;
        MessageId message = 0;
        base::Micros emitted = 0;
        std::uint32_t generation = 0;  // Low 20 bits; kPending.
        std::uint32_t link = kNone;    // Pending: deadline in ms. Free: the next free slot.
    };
    static_assert(sizeof(Entry) == 32);

    Entry* find(Root root) {
        const std::uint64_t slot = root & kSlotMask;
        if (slot >= entries_.size())
            return nullptr;  // The id may come from a peer: it may be anything.
        Entry& entry = entries_[slot];
        const auto generation = static_cast<std::uint32_t>(root >> kSlotBits) & kGenerationMask;
        return entry.generation == (generation | kPending) ? &entry : nullptr;
    }
    Settled settle(Entry& entry) {
        const auto slot = static_cast<std::uint64_t>(&entry - entries_.data());
        const Root root =
            task_bits_ | std::uint64_t{entry.generation & kGenerationMask} << kSlotBits | slot;
        entry.generation = (entry.generation + 1) & kGenerationMask;
        entry.link = free_;
        free_ = static_cast<std::uint32_t>(slot);
        --pending_;
        return {.message = entry.message, .emitted = entry.emitted, .root = root};
    }
    std::uint32_t deadline(base::Micros now) const {
        // Rounded up: never before the timeout is over.
        return static_cast<std::uint32_t>((now + timeout_) / base::kMicrosPerMilli + 1);
    }
    void grow();

    const std::uint64_t task_bits_;
    const std::uint32_t capacity_;
    const base::Micros timeout_;
    std::vector<Entry> entries_;  // Indexed by the root id's slot.
    std::uint32_t free_ = kNone;
    std::uint32_t pending_ = 0;
    std::uint32_t scan_at_ = 0;
    base::Micros scanned_ = 0;
    base::Micros now_ = 0;
    std::uint32_t deadline_ = 0;
    base::Random random_;
};

}  // namespace storm::worker
