// A Supervisor starts, watches, restarts, adopts and stops real worker processes. Method: the
// Supervisor in this process, a cluster's state in memory, a Nimbus of a few lines, and a small
// worker program that misbehaves when asked to.

#include "supervisor/supervisor.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sha256.h"
#include "base/thread.h"
#include "cluster/record_codec.h"
#include "supervisor/limits.h"
#include "tests/support/local_socket.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_cluster.h"

namespace storm::supervisor {
namespace {

using cluster::WorkerState;
using ::testing::AllOf;
using ::testing::AnyOf;
using testing::content_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TestCluster;

TEST(Supervisor, StartsAWorkerAndToldToStopsIt) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    EXPECT_EQ(::kill(pid, 0), 0);
    EXPECT_EQ(content_of(cluster.nimbus.file("wc", "descriptors")), "\n") << "it inherited more";
    EXPECT_EQ(cluster.nimbus.starts("wc").at(0).incarnation, (std::uint64_t{1} << 32) + 1);

    cluster.nimbus.remove("wc");

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Supervisor, WorkersOfARebalancedTopologyHaveItsNewSettings) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));

    cluster.nimbus.rebalance("wc", "fail");

    EXPECT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->report.state == WorkerState::kFailed;
    }));
}

/// From the kill of a worker until its successor's code runs.
Micros time_to_succeed() {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run", 2);
    EXPECT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.runs("wc", 0) && cluster.runs("wc", 1); }));
    const pid_t other = cluster.status("wc", 1)->pid;

    const Micros killed_at = base::SteadyClock().now();
    ::kill(cluster.status("wc")->pid, SIGKILL);

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    const auto starts = cluster.nimbus.starts("wc");
    EXPECT_GT(starts.at(1).incarnation, starts.at(0).incarnation);
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.status("wc")->exit, "killed by signal 9 (SIGKILL)");
    EXPECT_EQ(cluster.status("wc")->restarts, 1U);
    EXPECT_EQ(cluster.status("wc", 1)->pid, other);
    return starts.at(1).at - killed_at;
}

TEST(Supervisor, RunsASuccessorWithin50MsOfAKill) {
    constexpr Micros kMost = (storm::testing::kSanitized ? 500 : 50) * kMicrosPerMilli;
    // The best of some: others may use this machine, too.
    Micros best = time_to_succeed();
    for (int i = 0; i < 4 && best >= kMost; ++i) best = std::min(best, time_to_succeed());
    RecordProperty("micros", static_cast<int>(best));
    EXPECT_LT(best, kMost);
}

TEST(Supervisor, AdoptsItsPredecessorsWorkersAndRestartsNone) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run", 2);
    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.runs("wc", 0) && cluster.runs("wc", 1); }));
    const pid_t first = cluster.status("wc", 0)->pid, second = cluster.status("wc", 1)->pid;
    const std::string id = cluster.supervisor().id();
    const auto slots = cluster.nimbus.slots();
    cluster.stop();
    cluster.nimbus.run_for(std::chrono::milliseconds(100));
    EXPECT_EQ(::kill(first, 0), 0);

    cluster.start();

    EXPECT_EQ(cluster.supervisor().id(), id);
    EXPECT_EQ(cluster.nimbus.slots(), slots);
    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.runs("wc", 0) && cluster.runs("wc", 1); }));
    cluster.nimbus.run_for(std::chrono::milliseconds(2500));  // More than the workers' timeout.
    EXPECT_EQ(cluster.status("wc", 0)->pid, first);
    EXPECT_EQ(cluster.status("wc", 1)->pid, second);
    EXPECT_EQ(cluster.nimbus.starts("wc", 0).size(), 1U);

    ::kill(first, SIGKILL);
    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc", 0).size() == 2; }));
    EXPECT_EQ(cluster.nimbus.starts("wc", 0)[1].incarnation, (std::uint64_t{1} << 32) + 2);
}

TEST(Supervisor, StartsAWorkerAgainThatDiedWhileThereWasNoSupervisor) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);

    cluster.start();

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.nimbus.starts("wc").at(1).incarnation, (std::uint64_t{1} << 32) + 2);
}

TEST(Supervisor, FindsAWorkerWhosePidWasNotWrittenDown) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    auto saved = *read_state(cluster.settings.places, "wc", 0);
    saved.pid = 0;
    saved.start_time = 0;
    ASSERT_TRUE(write_state(cluster.settings.places, saved));

    cluster.start();

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
}

TEST(Supervisor, EndsWhatAWorkerHasLeftBehindBeforeItsSuccessor) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "litter");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t distant = std::stoi(content_of(cluster.nimbus.file("wc", "distant-child")));
    const pid_t pid = cluster.status("wc")->pid;
    EXPECT_EQ(::getsid(distant), distant);

    ::kill(pid, SIGKILL);

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    EXPECT_THAT(content_of("/proc/" + std::to_string(distant) + "/stat"),
                AnyOf(IsEmpty(), HasSubstr(") Z ")))
        << "nobody may have waited for it yet";
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t next = cluster.status("wc")->pid;
    cluster.nimbus.run_for(std::chrono::milliseconds(200));
    EXPECT_EQ(cluster.status("wc")->pid, next) << "the successor is not a leftover";
}

/// Not for one that has ended, and that nobody has waited for yet.
bool lives(pid_t pid) {
    const std::string stat = content_of("/proc/" + std::to_string(pid) + "/stat");
    return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

/// A cluster without a Supervisor, whose worker has ended since and left a process behind.
pid_t leave_behind(TestCluster& cluster) {
    cluster.start();
    cluster.submit("wc", "litter");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t left = std::stoi(content_of(cluster.nimbus.file("wc", "distant-child")));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(lives(left));
    return left;
}

TEST(Supervisor, EndsWhatAWorkerHasLeftBehindThatEndedWhileThereWasNoSupervisor) {
    TestCluster cluster;
    const pid_t left = leave_behind(cluster);
    cluster.nimbus.remove("wc");

    cluster.start();

    EXPECT_FALSE(lives(left)) << "before it looks at its ports";
    EXPECT_FALSE(read_state(cluster.settings.places, "wc", 0)->running);
}

TEST(Supervisor, AWorkerWhoseHistoryTheDiskDoesNotGiveIsNotStartedAsANewOne) {
    TestCluster cluster;
    // As good as an error of the disk.
    const std::string state = cluster.settings.places.state("wc", 0);
    std::filesystem::create_directories(state);
    cluster.start();
    cluster.submit("wc", "run");
    cluster.nimbus.run_for(std::chrono::milliseconds(500));
    EXPECT_FALSE(cluster.runs("wc"));
    EXPECT_TRUE(std::filesystem::is_directory(state)) << "nothing is written over it";

    std::filesystem::remove(state);
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
}

TEST(Supervisor, SearchesNothingOfAWorkerFromBeforeTheHostsStart) {
    TestCluster cluster;
    const pid_t left = leave_behind(cluster);
    auto saved = *read_state(cluster.settings.places, "wc", 0);
    const auto as_before = saved;
    saved.boot = "another";
    ASSERT_TRUE(write_state(cluster.settings.places, saved));

    cluster.start();

    EXPECT_TRUE(lives(left)) << "it must be somebody else's";
    cluster.stop();
    ASSERT_TRUE(write_state(cluster.settings.places, as_before));
    cluster.start();
    EXPECT_FALSE(lives(left));
}

TEST(Supervisor, CallsAWorkerEndedOnlyOnceNothingOfItIsLeft) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "litter");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t left = std::stoi(content_of(cluster.nimbus.file("wc", "distant-child")));
    const auto has_ended = [&] {
        const auto saved = read_state(cluster.settings.places, "wc", 0);
        return saved && !saved->running;
    };
    std::atomic<bool> over = false;
    std::atomic<bool> too_soon = false;
    // Without a pause between two looks: leftovers are searched for within milliseconds.
    base::Thread watching("watching", [&] {
        while (!over && !has_ended()) {
        }
        too_soon = lives(left);
    });
    cluster.nimbus.reassign("wc", [](cluster::Assignment& assignment) {
        assignment.status = cluster::Status::kKilled;
    });

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return has_ended() && !lives(left); }));
    over = true;
    watching.join();
    EXPECT_FALSE(too_soon) << "who dies in between would never come back to it";
}

TEST(Supervisor, DoesNotWaitForAFifoThatUserCodePutInPlaceOfALog) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const std::string path = cluster.nimbus.log("wc", "stderr");
    for (const bool is_link : {false, true}) {
        const std::size_t starts = cluster.nimbus.starts("wc").size();
        std::filesystem::remove(path);
        if (is_link) {
            ASSERT_EQ(::symlink("/dev/full", path.c_str()), 0);
        } else {
            ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        }

        ::kill(cluster.status("wc")->pid, SIGKILL);

        ASSERT_TRUE(cluster.nimbus.wait_until(
            [&] { return cluster.nimbus.starts("wc").size() > starts && cluster.runs("wc"); }));
        EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(path)));
    }
}

TEST(Supervisor, MakesItsSocketAnewWhenSomebodyHasRemovedIt) {
    TestCluster cluster;
    cluster.start();
    std::filesystem::remove(cluster.settings.places.socket());
    ASSERT_TRUE(cluster.nimbus.wait_until(
        [&] { return std::filesystem::exists(cluster.settings.places.socket()); }));

    cluster.submit("wc", "run");

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
}

TEST(Supervisor, StartsAgainOnAFullDiskAndSavesItsStateLater) {
    TestCluster cluster;
    const std::string dir = cluster.settings.places.local_dir;
    std::filesystem::create_directories(dir);
    // A namespace of this process alone; gone with it.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", dir.c_str(), "tmpfs", 0, "size=256m,mode=700") != 0) {
        GTEST_SKIP() << "cannot mount";
    }
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    std::ofstream filler(dir + "/filler");
    while (filler) filler << std::string(1U << 16U, 'x') << std::flush;
    ASSERT_FALSE(base::write_whole_file(dir + "/one-more", "x", 0600));

    const auto started = cluster.try_start();

    EXPECT_TRUE(started) << started.error().message;
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        return cluster.status("wc")->report.failure.find("no space") != std::string::npos;
    }));
    filler.close();
    std::filesystem::remove(dir + "/filler");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] {
        const auto saved = read_state(cluster.settings.places, "wc", 0);
        return cluster.runs("wc") && saved && saved->pid == cluster.status("wc")->pid;
    }));
    cluster.stop();
    cluster.nimbus.end_workers();
    ::umount2(dir.c_str(), MNT_DETACH);
}

TEST(Supervisor, ShowsACrashLoopWithTheLastLinesOfStderr) {
    TestCluster cluster;
    cluster.start();

    cluster.submit("wc", "crash");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->report.state == WorkerState::kCrashLoop;
    }));
    const auto status = *cluster.status("wc");
    EXPECT_EQ(status.exit, "exited with code 3");
    EXPECT_THAT(status.last_stderr, ElementsAre("one", "two", HasSubstr("incarnation")));
    EXPECT_TRUE(cluster.nimbus.wait_until([&] {
        const auto reports = cluster.nimbus.reports();
        return !reports.empty() && !reports.back().workers.empty() &&
               reports.back().workers[0].report.state == WorkerState::kCrashLoop;
    }));
}

TEST(Supervisor, SaysThatAWorkerWhichLeftWithCodeZeroHadNotFinished) {
    TestCluster cluster;
    cluster.start();

    cluster.submit("wc", "leave");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && !status->exit.empty();
    }));
    EXPECT_EQ(cluster.status("wc")->exit,
              "exited with code 0 before it had finished, as if user code had called exit(0)");
}

TEST(Supervisor, StartsAFencedWorkerAtOnce) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "fenced");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() >= 3; }));

    const auto starts = cluster.nimbus.starts("wc");
    EXPECT_LT(starts[2].at - starts[0].at, kMicrosPerSecond);  // On a busy machine, too.
    EXPECT_THAT(cluster.status("wc")->exit, HasSubstr("fenced"));
}

TEST(Supervisor, KillsAFrozenWorkerAndStartsAnother) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;

    ::kill(pid, SIGSTOP);

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    EXPECT_NE(::kill(pid, 0), 0);
    EXPECT_THAT(cluster.status("wc")->exit, HasSubstr("had not reported"));
}

TEST(Supervisor, KillsAWorkerThatNeverReports) {
    TestCluster cluster;
    cluster.settings.times.start_timeout = kMicrosPerSecond;
    cluster.start();

    cluster.submit("wc", "mute");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    EXPECT_THAT(cluster.status("wc")->exit, HasSubstr("start.timeout"));
}

TEST(Supervisor, KillsAWorkerThatIgnoresStopAndSigterm) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "deaf");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;

    cluster.nimbus.remove("wc");

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); },
                                          std::chrono::milliseconds(2000)));
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Supervisor, LetsAKilledTopologyDrain) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "slow");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const base::Micros begin = base::SteadyClock().now();

    cluster.nimbus.reassign("wc", [](cluster::Assignment& assignment) {
        assignment.status = cluster::Status::kKilled;
        assignment.kill_wait_ms = 30'000;
    });

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.status("wc")->pid == 0; }));
    EXPECT_GT(base::SteadyClock().now() - begin, 1'900 * kMicrosPerMilli);
    const std::string told = content_of(cluster.nimbus.file("wc", "told"));
    EXPECT_THAT(told, HasSubstr("drain"));
    EXPECT_EQ(told.find("stop"), std::string::npos);
}

TEST(Supervisor, DoesNotStartAFinishedWorkerAgainNotEvenAfterItsOwnRestart) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "finish");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->pid == 0 && status->report.state == WorkerState::kFinished;
    }));

    cluster.stop();
    cluster.start();

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.status("wc").has_value(); }));
    cluster.nimbus.run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(cluster.status("wc")->report.state, WorkerState::kFinished);
    EXPECT_EQ(cluster.nimbus.starts("wc").size(), 1U);
}

TEST(Supervisor, SaysWhyAWorkerFailed) {
    TestCluster cluster;
    cluster.start();

    cluster.submit("wc", "fail");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->report.failure == "cannot open \"input\"" && status->pid == 0;
    }));
}

TEST(Supervisor, SendsAChangedAssignment) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));

    cluster.nimbus.reassign("wc", [](cluster::Assignment& assignment) {
        assignment.status = cluster::Status::kInactive;
    });

    EXPECT_TRUE(cluster.nimbus.wait_until(
        [&] { return cluster.status("wc")->report.assignment_epoch == 2; }));
    EXPECT_EQ(cluster.nimbus.starts("wc").size(), 1U);
}

TEST(Supervisor, ReplacesAWorkerWhoseSlotHasANewerEpoch) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));

    cluster.nimbus.reassign(
        "wc", [](cluster::Assignment& assignment) { assignment.workers[0].epoch = 2; });

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    EXPECT_EQ(cluster.nimbus.starts("wc")[1].incarnation, (std::uint64_t{2} << 32) + 1);
}

TEST(Supervisor, KeepsWorkersWhileZookeeperIsAwayAndItsSessionExpires) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;

    cluster.zookeeper().cut(cluster.loop());
    cluster.zookeeper().expire(cluster.loop());
    cluster.nimbus.run_for(std::chrono::milliseconds(500));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }))
        << "a crash is repaired without ZooKeeper";
    cluster.zookeeper().mend(cluster.loop());
    cluster.nimbus.run_for(std::chrono::milliseconds(500));

    EXPECT_EQ(cluster.nimbus.starts("wc").size(), 2U);
    cluster.nimbus.remove("wc");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
}

TEST(Supervisor, VouchesForItsWorkersWhileItIsConnected) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    const auto vouched = [&] { return content_of(cluster.nimbus.file("wc", "vouched")); };
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return vouched() == "sure\nsure\n"; }));

    cluster.zookeeper().cut(cluster.loop());

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return vouched().ends_with("unsure\n"); }));
    cluster.zookeeper().mend(cluster.loop());
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return vouched().ends_with("unsure\nsure\n"); }));
}

TEST(Supervisor, HoldsAnAdoptedWorkersRestartUntilItKnowsWhatIsAssigned) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    cluster.zookeeper().cut(cluster.loop());
    cluster.start();
    EXPECT_EQ(cluster.status("wc")->pid, pid);

    ::kill(pid, SIGKILL);
    cluster.nimbus.run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(cluster.status("wc")->pid, 0);
    EXPECT_EQ(cluster.nimbus.starts("wc").size(), 1U);
    cluster.zookeeper().mend(cluster.loop());

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.nimbus.starts("wc").size(), 2U);
}

TEST(Supervisor, KeepsAWorkerWhoseAssignmentCannotBeRead) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;

    cluster.zookeeper().change({coordination::SetData{"/storm/assignments/wc", "garbage"}});

    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return !cluster.status("wc")->report.failure.empty(); }));
    EXPECT_THAT(cluster.status("wc")->report.failure, HasSubstr("cannot be read"));
    cluster.nimbus.run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    EXPECT_THAT(cluster.nimbus.reports().back().workers.at(0).report.failure,
                HasSubstr("cannot be read"));
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }))
        << "a crash is repaired by the last assignment that could be read";

    cluster.nimbus.reassign("wc", [](cluster::Assignment&) {});
    EXPECT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status->report.failure.empty() && status->report.assignment_epoch == 2;
    }));
    cluster.nimbus.remove("wc");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
}

TEST(Supervisor, KeepsAnAdoptedWorkerWhoseAssignmentCannotBeRead) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    cluster.zookeeper().change({coordination::SetData{"/storm/assignments/wc", "garbage"}});

    cluster.start();

    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return !cluster.status("wc")->report.failure.empty(); }));
    cluster.nimbus.run_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    cluster.nimbus.remove("wc");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
    EXPECT_NE(::kill(pid, 0), 0);
}

/// As a ZooKeeper that was emptied, or got an older copy of its data, looks to a Supervisor.
void lose_all(TestCluster& cluster, const std::string& id) {
    cluster.zookeeper().cut(cluster.loop());
    cluster.zookeeper().expire(cluster.loop());
    ASSERT_EQ(cluster.zookeeper().change({coordination::Remove{"/storm/errors/" + id},
                                          coordination::Remove{"/storm/assignments/" + id},
                                          coordination::Remove{"/storm/topologies/" + id},
                                          coordination::Remove{"/storm/names/" + id}}),
              coordination::CoordinationError::kNone);
    cluster.zookeeper().mend(cluster.loop());
}

TEST(Supervisor, KeepsAWorkerWhoseAssignmentZookeeperHasLost) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;

    lose_all(cluster, "wc");
    const auto is_held = [&] {
        const auto status = cluster.status("wc");
        return status && status->report.failure.find("has lost") != std::string::npos;
    };
    ASSERT_TRUE(cluster.nimbus.wait_until(is_held));
    cluster.nimbus.run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    cluster.nimbus.submit("other", "run", cluster.supervisor().id(),
                          {cluster.nimbus.slots().at(0)});
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.status("other").has_value(); }));
    EXPECT_THAT(cluster.status("other")->report.failure, HasSubstr("topology \"wc\" goes on"));

    cluster.stop();
    cluster.start();
    ASSERT_TRUE(cluster.nimbus.wait_until(is_held));
    cluster.nimbus.run_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(cluster.status("wc")->pid, pid) << "its next process knows that, too";

    cluster.nimbus.remove("other");
    cluster.nimbus.submit("wc", "run", cluster.supervisor().id(), {cluster.nimbus.slots().at(0)});
    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.status("wc")->report.failure.empty(); }));
    EXPECT_EQ(cluster.status("wc")->pid, pid) << "it is there again";
    cluster.nimbus.remove("wc");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
}

TEST(Supervisor, EndsALostWorkerAsSoonAsItsTopologyIsMarkedAsRemoved) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    lose_all(cluster, "wc");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->report.failure.find("has lost") != std::string::npos;
    }));

    cluster.nimbus.remove("wc");

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
}

/// Puts back what ZooKeeper had.
void restore(TestCluster& cluster, const cluster::Assignment& assignment) {
    ASSERT_EQ(cluster.zookeeper().change({coordination::SetData{
                  "/storm/assignments/" + assignment.topology, encode(assignment)}}),
              coordination::CoordinationError::kNone);
}

TEST(Supervisor, KeepsAWorkerByTheLastAssignmentWhenZookeeperHasAnOlderOne) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    const auto backup =
        *cluster::decode<cluster::Assignment>(cluster.zookeeper().data("/storm/assignments/wc"));
    // It moves to another slot, which is newer than the backup.
    const std::uint16_t port = cluster.nimbus.slots().at(1);
    cluster.nimbus.reassign("wc", [port](cluster::Assignment& now) {
        now.workers.at(0).port = port;
        now.workers.at(0).epoch = now.epoch;
    });
    const auto moved = [&] {
        const auto status = cluster.status("wc");
        return status && status->port == port && status->pid != 0 && cluster.runs("wc");
    };
    ASSERT_TRUE(cluster.nimbus.wait_until(moved));
    const pid_t pid = cluster.status("wc")->pid;
    const auto is_held = [&] {
        const auto status = cluster.status("wc");
        return status && status->report.failure.find("older assignment") != std::string::npos;
    };

    restore(cluster, backup);
    ASSERT_TRUE(cluster.nimbus.wait_until(is_held));
    EXPECT_EQ(cluster.status("wc")->pid, pid);
    cluster.stop();
    cluster.start();
    ASSERT_TRUE(cluster.nimbus.wait_until(is_held)) << "its next process knows that, too";
    EXPECT_EQ(cluster.status("wc")->pid, pid);

    cluster::Assignment killed = backup;
    killed.status = cluster::Status::kKilled;
    restore(cluster, killed);
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return ::kill(pid, 0) != 0; }))
        << "but a kill is for good, however old";
}

TEST(Supervisor, EndsAWorkerWhoseTopologyWasRemovedWhileItWasAway) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    cluster.stop();
    cluster.nimbus.remove("wc");

    cluster.start();

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Supervisor, EndsAWorkerWhoseTopologyWasRemovedWhileItsSessionWasOver) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    cluster.zookeeper().cut(cluster.loop());
    cluster.zookeeper().expire(cluster.loop());
    cluster.nimbus.remove("wc");

    cluster.zookeeper().mend(cluster.loop());

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));
}

TEST(Supervisor, ReportsWhyAWorkerGetsNoSlot) {
    TestCluster cluster;
    cluster.start();

    cluster.nimbus.submit("wc", "run", cluster.supervisor().id(), {9});

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto reports = cluster.nimbus.reports();
        return !reports.empty() && !reports.back().workers.empty();
    }));
    const cluster::WorkerStatus told = cluster.nimbus.reports().back().workers[0];
    EXPECT_EQ(told.topology, "wc");
    EXPECT_EQ(told.incarnation, std::uint64_t{1} << 32);
    EXPECT_EQ(told.report.state, WorkerState::kBackOff);
    EXPECT_THAT(told.report.failure, HasSubstr("port 9, which this supervisor does not have"));
}

TEST(Supervisor, DownloadsACorruptArtifactAgainBeforeItStartsIt) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const std::string path = cluster.nimbus.blob_path(cluster.nimbus.program_sha());
    EXPECT_EQ(cluster.nimbus.downloads(), 1);
    // Another file in its place: the one that runs cannot be written to.
    std::string bytes = content_of(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;

    ::kill(cluster.status("wc")->pid, SIGKILL);

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    EXPECT_EQ(cluster.nimbus.downloads(), 2);
    EXPECT_EQ(base::sha256(content_of(path)), cluster.nimbus.program_sha());
}

TEST(Supervisor, ATopologyWhoseDownloadHangsHoldsUpNoOther) {
    TestCluster cluster;
    const tests::Listener hangs("", tests::Listener::Then::kStayOpen);  // Until the end of this.
    cluster.settings.nimbus_seeds = {{"127.0.0.1", hangs.port()}};
    cluster.start();
    const auto slots = cluster.nimbus.slots();
    cluster.nimbus.artifacts.push_back({"model.bin", std::string(64, 'a'), 0644, 3});
    cluster.nimbus.submit("stuck", "run", cluster.supervisor().id(), {slots.at(0)});
    ASSERT_TRUE(cluster.nimbus.wait_until(
        [&] { return hangs.received().find("/blobs/aaa") != std::string::npos; }));
    cluster.nimbus.artifacts.clear();
    cluster.nimbus.add_file("words.txt", "a b c", 0640);

    cluster.nimbus.submit("wc", "run", cluster.supervisor().id(), {slots.at(1)});

    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); },
                                          std::chrono::milliseconds(5000)))
        << "less than the timeout of a download";
}

TEST(Supervisor, SaysWhichArtifactItCannotGet) {
    TestCluster cluster;
    cluster.start();
    cluster.nimbus.artifacts.push_back({"model.bin", std::string(64, 'a'), 0644, 3});

    cluster.submit("wc", "run");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && status->report.state == WorkerState::kBackOff;
    }));
    EXPECT_THAT(cluster.status("wc")->report.failure,
                AllOf(HasSubstr("model.bin"), HasSubstr("404")));
    EXPECT_TRUE(cluster.nimbus.starts("wc").empty());
}

TEST(Supervisor, GivesAWorkerItsFilesWithTheirModes) {
    TestCluster cluster;
    cluster.start();
    cluster.nimbus.add_file("words.txt", "a b c", 0640);
    cluster.nimbus.add_file("tool.sh", "#!/bin/sh", 0755);

    cluster.submit("wc", "run");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(content_of(cluster.nimbus.file("wc", "words.txt")), "a b c");
    struct stat found {};
    ASSERT_EQ(::stat(cluster.nimbus.file("wc", "words.txt").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0640U);
    ASSERT_EQ(::stat(cluster.nimbus.file("wc", "tool.sh").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0755U);
    ASSERT_EQ(::stat(cluster.nimbus.blob_path(cluster.nimbus.program_sha()).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0555U);
}

TEST(Supervisor, RotatesTheLogOfAWorkerThatFloodsIt) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "flood");

    ASSERT_TRUE(cluster.nimbus.wait_until(
        [&] { return std::filesystem::exists(cluster.nimbus.log("wc", "stderr.4")); },
        std::chrono::seconds(40)));
    cluster.nimbus.remove("wc");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return !cluster.status("wc"); }));

    EXPECT_FALSE(std::filesystem::exists(cluster.nimbus.log("wc", "stderr.5")));
    for (const char* const old : {"stderr.1", "stderr.2", "stderr.3", "stderr.4"}) {
        EXPECT_LE(std::filesystem::file_size(cluster.nimbus.log("wc", old)), kLogBytesMax + 100)
            << old;
    }
}

TEST(Supervisor, LeavesOutASlotWhosePortIsTaken) {
    TestCluster cluster;
    const auto taker =
        net::HttpServer::listen(0, [](const net::HttpRequest&) { return net::HttpResponse{}; });
    const std::uint16_t taken = (*taker)->port();
    cluster.settings.slots = {taken, 0};
    cluster.start();

    cluster.submit("wc", "run");  // Nimbus has not seen yet that the slot is left out.

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && !status->report.failure.empty();
    }));
    cluster.nimbus.run_for(std::chrono::milliseconds(500));
    EXPECT_THAT(cluster.status("wc")->report.failure,
                AllOf(HasSubstr(std::to_string(taken)), HasSubstr("in use")));
    EXPECT_TRUE(cluster.nimbus.starts("wc").empty());
}

TEST(Supervisor, RefusesADirectoryThatAnotherOneHas) {
    TestCluster cluster;
    cluster.start();

    TestCluster other;
    other.settings.places = cluster.settings.places;
    const auto started = other.try_start();

    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr(std::to_string(::getpid())));
    other.settings.places = {other.nimbus.folder() + "/x", other.nimbus.folder() + "/y"};
}

TEST(Supervisor, RefusesATokenThatOthersCanRead) {
    TestCluster cluster;
    ASSERT_EQ(::chmod(cluster.nimbus.token_file().c_str(), 0644), 0);

    const auto started = cluster.try_start();

    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("can be read by others; chmod 600"));
}

TEST(Supervisor, ReportsToNimbusAtOnceAndThenRarely) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto reports = cluster.nimbus.reports();
        return !reports.empty() && !reports.back().workers.empty() &&
               reports.back().workers[0].report.state == WorkerState::kRunning &&
               reports.back().workers[0].pid > 0;
    }));
    const std::size_t before = cluster.nimbus.reports().size();

    cluster.nimbus.run_for(std::chrono::milliseconds(2500));

    const std::size_t since = cluster.nimbus.reports().size() - before;
    EXPECT_GE(since, 2U) << "its counts change";
    EXPECT_LE(since, 4U);
    EXPECT_EQ(cluster.nimbus.tokens_sent(), 0);
}

}  // namespace
}  // namespace storm::supervisor
