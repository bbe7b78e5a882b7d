// The program storm-supervisor, with a real ZooKeeper: its life and death beside that of its
// workers. Method: real processes, killed by their ids.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "coordination/zookeeper_coordination.h"
#include "daemon/ending.h"
#include "net/http_client.h"
#include "net/token_client.h"
#include "tests/support/hang.h"
#include "tests/support/local_socket.h"
#include "tests/support/test_nimbus.h"
#include "tests/support/zookeeper.h"

namespace storm::supervisor {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TestNimbus;

/// A process of ours, killed at the end.
class Program {
public:
    Program(std::vector<std::string> arguments, const std::string& log) {
        arguments.insert(arguments.begin(), std::string(STORM_BIN_DIR) + "/storm-supervisor");
        std::vector<char*> pointers;
        for (std::string& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        std::vector<std::string> variables = {"PATH=/usr/bin:/bin", "HOME=/nowhere", "SECRET=yes"};
        std::vector<char*> environment;
        for (std::string& variable : variables) environment.push_back(variable.data());
        environment.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                           0600);
        ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
        if (::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(),
                          environment.data()) != 0) {
            pid_ = -1;
        }
        ::posix_spawn_file_actions_destroy(&actions);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        if (pid_ > 0) end(SIGKILL);
    }

    pid_t pid() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }
    int end(int number) {
        signal(number);
        return wait();
    }
    /// Its exit code, or minus its signal.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    bool has_ended() {
        int status = 0;
        if (pid_ < 0) return true;
        siginfo_t how{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOHANG | WNOWAIT);
        static_cast<void>(status);
        return how.si_pid != 0;
    }

private:
    pid_t pid_ = -1;
};

class StormSupervisor : public ::testing::Test {
protected:
    void SetUp() override {
        if (!testing::Zookeeper::is_installed()) GTEST_SKIP() << "ZooKeeper is not installed";
        zookeeper_ = std::make_unique<testing::Zookeeper>();
        nimbus_ = std::make_unique<TestNimbus>([this](base::EventLoop& loop) {
            return coordination::connect_zookeeper(
                loop, {zookeeper_->address(), 5 * base::kMicrosPerSecond, "/storm"});
        });
    }

    std::string ready_file() const { return nimbus_->places.local_dir + "/supervisor.json"; }
    std::vector<std::string> arguments() const {
        std::vector<std::string> all = {"-c", "storm.zookeeper.servers=" + zookeeper_->address(),
                                        "-c", "storm.local.dir=" + nimbus_->places.local_dir,
                                        "-c", "supervisor.port=0",
                                        "-c", "supervisor.slots.ports=0,0",
                                        "-c", "nimbus.seeds=" + nimbus_->address(),
                                        "-c", "storm.token.file=" + nimbus_->token_file()};
        all.insert(all.end(), more_settings_.begin(), more_settings_.end());
        return all;
    }
    std::string log() const { return nimbus_->folder() + "/log"; }
    void start() {
        ::unlink(ready_file().c_str());
        supervisor_ = std::make_unique<Program>(arguments(), log());
        ASSERT_TRUE(nimbus_->wait_until(
            [this] { return std::filesystem::exists(ready_file()) || supervisor_->has_ended(); }));
        ASSERT_FALSE(supervisor_->has_ended()) << content_of(log());
    }
    std::string ready(const std::string& key) const {
        const std::string all = content_of(ready_file());
        std::size_t begin = all.find('"' + key + "\":") + key.size() + 3;
        if (all[begin] == '"') ++begin;
        return all.substr(begin, all.find_first_of("\",}", begin) - begin);
    }
    void submit(const std::string& mode) {
        nimbus_->submit("wc", mode, ready("id"), {nimbus_->slots().at(0)});
    }
    bool waits_for_starts(std::size_t count) {
        return nimbus_->wait_until([&] { return nimbus_->starts("wc").size() >= count; });
    }
    net::HttpResponse get(const std::string& target, const std::string& token = "") const {
        net::HttpCall call;
        call.host = "127.0.0.1";
        call.port = static_cast<std::uint16_t>(std::stoi(ready("port")));
        call.target = target;
        if (!token.empty()) call.headers["Authorization"] = "Bearer " + token;
        auto response = net::call(call);
        return response ? std::move(response).value() : net::HttpResponse{};
    }

    std::unique_ptr<testing::Zookeeper> zookeeper_;
    std::unique_ptr<TestNimbus> nimbus_;
    std::unique_ptr<Program> supervisor_;
    std::vector<std::string> more_settings_;
};

TEST_F(StormSupervisor, IsKilledAndItsSuccessorAdoptsItsWorkers) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const pid_t worker = nimbus_->starts("wc")[0].pid;
    EXPECT_EQ(supervisor_->end(SIGKILL), -SIGKILL);

    start();

    ASSERT_TRUE(nimbus_->wait_until(
        [this] { return get("/api/v1/workers").body.find("RUNNING") != std::string::npos; }));
    EXPECT_THAT(get("/api/v1/workers").body, HasSubstr("\"pid\":" + std::to_string(worker)));
    EXPECT_EQ(nimbus_->starts("wc").size(), 1U);
}

TEST_F(StormSupervisor, IsKilledTogetherWithAWorkerAndStartsItAgainWithinASecond) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const base::Micros killed_at = base::SteadyClock().now();
    supervisor_->end(SIGKILL);
    ::kill(nimbus_->starts("wc")[0].pid, SIGKILL);

    start();

    ASSERT_TRUE(waits_for_starts(2));
    const auto starts = nimbus_->starts("wc");
    EXPECT_LT(starts[1].at - killed_at, base::kMicrosPerSecond);
    RecordProperty("micros", static_cast<int>(starts[1].at - killed_at));
    EXPECT_GT(starts[1].incarnation, starts[0].incarnation);
}

TEST_F(StormSupervisor, EndsWhenItsLoopHangsAndItsSuccessorAdoptsItsWorkers) {
    more_settings_ = {"-c", "storm.zookeeper.session.timeout=2000"};
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const pid_t worker = nimbus_->starts("wc")[0].pid;
    bool is_there = false;
    const coordination::WatchedNode node(
        nimbus_->session(), "/storm/supervisors/" + ready("id"),
        [&](const std::optional<coordination::Node>& found) { is_there = found.has_value(); });
    ASSERT_TRUE(nimbus_->wait_until([&] { return is_there; }));

    if (!testing::hang_main_thread(supervisor_->pid())) GTEST_SKIP() << "no ptrace here";

    EXPECT_TRUE(nimbus_->wait_until([&] { return !is_there; }, std::chrono::seconds(4)))
        << "session timeout (2 s) + 2 s";
    EXPECT_EQ(supervisor_->wait(), testing::exit_of_a_hung_daemon(1));
    EXPECT_THAT(content_of(log()), HasSubstr("the event loop hangs"));
    start();
    ASSERT_TRUE(nimbus_->wait_until(
        [this] { return get("/api/v1/workers").body.find("RUNNING") != std::string::npos; }));
    EXPECT_THAT(get("/api/v1/workers").body, HasSubstr("\"pid\":" + std::to_string(worker)));
    EXPECT_EQ(nimbus_->starts("wc").size(), 1U);
}

/// Not for one that has ended, and that nobody has waited for yet.
bool runs(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(stat), {}};
    const std::size_t name_end = text.rfind(") ");
    return name_end != std::string::npos && text.at(name_end + 2) != 'Z';
}

TEST_F(StormSupervisor, EndsWhatAnAdoptedWorkerHasLeftBehind) {
    start();
    submit("litter");
    ASSERT_TRUE(waits_for_starts(1));
    const auto child = [this](const char* file) {
        return static_cast<pid_t>(std::atoi(content_of(nimbus_->file("wc", file)).c_str()));
    };
    ASSERT_TRUE(nimbus_->wait_until([&] { return child("distant-child") > 0; }));
    const pid_t near = child("child"), distant = child("distant-child");
    supervisor_->end(SIGKILL);
    start();
    ASSERT_TRUE(nimbus_->wait_until(
        [this] { return get("/api/v1/workers").body.find("RUNNING") != std::string::npos; }));

    ::kill(nimbus_->starts("wc")[0].pid, SIGKILL);

    ASSERT_TRUE(waits_for_starts(2));
    EXPECT_FALSE(runs(near));
    EXPECT_FALSE(runs(distant));
}

TEST_F(StormSupervisor, EndsBySigtermAndStopsWorkersOnlyWhenAsked) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const pid_t worker = nimbus_->starts("wc")[0].pid;
    Program refused({"--stop-workers", "-c", "storm.local.dir=" + nimbus_->places.local_dir},
                    log());
    EXPECT_EQ(refused.wait(), 1) << "a supervisor would start them again";

    EXPECT_EQ(supervisor_->end(SIGTERM), 0);
    EXPECT_EQ(::kill(worker, 0), 0);
    EXPECT_FALSE(std::filesystem::exists(ready_file()));

    Program stopping({"--stop-workers", "-c", "storm.local.dir=" + nimbus_->places.local_dir},
                     log());
    EXPECT_EQ(stopping.wait(), 0);
    EXPECT_FALSE(runs(worker));
}

TEST_F(StormSupervisor, EndsBySigtermInTimeThoughADownloadHangs) {
    const tests::Listener hangs("", tests::Listener::Then::kStayOpen);
    more_settings_ = {"-c", "nimbus.seeds=127.0.0.1:" + std::to_string(hangs.port())};
    start();
    bool is_there = false;
    const coordination::WatchedNode node(
        nimbus_->session(), "/storm/supervisors/" + ready("id"),
        [&](const std::optional<coordination::Node>& found) { is_there = found.has_value(); });
    ASSERT_TRUE(nimbus_->wait_until([&] { return is_there; }));
    nimbus_->artifacts.push_back({"model.bin", std::string(64, 'a'), 0644, 3});  // Nimbus: 404.
    submit("run");
    ASSERT_TRUE(nimbus_->wait_until(
        [&] { return hangs.received().find("/blobs/aaa") != std::string::npos; }));

    supervisor_->signal(SIGTERM);

    EXPECT_TRUE(nimbus_->wait_until([&] { return !is_there; }, std::chrono::seconds(2)))
        << "others count on it no longer";
    EXPECT_TRUE(nimbus_->wait_until(
        [&] { return supervisor_->has_ended(); },
        std::chrono::milliseconds(daemon::kEndPatience / 1000) + std::chrono::seconds(2)));
    EXPECT_EQ(supervisor_->wait(), testing::exit_of_a_hung_daemon(0));
    EXPECT_THAT(content_of(log()), HasSubstr("still at work"));
}

TEST_F(StormSupervisor, StopsAlsoWhatAnEndedWorkerHasLeftBehind) {
    start();
    submit("litter");
    ASSERT_TRUE(waits_for_starts(1));
    const auto child = [this] {
        return std::atoi(content_of(nimbus_->file("wc", "distant-child")).c_str());
    };
    ASSERT_TRUE(nimbus_->wait_until([&] { return child() > 0; }));
    supervisor_->end(SIGKILL);
    ::kill(nimbus_->starts("wc")[0].pid, SIGKILL);
    ASSERT_TRUE(nimbus_->wait_until([this] { return !runs(nimbus_->starts("wc")[0].pid); }));

    Program stopping({"--stop-workers", "-c", "storm.local.dir=" + nimbus_->places.local_dir},
                     log());

    EXPECT_EQ(stopping.wait(), 0);
    EXPECT_FALSE(runs(child()));
}

TEST_F(StormSupervisor, IsRefusedASecondTimeInItsDirectory) {
    start();

    Program second(arguments(), nimbus_->folder() + "/second");

    EXPECT_EQ(second.wait(), 1);
    EXPECT_THAT(content_of(nimbus_->folder() + "/second"),
                HasSubstr("process " + std::to_string(supervisor_->pid())));
    EXPECT_FALSE(supervisor_->has_ended());
}

TEST_F(StormSupervisor, IsRefusedWhenAnotherOneHasItsId) {
    auto named = arguments();
    named.insert(named.end(), {"-c", "supervisor.id=one"});
    supervisor_ = std::make_unique<Program>(named, log());
    ASSERT_TRUE(nimbus_->wait_for_supervisor("one"));
    named.insert(named.end(), {"-c", "storm.local.dir=" + nimbus_->folder() + "/other"});

    Program second(named, nimbus_->folder() + "/second");

    ASSERT_TRUE(nimbus_->wait_until([&] { return second.has_ended(); }));
    EXPECT_EQ(second.wait(), 1);
    EXPECT_THAT(content_of(nimbus_->folder() + "/second"),
                ::testing::AllOf(HasSubstr("process " + std::to_string(supervisor_->pid())),
                                 HasSubstr("supervisor.id")));
    EXPECT_FALSE(supervisor_->has_ended());
}

TEST_F(StormSupervisor, KeepsItsWorkersWhileZookeeperIsKilledAndComesBack) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const pid_t worker = nimbus_->starts("wc")[0].pid;

    zookeeper_->kill();
    nimbus_->run_for(std::chrono::seconds(7));  // Longer than its session.
    EXPECT_THAT(get("/health").body, HasSubstr("\"unavailable\""));
    zookeeper_->start();
    ASSERT_TRUE(nimbus_->wait_until([this] { return get("/health").status == 200; },
                                    std::chrono::seconds(20)));
    nimbus_->run_for(std::chrono::seconds(1));

    EXPECT_EQ(nimbus_->starts("wc").size(), 1U);
    EXPECT_EQ(::kill(worker, 0), 0);
}

TEST_F(StormSupervisor, ServesLogsByIdsToThoseWithTheToken) {
    start();
    submit("crash");
    ASSERT_TRUE(waits_for_starts(2));

    EXPECT_EQ(get("/api/v1/logs/wc/0/stderr").status, 401);
    EXPECT_EQ(get("/api/v1/logs/wc/0/stderr", "wrong").status, 401);
    const auto whole = get("/api/v1/logs/wc/0/stderr", "secret");
    EXPECT_EQ(whole.status, 200);
    EXPECT_THAT(whole.body, HasSubstr("one\ntwo\n"));
    EXPECT_EQ(get("/api/v1/logs/wc/0/stderr?offset=4&bytes=3", "secret").body, "two");
    EXPECT_THAT(get("/api/v1/workers", "secret").body, HasSubstr("\"two\""));
    net::HttpCall call;
    call.host = "127.0.0.1";
    call.port = static_cast<std::uint16_t>(std::stoi(ready("port")));
    call.target = "/api/v1/logs/wc/0/stderr?offset=4&bytes=3";
    const auto proved = net::TokenClient().call(call, "secret");
    EXPECT_EQ(proved.outcome, net::TokenClient::Outcome::kAnswered) << proved.why;
    EXPECT_EQ(proved.response.body, "two");
    EXPECT_EQ(net::TokenClient().call(call, "wrong").outcome, net::TokenClient::Outcome::kStranger);
    EXPECT_THAT(get("/api/v1/workers").body, Not(HasSubstr("two")));
    EXPECT_THAT(get("/api/v1/workers", "wrong").body, Not(HasSubstr("two")));
    const std::string logs = nimbus_->places.logs("wc", 0);
    ASSERT_EQ(::symlink("/etc/passwd", (logs + "/stdout.1").c_str()), 0);
    for (const char* const path : {"wc/0/stdout.1",
                                   "wc/0/stderr.5",
                                   "wc/0/..",
                                   "wc/0/../0/stderr",
                                   "wc/0/stderr/",
                                   "../wc/0/stderr",
                                   "wc/0/%2e%2e",
                                   "wc/0/stderr%00",
                                   "..%2f..%2flocal/0/stderr",
                                   "wc/00000000000000/stderr.json",
                                   "wc/-1/stderr",
                                   "wc/1/stderr",
                                   "/wc/0/stderr",
                                   "wc//stderr",
                                   "wc/0/",
                                   "//etc/passwd",
                                   "wc/0/state.json",
                                   ".",
                                   "wc/0/stderr?bytes=x",
                                   "wc/0/stderr?offset=99999999999999999999",
                                   "wc/0/stderr?path=/etc/passwd"}) {
        const auto answer = get(std::string("/api/v1/logs/") + path, "secret");
        EXPECT_THAT(answer.status, ::testing::AnyOf(400, 404)) << path;
        EXPECT_THAT(answer.body, Not(HasSubstr("root:"))) << path;
    }
    EXPECT_EQ(get("/api/v1/logs/wc/0/stderr?bytes=999999999999", "secret").status, 200);
}

TEST_F(StormSupervisor, SaysThatNimbusDoesNotTakeItsToken) {
    const std::string wrong = nimbus_->folder() + "/wrong";
    std::ofstream(wrong) << "wrong\n";
    std::filesystem::permissions(wrong, std::filesystem::perms::owner_read);
    more_settings_ = {"-c", "storm.token.file=" + wrong};
    start();

    ASSERT_TRUE(nimbus_->wait_until(
        [this] { return get("/health").body.find("is not Nimbus'") != std::string::npos; }));
    EXPECT_EQ(get("/health").status, 503);
    std::ofstream(wrong) << "secret\n";
    EXPECT_TRUE(nimbus_->wait_until([this] { return get("/health").status == 200; }));
}

TEST_F(StormSupervisor, CountsWhatItDoes) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    ::kill(nimbus_->starts("wc")[0].pid, SIGKILL);
    ASSERT_TRUE(waits_for_starts(2));

    ASSERT_TRUE(nimbus_->wait_until([this] {
        return get("/metrics").body.find("storm_supervisor_workers{state=\"RUNNING\"} 1") !=
               std::string::npos;
    }));
    const std::string text = get("/metrics").body;
    EXPECT_THAT(text, HasSubstr("storm_supervisor_slots 2"));
    EXPECT_THAT(text, HasSubstr("storm_supervisor_slots_used 1"));
    EXPECT_THAT(text, HasSubstr("storm_supervisor_restarts_total{reason=\"crash\"} 1"));
}

TEST_F(StormSupervisor, HandsAWorkerAShortEnvironment) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));

    const std::string pid = std::to_string(nimbus_->starts("wc")[0].pid);
    const std::string environment = content_of("/proc/" + pid + "/environ");
    EXPECT_THAT(environment, HasSubstr("STORM_TOPOLOGY_ID=wc"));
    EXPECT_THAT(environment, Not(HasSubstr("SECRET")));
    EXPECT_THAT(content_of("/proc/" + pid + "/status"), HasSubstr("NoNewPrivs:\t1"));
    EXPECT_THAT(content_of("/proc/" + pid + "/limits"),
                ::testing::ContainsRegex("Max core file size +0 +0"));
}

TEST_F(StormSupervisor, CostsNextToNothingWhileNothingHappens) {
    start();
    submit("run");
    ASSERT_TRUE(waits_for_starts(1));
    const std::string of_it = "/proc/" + std::to_string(supervisor_->pid());
    const auto ticks = [&] {
        std::istringstream stat(
            content_of(of_it + "/stat").substr(content_of(of_it + "/stat").rfind(')') + 2));
        std::string skipped;
        long user = 0, system = 0;
        for (int i = 0; i < 11; ++i) stat >> skipped;
        stat >> user >> system;
        return user + system;
    };
    nimbus_->run_for(std::chrono::seconds(2));
    const long before = ticks();
    nimbus_->run_for(std::chrono::seconds(10));
    const double share =
        static_cast<double>(ticks() - before) / static_cast<double>(::sysconf(_SC_CLK_TCK)) / 10;
    // Its worker reports ten times a second; a real one does once in three when idle.
    EXPECT_LE(share, 0.01) << content_of(of_it + "/status");
}

TEST(StormSupervisorUsage, SaysWhatIsWrongAndEndsWithTwo) {
    const std::string log = ::testing::TempDir() + "/storm-supervisor-usage";
    const auto refusal = [&log](std::vector<std::string> arguments) {
        ::unlink(log.c_str());
        Program program(std::move(arguments), log);
        EXPECT_EQ(program.wait(), 2);
        return content_of(log);
    };

    EXPECT_THAT(refusal({"-c", "supervisor.prot=1"}), HasSubstr("supervisor.port"));
    EXPECT_THAT(refusal({"-c", "storm.local.hostname=0.0.0.0"}), HasSubstr("storm.insecure"));
    EXPECT_THAT(refusal({"-c", "supervisor.slots.ports=6700,6700"}), HasSubstr("6700"));
    EXPECT_THAT(refusal({"-c", "supervisor.id=a/b"}), HasSubstr("a/b"));
    EXPECT_THAT(refusal({"-c", "storm.local.dir=/tmp/" + std::string(120, 'x')}),
                HasSubstr("shorter"));
    EXPECT_THAT(refusal({"--config", "/nowhere.yaml"}), HasSubstr("/nowhere.yaml"));
    EXPECT_THAT(refusal({"--what"}), HasSubstr("--what"));
    Program version({"--version"}, log);
    EXPECT_EQ(version.wait(), 0);
    ::unlink(log.c_str());
}

}  // namespace
}  // namespace storm::supervisor
