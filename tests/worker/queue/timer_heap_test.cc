// Goal:   the earliest is always next, and nobody is in the heap twice.
// Method: any changes, beside a plain list of the times.

#include "worker/queue/timer_heap.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace storm::worker {
namespace {

struct Item : Timed {};

RC_GTEST_PROP(TimerHeap, TheEarliestIsNextWhateverChanges, ()) {
    std::array<Item, 9> items;
    std::array<base::Micros, 9> due{};
    due.fill(kNever);
    TimerHeap<Item> heap;

    const auto steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
        const auto which = *rc::gen::inRange<std::size_t>(0, items.size());
        due[which] = *rc::gen::weightedOneOf<base::Micros>(
            {{3, rc::gen::inRange<base::Micros>(0, 20)}, {1, rc::gen::just(kNever)}});
        if (due[which] == kNever && *rc::gen::arbitrary<bool>()) {
            heap.remove(items[which]);
        } else {
            heap.set(items[which], due[which]);
        }

        const base::Micros earliest = *std::min_element(due.begin(), due.end());
        RC_ASSERT(heap.empty() == (earliest == kNever));
        if (heap.empty()) continue;
        RC_ASSERT(heap.due() == earliest);
        RC_ASSERT(due[static_cast<std::size_t>(&heap.next() - items.data())] == earliest);
    }
}

TEST(TimerHeap, ItDoesNotGrowHoweverOftenATimeChangesThereAndBack) {
    TimerHeap<Item> heap;
    Item spout;
    Item bolt;

    for (int i = 0; i < 1'000; ++i) {
        heap.set(spout, 1'000'000);
        heap.set(bolt, 500);
        heap.set(spout, kNever);
        heap.set(spout, i);
    }

    EXPECT_EQ(heap.size(), 2);
}

}  // namespace
}  // namespace storm::worker
