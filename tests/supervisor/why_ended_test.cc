// Goal:   whoever must act on a worker's end reads what to act on.
// Method: each sign by itself, and signs that must not be mistaken for it.

#include "supervisor/why_ended.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kMebibyte = 1U << 20;

Symptoms exited(int code) {
    Symptoms made;
    made.exit = {.known = true, .code = code, .signal = 0};
    return made;
}
Symptoms killed(int signal) {
    Symptoms made;
    made.exit = {.known = true, .code = 0, .signal = signal};
    return made;
}

TEST(WhyEnded, AnExitIsNamed) {
    EXPECT_EQ(why_ended(exited(1)), "exited with code 1");
    EXPECT_THAT(why_ended(killed(SIGSEGV)), HasSubstr("killed by signal 11"));
}

TEST(WhyEnded, AnExitWithZeroBeforeTheEndIsUserCodes) {
    EXPECT_THAT(why_ended(exited(0)), HasSubstr("as if user code had called exit(0)"));
    Symptoms failed = exited(0);
    failed.reason = EndReason::kFailed;
    EXPECT_THAT(why_ended(failed), Not(HasSubstr("exit(0)")));
}

TEST(WhyEnded, ATimeoutNamesItsSetting) {
    Symptoms silent = killed(SIGKILL);
    silent.reason = EndReason::kSilent;
    EXPECT_THAT(why_ended(silent), HasSubstr("supervisor.worker.timeout.secs"));
    silent.reason = EndReason::kStartTimeout;
    EXPECT_THAT(why_ended(silent), HasSubstr("supervisor.worker.start.timeout.secs"));
    silent.reason = EndReason::kFenced;
    EXPECT_THAT(why_ended(silent), HasSubstr("fenced"));
}

TEST(WhyEnded, OnlySigkillIsBlamedOnTheKernel) {
    Symptoms short_of_memory = killed(SIGKILL);
    EXPECT_THAT(why_ended(short_of_memory), Not(HasSubstr("out of memory")));
    short_of_memory.kernel_has_killed = true;
    EXPECT_THAT(why_ended(short_of_memory), HasSubstr("this host has run out of memory"));
    short_of_memory.exit.signal = SIGSEGV;
    EXPECT_THAT(why_ended(short_of_memory), Not(HasSubstr("out of memory")));
}

TEST(WhyEnded, ALimitOfMemoryIsNamedWithItsSize) {
    Symptoms full = killed(SIGABRT);
    full.last_stderr = {"terminate called", "what():  std::bad_alloc"};
    EXPECT_THAT(why_ended(full), Not(HasSubstr("MiB"))) << "it has no limit";
    full.memory_max = 64 * kMebibyte;
    EXPECT_THAT(why_ended(full), HasSubstr("may have 64 MiB (topology.worker.max.memory.mb)"));
    full.last_stderr.clear();
    EXPECT_THAT(why_ended(full), Not(HasSubstr("MiB")));
    full.failure = "std::bad_alloc";
    EXPECT_THAT(why_ended(full), HasSubstr("64 MiB"));
}

TEST(WhyEnded, TooManyProcessesNameTheirSetting) {
    Symptoms crowded = exited(1);
    crowded.failure = "cannot make a thread: Resource temporarily unavailable";
    EXPECT_THAT(why_ended(crowded), HasSubstr("supervisor.worker.max.processes"));
    crowded.exit.known = false;
    EXPECT_THAT(why_ended(crowded), Not(HasSubstr("supervisor.worker.max.processes")));
}

}  // namespace
}  // namespace storm::supervisor
