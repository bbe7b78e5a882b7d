// Finds the executor that is due next. Each has at most one entry, which moves when its time
// changes.
//
// Threads: the loop's.
// Cost:    O(log n) per change; nothing if the time is the same as before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/clock.h"

namespace storm::worker {

inline constexpr base::Micros kNever = std::int64_t{1} << 62;

/// The heap's bookkeeping within its elements.
struct Timed {
    base::Micros timer_due = kNever;  // kNever: in no heap.
    std::size_t timer_slot = 0;       // Index in the heap.
};

template <typename T>  // T is derived from Timed.
class TimerHeap {
public:
    bool empty() const { return heap_.empty(); }
    std::size_t size() const { return heap_.size(); }
    /// REQUIRES: not empty, as for next().
    base::Micros due() const { return heap_.front()->timer_due; }
    T& next() const { return *heap_.front(); }

    /// Adds, moves or, with kNever, removes an element.
    void set(T& timed, base::Micros due) {
        if (due == timed.timer_due) [[likely]]
            return;
        if (due == kNever) return remove(timed);
        if (timed.timer_due == kNever) {
            timed.timer_slot = heap_.size();
            heap_.push_back(&timed);
        }
        timed.timer_due = due;
        settle(timed);
    }

    void remove(T& timed) {
        if (timed.timer_due == kNever) return;
        STORM_CHECK(timed.timer_slot < heap_.size() && heap_[timed.timer_slot] == &timed,
                    "an element knows its place in its heap");
        timed.timer_due = kNever;
        T& last = *heap_.back();
        heap_.pop_back();
        if (&last == &timed) return;
        put(timed.timer_slot, last);
        settle(last);
    }

private:
    void put(std::size_t slot, T& timed) {
        heap_[slot] = &timed;
        timed.timer_slot = slot;
    }

    // Moves an element up while it is earlier than its parent, or down while it is later than a
    // child.
    void settle(T& timed) {
        std::size_t slot = timed.timer_slot;
        while (slot > 0 && timed.timer_due < heap_[(slot - 1) / 2]->timer_due) {
            put(slot, *heap_[(slot - 1) / 2]);
            slot = (slot - 1) / 2;
        }
        while (true) {
            std::size_t below = 2 * slot + 1;
            if (below >= heap_.size()) break;
            if (below + 1 < heap_.size() && heap_[below + 1]->timer_due < heap_[below]->timer_due)
                ++below;
            if (heap_[below]->timer_due >= timed.timer_due) break;
            put(slot, *heap_[below]);
            slot = below;
        }
        put(slot, timed);
    }

    std::vector<T*> heap_;
};

}  // namespace storm::worker
