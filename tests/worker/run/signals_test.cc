// A signal can be asked for, a closed pipe is an error of the write, and programs that user code
// starts, in whatever way, begin with nothing blocked or ignored.
// Method: real signals, and children that look at /proc/self/status.

#include "worker/run/signals.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "tests/support/temp_dir.h"

namespace storm::worker {
namespace {

/// There is one in a process.
Signals& signals() {
    static Signals made;
    return made;
}

TEST(Signals, AreTakenOneByOne) {
    ASSERT_FALSE(signals().take());

    std::raise(SIGINT);
    std::raise(SIGTERM);
    std::raise(SIGHUP);

    EXPECT_TRUE(signals().take());
    EXPECT_TRUE(signals().take());
    EXPECT_TRUE(signals().take());
    EXPECT_FALSE(signals().take());
}

TEST(Signals, NohupLetsAProgramGoOn) {
    EXPECT_EXIT(
        {
            std::signal(SIGHUP, SIG_IGN);
            Signals made;
            std::raise(SIGHUP);
            std::_Exit(made.take() ? 1 : 0);
        },
        ::testing::ExitedWithCode(0), "");
}

TEST(Signals, AClosedPipeIsAnErrorOfTheWrite) {
    signals();
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    close(ends[0]);

    const ssize_t wrote = write(ends[1], "x", 1);

    EXPECT_EQ(wrote, -1);
    EXPECT_EQ(errno, EPIPE);
    close(ends[1]);
}

// ---- Children ----------------------------------------------------------------------------------

constexpr const char* kLook = "exec grep -E 'Sig(Blk|Ign)' /proc/self/status >\"$0\"";

/// Runs `start` in a thread as the engine's are; what its child saw in /proc/self/status.
template <typename Start>
std::string seen_by_child(Start&& start) {
    signals();
    const testing::TempDir dir;
    const std::string path = dir.path("status");
    base::Thread("user", [&] { start(path); }).join();
    return dir.read("status");
}

/// Those of our signals that were blocked or ignored in the child.
std::uint64_t held_back(const std::string& status) {
    constexpr std::uint64_t kOurs =
        1U << (SIGINT - 1) | 1U << (SIGTERM - 1) | 1U << (SIGHUP - 1) | 1U << (SIGPIPE - 1);
    std::istringstream lines(status);
    std::uint64_t both = 0, mask = 0;
    int seen = 0;
    for (std::string name; lines >> name >> std::hex >> mask; ++seen) both |= mask;
    EXPECT_EQ(seen, 2) << status;
    return both & kOurs;
}

TEST(Signals, AreNeitherBlockedNorIgnoredInAChildOfSystem) {
    EXPECT_EQ(held_back(seen_by_child([](const std::string& path) {
                  const std::string command =
                      "grep -E 'Sig(Blk|Ign)' /proc/self/status >'" + path + "'";
                  ASSERT_EQ(std::system(command.c_str()), 0);
              })),
              0U);
}

TEST(Signals, AreNeitherBlockedNorIgnoredInAChildOfPosixSpawn) {
    EXPECT_EQ(held_back(seen_by_child([](std::string path) {
                  std::string shell = "sh", option = "-c", command = kLook;
                  const std::array<char*, 5> arguments = {shell.data(), option.data(),
                                                          command.data(), path.data(), nullptr};
                  pid_t child = 0;
                  ASSERT_EQ(
                      posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments.data(), environ),
                      0);
                  ASSERT_EQ(waitpid(child, nullptr, 0), child);
              })),
              0U);
}

TEST(Signals, AreNeitherBlockedNorIgnoredInAChildOfForkAndExec) {
    EXPECT_EQ(held_back(seen_by_child([](const std::string& path) {
                  const pid_t child = fork();
                  if (child == 0) {
                      execl("/bin/sh", "sh", "-c", kLook, path.c_str(), nullptr);
                      _exit(1);
                  }
                  ASSERT_EQ(waitpid(child, nullptr, 0), child);
              })),
              0U);
}

TEST(Signals, EndAChildThatIsOnlyForked) {
    signals();
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
        static_cast<void>(!write(ends[1], "x", 1));
        while (true) pause();
    }
    char runs = 0;
    ASSERT_EQ(read(ends[0], &runs, 1), 1);

    kill(child, SIGTERM);

    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    for (const int end : ends) close(end);
}

}  // namespace
}  // namespace storm::worker
