// Goal:   a sender that begins to wait just while the receiver moves the limit goes on all the
//         same.
//         credit_test.cc tries every order of the steps of both in a model; this is the one order
//         that matters, with the classes themselves.
// Method: one thread. The relaxed accesses of credit.h stop at a hook before they happen, where the
//         other side takes its steps.

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): for the macro below.
std::function<void()> at_next_relaxed_access;

inline std::memory_order relaxed_after_hook() {
    if (at_next_relaxed_access) std::exchange(at_next_relaxed_access, nullptr)();
    return std::memory_order::relaxed;
}

}  // namespace
}  // namespace storm::worker

// NOLINTNEXTLINE(readability-identifier-naming): the standard's.
#define memory_order_relaxed memory_order(relaxed_after_hook())
#include "worker/queue/credit.h"
#undef memory_order_relaxed

namespace storm::worker {
namespace {

TEST(CreditSteps, CreditThatComesBeforeASenderHasSaidThatItWaitsIsSeenByIt) {
    CreditReceiver receiver(100);
    CreditSender sender(&receiver);
    ASSERT_TRUE(sender.send(100));
    bool told = true;
    // It has seen that there is none, and is about to say that it waits.
    at_next_relaxed_access = [&] { told = receiver.consume(100); };

    const bool has_credit = sender.refresh();

    EXPECT_FALSE(told) << "nobody had said that it waits";
    EXPECT_TRUE(has_credit);
}

}  // namespace
}  // namespace storm::worker
