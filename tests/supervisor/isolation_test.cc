// The code of a topology holds neither the cluster nor other topologies. Method: a Supervisor in
// this process, real workers, and a worker that tries what it may not.

#include "supervisor/isolation/isolation.h"

#include <csignal>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/isolation/file_rules.h"
#include "supervisor/leftovers.h"
#include "supervisor/worker_users.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_cluster.h"

namespace storm::supervisor {
namespace {

using ::testing::AnyOf;
using testing::content_of;
using ::testing::HasSubstr;
using testing::TestCluster;

constexpr UserIds kUsers{70000, 79999};

std::map<std::string, std::string> parsed(const std::string& text) {
    std::map<std::string, std::string> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        found[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
    }
    return found;
}

class Isolated : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can give workers users of their own";
        cluster.settings.places.users = kUsers;
        cluster.nimbus.places.users = kUsers;
        cluster.settings.isolation.processes_max = 200;
    }
    /// The permissions that the worker of `id` found.
    std::map<std::string, std::string> looked(const std::string& id) {
        const std::string file = cluster.nimbus.file(id, "look");
        EXPECT_TRUE(cluster.nimbus.wait_until(
            [&] { return content_of(file).find("end -") != std::string::npos; },
            std::chrono::seconds(20)))
            << cluster.status(id)->report.failure << content_of(cluster.nimbus.log(id, "stderr"));
        return parsed(content_of(file));
    }
    uid_t owner(const std::string& path) {
        struct stat found {};
        EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
        return found.st_uid;
    }
    mode_t mode(const std::string& path) {
        struct stat found {};
        EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
        return found.st_mode & 0777;
    }

    TestCluster cluster;
};

TEST_F(Isolated, UserCodeIsAnotherUserWithoutRights) {
    cluster.start();
    cluster.submit("wc", "look");
    auto found = looked("wc");

    const int uid = std::stoi(found["uid"]);
    EXPECT_GE(uid, 70000);
    EXPECT_LE(uid, 79999);
    EXPECT_EQ(found["euid"], found["uid"]);
    EXPECT_EQ(found["gid"], found["uid"]);
    EXPECT_EQ(found["groups"], "0");
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        EXPECT_EQ(found[set], "0000000000000000") << set;
    }
    EXPECT_EQ(found["NoNewPrivs"], "1");
    EXPECT_EQ(found["Seccomp"], "2");
    EXPECT_EQ(found["umask"], std::to_string(077));
    EXPECT_EQ(found["core"], "0");
    EXPECT_EQ(found["processes"], "200");
    for (const char* const call : {"unshare", "clone", "mount", "bpf", "keyctl"}) {
        EXPECT_EQ(found[call], "EPERM") << call;
    }
    EXPECT_EQ(found["io_uring"], "ENOSYS");
    EXPECT_NE(found["ptrace"], "done");
    EXPECT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
}

TEST_F(Isolated, Cve2026_82434_UserCodeReachesNothingOfTheCluster) {
    ::setenv("STORM_TOKEN_FILE", cluster.nimbus.token_file().c_str(), 1);
    cluster.nimbus.settings["test.paths"] =
        "../../../identity.json\n../../../supervisor.lock\n../0.json\n../../../../token\n"
        "../../../artifacts\n../../../logs\n../../other/0/starts\n../../other\n";
    cluster.start();
    cluster.submit("other", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("other"); }));
    const auto ports = cluster.nimbus.slots();

    cluster.nimbus.submit("wc", "look", cluster.supervisor().id(), {ports[1]});
    auto found = looked("wc");
    ::unsetenv("STORM_TOKEN_FILE");

    for (const char* const path :
         {"../../../identity.json", "../../../supervisor.lock", "../0.json", "../../../../token",
          "../../../artifacts", "../../../logs", "../../other/0/starts", "../../other",
          "folder-list", "parent-environment", "parent-memory"}) {
        EXPECT_THAT(found[path], AnyOf("EACCES", "EPERM")) << path;
    }
    EXPECT_NE(found["parent-signal"], "done");
    EXPECT_THAT(found["environment"], Not(HasSubstr("TOKEN")));
    EXPECT_NE(owner(cluster.nimbus.file("other", "starts")),
              owner(cluster.nimbus.file("wc", "starts")));
}

TEST_F(Isolated, Cve2018_1331_ATopologyCannotChooseItsUser) {
    cluster.nimbus.settings = {{"supervisor.run.worker.as.user", "false"},
                               {"supervisor.worker.user.ids", "0-0"},
                               {"supervisor.worker.isolation", "off"},
                               {"topology.submitter.user", "root"}};
    cluster.start();
    cluster.submit("wc", "look");
    auto found = looked("wc");

    EXPECT_TRUE(kUsers.has(static_cast<uid_t>(std::stoul(found["uid"])))) << found["uid"];
    EXPECT_EQ(found["Seccomp"], "2");
}

TEST_F(Isolated, UserCodeCanDoWhatProgramsDo) {
    cluster.nimbus.add_file("book.txt", "words", 0640);
    cluster.nimbus.settings["test.paths"] = "book.txt\n";
    cluster.start();
    cluster.submit("wc", "look");
    auto found = looked("wc");

    for (const char* const what : {"own-file", "tmp-file", "stderr-file", "passwd", "book.txt"}) {
        EXPECT_EQ(found[what], "done") << what;
    }
    EXPECT_THAT(found["environment"], HasSubstr("HOME,"));
}

TEST_F(Isolated, ATopologyKeepsItsUserOverARestartOfTheSupervisor) {
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    const pid_t pid = cluster.status("wc")->pid;
    const uid_t user = owner("/proc/" + std::to_string(pid));
    EXPECT_TRUE(kUsers.has(user));
    cluster.stop();

    cluster.start();

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(cluster.status("wc")->pid, pid) << "it connects again, and is taken over";
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("wc").size() == 2; }));
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    EXPECT_EQ(owner("/proc/" + std::to_string(cluster.status("wc")->pid)), user);
}

TEST_F(Isolated, EachTopologyHasAUserOfItsOwnWhileThereIsAnythingOfIt) {
    const Places places{cluster.nimbus.folder() + "/p", cluster.nimbus.folder() + "/p/logs",
                        UserIds{70000, 70001}};
    ASSERT_TRUE(base::make_directory(places.workers(), 0700));
    const auto first = make_worker_folder(places, "a", 0);
    const auto again = make_worker_folder(places, "a", 1);
    const auto second = make_worker_folder(places, "b", 0);
    const auto third = make_worker_folder(places, "c", 0);

    ASSERT_TRUE(first && again && second);
    EXPECT_EQ(*first, *again);
    EXPECT_NE(*first, *second);
    ASSERT_FALSE(third);
    EXPECT_THAT(third.error().message, HasSubstr("supervisor.worker.user.ids"));
    ASSERT_TRUE(base::remove_tree(places.topology("b")));
    const auto free_again = make_worker_folder(places, "c", 0);
    ASSERT_TRUE(free_again);
    EXPECT_EQ(*free_again, *second);
    EXPECT_EQ(owner(places.worker("c", 0)), **second);
    EXPECT_EQ(mode(places.worker("c", 0)), 0700U);
    EXPECT_EQ(owner(places.topology("c")), 0U);
    EXPECT_EQ(mode(places.topology("c")), 0710U);
}

TEST_F(Isolated, ATopologyIsTheSameUserOnAllHostsAndWhenItIsSubmittedAgain) {
    const auto user_at = [this](const std::string& host, const std::string& topology) {
        const std::string folder = cluster.nimbus.folder() + '/' + host;
        const Places places{folder, folder + "/logs", kUsers};
        EXPECT_TRUE(base::make_directory(places.workers(), 0700));
        return **make_worker_folder(places, topology, 0);
    };
    const uid_t user = user_at("one", "word-count-1-1764161000");

    EXPECT_EQ(user_at("two", "word-count-1-1764161000"), user);
    EXPECT_EQ(user_at("one", "word-count-2-1764162000"), user);
    EXPECT_NE(user_at("one", "word-count"), user_at("one", "word-sum"));
}

TEST_F(Isolated, AUserStaysThatOfHisTopologyBeyondItsEndAsLongAsThereAreOthers) {
    const Places places{cluster.nimbus.folder() + "/p", cluster.nimbus.folder() + "/p/logs",
                        UserIds{70000, 70003}};
    ASSERT_TRUE(base::make_directory(places.workers(), 0700));
    const auto user_of_next = [&places](const std::string& topology) {
        const uid_t user = **make_worker_folder(places, topology, 0);
        EXPECT_TRUE(base::remove_tree(places.topology(topology)));
        return user;
    };
    const uid_t first = user_of_next("a-1-1764161000");

    std::set<uid_t> others;
    for (const char* const name : {"b", "c", "d"}) others.insert(user_of_next(name));

    EXPECT_EQ(others.size(), 3U);
    EXPECT_FALSE(others.contains(first)) << "whatever their names are";
    EXPECT_EQ(user_of_next("a-5-1764165000"), first);
    const uid_t reused = user_of_next("e");
    EXPECT_TRUE(others.contains(reused)) << "who was given one the longest ago loses him";
    EXPECT_EQ(user_of_next("a-6-1764166000"), first);
}

TEST_F(Isolated, WhatHasGivenUpSessionAndEnvironmentEndsByItsUser) {
    cluster.start();
    cluster.submit("escapes", "escape");  // No other test has this name, and so its user.
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("escapes"); }));
    const std::string stranger = content_of(cluster.nimbus.file("escapes", "stranger"));
    const std::string its_state = "/proc/" + std::to_string(std::stoi(stranger)) + "/stat";
    ASSERT_TRUE(cluster.nimbus.wait_until(
        [&] { return content_of(its_state).find("(sleep)") != std::string::npos; }));

    ::kill(cluster.status("escapes")->pid, SIGKILL);

    ASSERT_TRUE(
        cluster.nimbus.wait_until([&] { return cluster.nimbus.starts("escapes").size() == 2; }));
    EXPECT_THAT(content_of(its_state), AnyOf(::testing::IsEmpty(), HasSubstr(") Z ")));
}

TEST_F(Isolated, NothingEndsByItsUserWhereAnotherWorkerHasHim) {
    constexpr uid_t kUser = 79998;
    const auto sleeper = [](std::vector<std::string> environment) {
        const pid_t child = ::fork();
        if (child != 0) return child;
        std::vector<char*> variables;
        for (std::string& each : environment) variables.push_back(each.data());
        variables.push_back(nullptr);
        ::setsid();
        if (::setgid(kUser) != 0 || ::setuid(kUser) != 0) ::_exit(1);
        ::execle("/bin/sleep", "sleep", "600", nullptr, variables.data());
        ::_exit(1);
    };
    const auto is_asleep = [](pid_t pid) {
        const std::string state = content_of("/proc/" + std::to_string(pid) + "/stat");
        return state.find("(sleep) S") != std::string::npos;
    };
    const pid_t stranger = sleeper({});
    const pid_t other = sleeper({"STORM_TOPOLOGY_ID=t", "STORM_WORKER=1", "STORM_WORKER_PORT=2"});
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return is_asleep(stranger) && is_asleep(other); }));
    const WorkerMarks ended = {"t", 0, 1, 0, 0, kUser};

    EXPECT_EQ(end_leftovers(ended, {}), 0U);
    EXPECT_TRUE(is_asleep(stranger) && is_asleep(other));

    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    EXPECT_EQ(end_leftovers(ended, {}), 1U);
    ::waitpid(stranger, nullptr, 0);
}

TEST_F(Isolated, AWorkerThatHasOverwrittenItsEnvironmentOutlivesAnotherOne) {
    cluster.start();
    cluster.submit("bare", "bare", 2);  // No other test has this name, and so its user.
    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        return cluster.runs("bare", 0) && cluster.runs("bare", 1) &&
               !content_of(cluster.nimbus.file("bare", "bare", 1)).empty();
    }));
    const pid_t other = cluster.status("bare", 1)->pid;

    ::kill(cluster.status("bare", 0)->pid, SIGKILL);

    ASSERT_TRUE(cluster.nimbus.wait_until(
        [&] { return cluster.nimbus.starts("bare").size() == 2 && cluster.runs("bare"); }));
    cluster.nimbus.run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(cluster.status("bare", 1)->pid, other);
    EXPECT_EQ(cluster.nimbus.starts("bare", 1).size(), 1U);
}

TEST_F(Isolated, SaysWhenItsUsersCannotBeHad) {
    const auto try_as_nobody = [] {
        constexpr uid_t kNobody = 65534;
        if (::setuid(kNobody) != 0) ::_exit(2);
        const auto measured = Isolation::measure({}, kUsers);
        const std::string said = measured ? "it can" : measured.error().message;
        ::_exit(base::write_all(STDERR_FILENO, said) && !measured ? 1 : 0);
    };
    EXPECT_EXIT(try_as_nobody(), ::testing::ExitedWithCode(1), "cannot become the user");
}

TEST_F(Isolated, ATopologyThatMultipliesIsStoppedAlone) {
    if (testing::kThreadSanitized) GTEST_SKIP() << "it has a thread of its own in each process";
    cluster.settings.isolation.processes_max = 20;
    cluster.start();
    cluster.submit("many", "multiply");  // No other test has this name, and so its user.

    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("many"); }));
    EXPECT_EQ(content_of(cluster.nimbus.file("many", "multiply")), "EAGAIN 19\n");
}

// ---- Also for those who are not root

TEST(Isolation, WithoutUsersOfTheirOwnWorkersHaveNoRightsEither) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "look");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    auto found = parsed(content_of(cluster.nimbus.file("wc", "look")));

    EXPECT_EQ(found["uid"], std::to_string(::getuid()));
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
        EXPECT_EQ(found[set], "0000000000000000") << set;
    }
    EXPECT_EQ(found["NoNewPrivs"], "1");
    EXPECT_EQ(found["Seccomp"], "2");
    EXPECT_EQ(found["unshare"], "EPERM");
    EXPECT_NE(found["ptrace"], "done");
    const bool has_scopes = file_rules_version() >= 6;
    EXPECT_EQ(found["parent-signal"], has_scopes ? "EPERM" : "done");
    EXPECT_EQ(found["own-file"], "done");
    EXPECT_EQ(found["tmp-file"], "done");
}

TEST(Isolation, StrictClosesSecretFilesAndWritingElsewhere) {
    if (file_rules_version() < 2) GTEST_SKIP() << "this kernel has no Landlock";
    TestCluster cluster;
    cluster.settings.isolation.level = IsolationLevel::kStrict;
    cluster.settings.isolation.secret = {cluster.settings.places.local_dir,
                                         cluster.nimbus.token_file()};
    cluster.settings.isolation.writable = {"/dev"};
    cluster.nimbus.settings["test.paths"] =
        "../../../identity.json\n../../../../token\n../0.json\n";
    cluster.start();
    cluster.submit("wc", "look");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));
    auto found = parsed(content_of(cluster.nimbus.file("wc", "look")));

    for (const char* const path :
         {"../../../identity.json", "../../../../token", "../0.json", "tmp-file"}) {
        EXPECT_EQ(found[path], "EACCES") << path;
    }
    EXPECT_EQ(found["own-file"], "done");
    EXPECT_EQ(found["passwd"], "done");
}

TEST(Isolation, TellsWhatHolds) {
    IsolationSettings off;
    off.level = IsolationLevel::kOff;
    EXPECT_EQ(Isolation::measure(off, std::nullopt)->text(), "no own user");
    EXPECT_THAT(Isolation::measure({}, std::nullopt)->text(), HasSubstr("no own user, seccomp"));
    if (::geteuid() != 0) return;
    EXPECT_THAT(Isolation::measure({}, kUsers)->text(), ::testing::StartsWith("own user, seccomp"));
}

TEST(Isolation, ReadsWhichUsersThereAre) {
    EXPECT_EQ(*parse_user_ids("70000-79999"), kUsers);
    EXPECT_EQ(*parse_user_ids("900"), (UserIds{900, 900}));
    for (const char* const wrong :
         {"", "0-5", "9-5", "a-b", "5-", "-5", "1-4294967295", "1-2-3", " 1-2"}) {
        const auto read = parse_user_ids(wrong);
        ASSERT_FALSE(read) << wrong;
        EXPECT_THAT(read.error().message, HasSubstr("such as 70000-79999"));
    }
}

// ---- Limits

TEST(Isolation, AWorkerThatEatsMemoryEndsAloneAndTheReasonIsShown) {
    if (testing::kSanitized) GTEST_SKIP() << "a sanitizer has an allocator and a text of its own";
    TestCluster cluster;
    cluster.nimbus.settings["topology.worker.max.memory.mb"] = "64";
    cluster.start();
    cluster.submit("wc", "eat");

    ASSERT_TRUE(cluster.nimbus.wait_until([&] {
        const auto status = cluster.status("wc");
        return status && !status->exit.empty();
    }));
    EXPECT_EQ(cluster.status("wc")->exit,
              "killed by signal 6 (SIGABRT): out of memory, of which it may have 64 MiB "
              "(topology.worker.max.memory.mb)");
}

TEST(Isolation, TheKernelTakesAWorkerBeforeItsSupervisor) {
    TestCluster cluster;
    cluster.start();
    cluster.submit("wc", "run");
    ASSERT_TRUE(cluster.nimbus.wait_until([&] { return cluster.runs("wc"); }));

    EXPECT_EQ(content_of("/proc/" + std::to_string(cluster.status("wc")->pid) + "/oom_score_adj"),
              "500\n");
}

}  // namespace
}  // namespace storm::supervisor
