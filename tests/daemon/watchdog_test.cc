// A loop that does not answer is found out, and a process that was stopped as a whole is not taken
// for one. Method: the state machine with a clock of the test; then a real loop that waits for
// something.

#include "daemon/watchdog.h"

#include <atomic>
#include <future>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/asio_loop.h"

namespace storm::daemon {
namespace {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;

constexpr Micros kLimit = 5 * kMicrosPerSecond;
const auto kNoProblem = [] { return std::string(); };

TEST(Patience, IsUpAfterTheLimitWithoutAnAnswer) {
    Micros now = 7 * kMicrosPerSecond;
    Patience patience(kLimit, now);

    for (int i = 1; i < 10; ++i) {
        EXPECT_FALSE(patience.look(false, now += patience.interval())) << i;
    }

    EXPECT_TRUE(patience.look(false, now += patience.interval()));
    EXPECT_LE(now - 7 * kMicrosPerSecond, kLimit);
}

TEST(Patience, BeginsAnewWithEachAnswer) {
    Micros now = 0;
    Patience patience(kLimit, now);

    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(patience.look(i % 9 == 0, now += patience.interval())) << i;
    }
}

TEST(Patience, IsNotUpForAProcessThatWasStoppedAsAWhole) {
    Micros now = 0;
    Patience patience(kLimit, now);

    for (int i = 0; i < 4; ++i) {  // Each time it goes on the watch is quicker than the loop.
        EXPECT_FALSE(patience.look(false, now += 3600 * kMicrosPerSecond)) << i;
    }

    EXPECT_FALSE(patience.look(true, now += patience.interval()));
}

TEST(Patience, IsUpForALoopThatHangsOnAfterAStop) {
    Micros now = 0;
    Patience patience(kLimit, now);
    EXPECT_FALSE(patience.look(false, now += 3600 * kMicrosPerSecond));

    int looks = 1;
    while (!patience.look(false, now += patience.interval())) ++looks;

    EXPECT_LE(looks, 10);
}

TEST(Watchdog, CallsOnceForALoopThatWaits) {
    boost::asio::io_context io(1);
    AsioLoop loop(io);
    std::promise<void> hung;
    std::future<void> is_hung = hung.get_future();
    const Watchdog watchdog(loop, 200 * kMicrosPerMilli, kNoProblem,
                            [&](const std::string& problem) {
                                EXPECT_EQ(problem, "");
                                hung.set_value();
                            });

    loop.post([&] {
        EXPECT_EQ(is_hung.wait_for(std::chrono::seconds(60)), std::future_status::ready);
        loop.after(500 * kMicrosPerMilli, [&io] { io.stop(); });
    });

    const auto working = boost::asio::make_work_guard(io);
    io.run();  // A second call would throw.
}

TEST(Watchdog, CallsForALoopThatAnswersButHasAProblemForTooLong) {
    boost::asio::io_context io(1);
    AsioLoop loop(io);
    std::atomic<int> asked = 0;
    std::promise<int> hung;
    std::future<int> asked_then = hung.get_future();
    // It goes away once, so that the time for which it lasts begins again.
    const Watchdog watchdog(
        loop, 500 * kMicrosPerMilli,
        [&] { return ++asked == 6 ? std::string() : std::string("the disk hangs"); },
        [&](const std::string& problem) {
            EXPECT_EQ(problem, "the disk hangs");
            hung.set_value(asked);
            io.stop();
        });

    const auto working = boost::asio::make_work_guard(io);
    io.run();

    EXPECT_GE(asked_then.get(), 7);
}

TEST(Watchdog, LeavesALoopAloneThatIsBusyOrHasNothingToDo) {
    boost::asio::io_context io(1);
    AsioLoop loop(io);
    std::atomic<bool> hung = false;
    const Watchdog watchdog(loop, 2 * kMicrosPerSecond, kNoProblem,
                            [&](const std::string&) { hung = true; });
    const base::SteadyClock clock;
    const Micros until = clock.now() + 3 * kMicrosPerSecond;
    const std::function<void()> more = [&] {
        if (clock.now() < until) return loop.post(more);
        loop.after(3 * kMicrosPerSecond, [&io] { io.stop(); });
    };
    loop.post(more);

    const auto working = boost::asio::make_work_guard(io);
    io.run();

    EXPECT_FALSE(hung);
}

}  // namespace
}  // namespace storm::daemon
