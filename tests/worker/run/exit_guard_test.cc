// An exit in the middle of a run is a failure, and that of a copy of the process is none.
#include "worker/run/exit_guard.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace storm::worker {
namespace {

TEST(ExitGuard, AnExitInTheMiddleOfARunFails) {
    EXPECT_EXIT(
        {
            const ExitGuard guard;
            std::exit(0);
        },
        ::testing::ExitedWithCode(1), "user code called exit\\(0\\)");
}

TEST(ExitGuard, ACopyOfTheProcessMayExitAndTheGuardGoesOn) {
    EXPECT_EXIT(
        {
            const ExitGuard guard;
            const pid_t copy = ::fork();
            if (copy == 0) std::exit(0);
            int status = -1;
            ::waitpid(copy, &status, 0);
            std::exit(status);
        },
        ::testing::ExitedWithCode(1), "^error: user code called exit\\(0\\)[^:]*hint:[^:]*$");
}

}  // namespace
}  // namespace storm::worker
