// The end of a process is seen, also where there are no descriptors left. Method: a child that
// waits to be killed.

#include "supervisor/exit_watch.h"

#include <csignal>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/files.h"
#include "tests/support/sanitized.h"

namespace storm::supervisor {
namespace {

class ExitWatchTest : public ::testing::Test {
protected:
    ExitWatchTest() : child_(::fork()) {
        if (child_ == 0) {
            for (;;) ::pause();
        }
        pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
    }
    ~ExitWatchTest() override {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    pid_t child_;
    base::Descriptor pidfd_;
    boost::asio::io_context io_;
    int calls_ = 0;
};

TEST_F(ExitWatchTest, CallsOnceAndLeavesTheDescriptorToItsOwner) {
    {
        const ExitWatch given_up(io_, pidfd_.get(), [this] { calls_ += 10; });
    }
    const ExitWatch watch(io_, pidfd_.get(), [this] { ++calls_; });

    ::kill(child_, SIGKILL);
    io_.run();

    EXPECT_EQ(calls_, 1);
    siginfo_t how{};
    EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &how, WEXITED | WNOWAIT), 0);
}

TEST_F(ExitWatchTest, NeedsNoDescriptorOfItsOwn) {
    if (testing::kSanitized) GTEST_SKIP() << testing::kSanitizersNeedDescriptors;
    // Asio's own are made with the first one.
    {
        const ExitWatch first(io_, pidfd_.get(), [] {});
    }
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none = {0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);

    const ExitWatch watch(io_, pidfd_.get(), [this] { ++calls_; });
    ::kill(child_, SIGKILL);
    io_.run();

    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace storm::supervisor
