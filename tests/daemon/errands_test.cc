// A thread that runs one call after the other, and tells for how long it has been at one.
// Method: a call that waits for the test.

#include "daemon/errands.h"

#include <future>
#include <thread>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/asio_loop.h"

namespace storm::daemon {
namespace {

TEST(Errands, TellHowLongTheOneAtWorkHasBeenSo) {
    boost::asio::io_context io(1);
    AsioLoop loop(io);
    Errands errands(loop, "test", 2);
    std::promise<void> begun;
    std::promise<void> go;
    EXPECT_EQ(errands.at_work_for(), 0);

    ASSERT_TRUE(errands.run(
        [&] {
            begun.set_value();
            go.get_future().wait();
            return 1;
        },
        [](int) {}));
    begun.get_future().wait();
    while (errands.at_work_for() < 20 * base::kMicrosPerMilli) std::this_thread::yield();
    go.set_value();
    // The next one begins its own time.
    ASSERT_TRUE(errands.run([&] { return errands.at_work_for(); },
                            [&](base::Micros at_work) {
                                EXPECT_LT(at_work, 20 * base::kMicrosPerMilli);
                                io.stop();
                            }));

    const auto working = boost::asio::make_work_guard(io);
    io.run();
    // An errand is at work until it has returned, a little longer than until it has posted `then`.
    while (errands.at_work_for() != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace storm::daemon
