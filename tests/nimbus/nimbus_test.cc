// Goal:   storm-nimbus as it is run: takes submissions, refuses what is wrong or not allowed, loses
//         nothing when it is killed, hands over to another.
// Method: the real program with a real ZooKeeper, asked over HTTP.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/record_codec.h"
#include "cluster/records.h"
#include "daemon/ending.h"
#include "net/digest.h"
#include "net/token_client.h"
#include "nimbus/blobs/blob_store.h"
#include "tests/nimbus/described.h"
#include "tests/nimbus/nimbus_process.h"
#include "tests/support/hang.h"
#include "tests/support/local_socket.h"
#include "tests/support/zookeeper.h"

namespace storm::nimbus {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::NimbusProcess;
using tests::soon;

std::string sha256(const std::string& text) {
    base::Sha256 hash;
    hash.add(text);
    return hash.hex();
}

class NimbusTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (storm::testing::Zookeeper::is_installed()) {
            zookeeper_ = std::make_unique<storm::testing::Zookeeper>();
        }
    }
    static void TearDownTestSuite() { zookeeper_.reset(); }

    void SetUp() override {
        if (!zookeeper_) GTEST_SKIP() << "ZooKeeper is not installed: apt-get install zookeeper";
        std::string pattern = (fs::temp_directory_path() / "storm-nimbus-XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        ::unsetenv("STORM_TOKEN_FILE");
    }
    void TearDown() override {
        if (dir_.empty()) return;
        nimbus_.reset();
        fs::remove_all(dir_);
    }

    std::string path(const std::string& name) const { return (dir_ / name).string(); }
    /// Each test has its own part of the ZooKeeper.
    std::vector<std::string> settings() const {
        return {"storm.zookeeper.servers=[\"" + zookeeper_->address() + "\"]",
                "storm.zookeeper.root=/" + dir_.filename().string(),
                "storm.zookeeper.session.timeout=2000"};
    }
    NimbusProcess& nimbus(bool leads = true) {
        if (!nimbus_) {
            nimbus_ = std::make_unique<NimbusProcess>(path("n1"), settings());
            EXPECT_TRUE(nimbus_->is_ready());
            EXPECT_TRUE(!leads || soon([this] { return nimbus_->leads(); }));
        }
        return *nimbus_;
    }
    static std::string submission(const std::string& name, const std::string& program) {
        return nlohmann::json({{"name", name},
                               {"description",
                                nlohmann::json::parse(tests::describe_json(tests::word_count(2)))},
                               {"artifacts",
                                {{{"name", "program"},
                                  {"sha256", sha256(program)},
                                  {"mode", 0755},
                                  {"bytes", program.size()}}}}})
            .dump();
    }
    /// The token of the first one, for another one's folder.
    void give_token(const std::string& name) {
        fs::create_directory(path(name));
        fs::copy_file(path("n1/token"), path(name + "/token"));
    }
    static void put(const NimbusProcess& to, const std::string& blob) {
        EXPECT_EQ(to.change("PUT", "/api/v1/blobs/" + sha256(blob), blob).status, 201);
    }

    static std::unique_ptr<storm::testing::Zookeeper> zookeeper_;  // NOLINT: of all the tests.
    fs::path dir_;
    std::unique_ptr<NimbusProcess> nimbus_;
};
std::unique_ptr<storm::testing::Zookeeper> NimbusTest::zookeeper_;  // NOLINT

TEST_F(NimbusTest, TakesASubmissionAndKillsIt) {
    put(nimbus(), "program");

    const auto submitted =
        nimbus().change("POST", "/api/v1/topologies", submission("wc", "program"));

    EXPECT_EQ(submitted.status, 201) << submitted.body;
    const auto topology = nimbus().json("/api/v1/topologies/wc");
    EXPECT_EQ(topology.at("status"), "ACTIVE");
    EXPECT_EQ(topology.at("executors").at("total"), 6);
    EXPECT_EQ(topology.at("unassigned").at(0), "no supervisor is connected");
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              409);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies/wc/deactivate").status, 200);
    EXPECT_EQ(nimbus().json("/api/v1/topologies").at("topologies").at(0).at("status"), "INACTIVE");
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies/wc/kill", "{\"wait_secs\": 0}").status,
              202);
    EXPECT_TRUE(soon([&] { return nimbus().get("/api/v1/topologies/wc").status == 404; }));
}

TEST_F(NimbusTest, IsBackWithItsStateAfterKill9) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);
    const auto before = nimbus().json("/api/v1/topologies").at("topologies").at(0).at("id");
    const std::string token = nimbus().token();
    const std::string noted =
        path("n1/blobs/users/" + sha256("program") + '/' + before.get<std::string>());
    EXPECT_TRUE(soon([&] { return fs::exists(noted); })) << "or it would be swept if it is lost";

    nimbus().signal(SIGKILL);
    nimbus().wait();
    const base::SteadyClock clock;
    const base::Micros killed = clock.now();
    nimbus().start();
    ASSERT_TRUE(soon([this] { return nimbus().leads(); }));
    const base::Micros took = clock.now() - killed;

    EXPECT_LT(took, base::kMicrosPerSecond) << "it takes its own lock over";
    EXPECT_EQ(nimbus().json("/api/v1/topologies").at("topologies").at(0).at("id"), before);
    EXPECT_EQ(nimbus().get("/api/v1/blobs/" + sha256("program")).body, "program");
    EXPECT_EQ(nimbus().token(), token);
}

TEST_F(NimbusTest, ServesWithoutZookeeper) {
    const base::SteadyClock clock;
    const base::Micros begun = clock.now();
    NimbusProcess alone(path("alone"), {"storm.zookeeper.servers=[\"127.0.0.1:1\"]"});
    ASSERT_TRUE(alone.is_ready());
    EXPECT_LT(clock.now() - begun, base::kMicrosPerSecond);

    const auto health = alone.get("/health");

    EXPECT_EQ(health.status, 503);
    EXPECT_THAT(health.body, HasSubstr("\"zookeeper\":\"connecting\""));
    const auto refused = alone.change("POST", "/api/v1/topologies", submission("wc", "x"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.body, HasSubstr("storm.zookeeper.servers"));
    EXPECT_EQ(alone.get("/metrics").status, 200);
}

TEST_F(NimbusTest, ChangesNothingWithoutTheToken) {
    const std::string blob = "/api/v1/blobs/" + sha256("x");
    for (const char* header : {"", "Bearer ", "Bearer 0", "Basic Og=="}) {
        const auto ask = [&](const char* method, const std::string& target) {
            net::HttpCall wanted = nimbus().call(method, target, "x");
            if (*header != '\0') wanted.headers["Authorization"] = header;
            return nimbus().ask(wanted).status;
        };
        EXPECT_EQ(ask("PUT", blob), 401);
        EXPECT_EQ(ask("POST", "/api/v1/topologies"), 401);
        EXPECT_EQ(ask("POST", "/api/v1/topologies/wc/kill"), 401);
        EXPECT_EQ(ask("POST", "/api/v1/topologies/wc/activate"), 401);
        EXPECT_EQ(ask("POST", "/api/v1/topologies/wc/deactivate"), 401);
        EXPECT_EQ(ask("POST", "/api/v1/supervisors/s/report"), 401);
    }
    EXPECT_EQ(nimbus().get(blob).status, 404);
    struct stat found {};
    ASSERT_EQ(::stat(path("n1/token").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    EXPECT_EQ(nimbus().token().size(), 64U);
}

TEST_F(NimbusTest, TakesAProofOfTheTokenInsteadOfIt) {
    ASSERT_TRUE(soon([&] { return nimbus().leads(); }));
    const std::string token = nimbus().token();
    using Outcome = net::TokenClient::Outcome;
    net::TokenClient client;
    net::HttpCall upload = nimbus().call("PUT", "/api/v1/blobs/" + sha256("program"));
    upload.body_file = path("program");
    std::ofstream(upload.body_file) << "program";
    upload.headers[net::kContentHashHeader] = sha256("program");

    const auto put = client.call(upload, token);
    EXPECT_EQ(put.outcome, Outcome::kAnswered) << put.why;
    EXPECT_EQ(put.response.status, 201);
    const auto submitted = client.call(
        nimbus().call("POST", "/api/v1/topologies", submission("wc", "program")), token);
    EXPECT_EQ(submitted.outcome, Outcome::kAnswered) << submitted.why;
    EXPECT_EQ(submitted.response.status, 201) << submitted.response.body;
    const auto read = client.call(nimbus().call("GET", "/api/v1/topologies/wc"), token);
    EXPECT_EQ(read.outcome, Outcome::kAnswered) << read.why;
    EXPECT_THAT(read.response.body, Not(HasSubstr("withheld")));
    const auto missing = client.call(nimbus().call("POST", "/api/v1/topologies/x/kill"), token);
    EXPECT_EQ(missing.outcome, Outcome::kAnswered) << missing.why;
    EXPECT_EQ(missing.response.status, 404);
    const auto wrong = client.call(nimbus().call("POST", "/api/v1/topologies/wc/kill"), "wrong");
    EXPECT_EQ(wrong.outcome, Outcome::kStranger);
    EXPECT_EQ(wrong.response.status, 401);
}

TEST_F(NimbusTest, Cve20190202ServesNoFilesButBlobs) {
    for (const char* target :
         {"/api/v1/blobs/../token", "/api/v1/blobs/..%2ftoken", "/../../etc/passwd",
          "/api/v1/topologies/../../token", "/api/v1/blobs//etc/passwd", "/api/v1/blobs/",
          "/api/v1/blobs/new-", "//etc/passwd"}) {
        EXPECT_EQ(nimbus().get(target).status, 404) << target;
    }
    EXPECT_EQ(nimbus().change("PUT", "/api/v1/blobs/..%2f..%2fx", "x").status, 422);
    EXPECT_EQ(nimbus().change("PUT", "/api/v1/blobs/../../x", "x").status, 404);
}

TEST_F(NimbusTest, RefusesWhatIsWrong) {
    EXPECT_EQ(nimbus().get("/nothing").status, 404);
    EXPECT_EQ(nimbus().ask(nimbus().call("DELETE", "/api/v1/topologies")).status, 405);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies", "{").status, 422);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies/none/kill").status, 404);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies/none/kill", "[]").status, 422);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/supervisors/s/report", "{}").status, 422);
    const auto missing =
        nimbus().change("POST", "/api/v1/topologies", submission("wc", "not here"));
    EXPECT_EQ(missing.status, 422);
    EXPECT_THAT(missing.body, HasSubstr("there is no blob " + sha256("not here")));
    EXPECT_EQ(nimbus().change("PUT", "/api/v1/blobs/" + sha256("a"), "b").status, 422);
    EXPECT_EQ(nimbus().get("/api/v1/blobs/" + sha256("a")).status, 404);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies", std::string(2U << 20U, ' ')).status,
              413);
    const storm::tests::RawClient foreign(nimbus().port());
    foreign.send("GET /api/v1/topologies HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_THAT(foreign.receive_all(), ::testing::StartsWith("HTTP/1.1 403 "));
}

TEST_F(NimbusTest, RemovesABlobThatTheDiskHasSpoiltAtItsStart) {
    put(nimbus(), "program");
    const std::string file = path("n1/blobs/" + sha256("program"));
    fs::permissions(file, fs::perms::owner_all);
    std::ofstream(file) << "pr0gram";

    nimbus().signal(SIGKILL);
    nimbus().wait();
    nimbus().start();
    ASSERT_TRUE(nimbus().is_ready());

    EXPECT_TRUE(
        soon([&] { return nimbus().get("/api/v1/blobs/" + sha256("program")).status == 404; }));
    put(nimbus(), "program");
    EXPECT_EQ(nimbus().get("/api/v1/blobs/" + sha256("program")).body, "program");
}

TEST_F(NimbusTest, ManyReadersOfABlobDoNotKeepAnUploadWaiting) {
    const std::string large(100U << 20U, 'x');
    put(nimbus(), large);
    std::vector<std::unique_ptr<storm::tests::RawClient>> readers;
    for (int i = 0; i < 200; ++i) {
        readers.push_back(std::make_unique<storm::tests::RawClient>(nimbus().port()));
        readers.back()->send("GET /api/v1/blobs/" + sha256(large) +
                             " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    }
    const base::SteadyClock clock;
    const base::Micros start = clock.now();

    put(nimbus(), "program");

    // 200 reads of all of it would take a minute.
    EXPECT_LT(clock.now() - start, 5 * base::kMicrosPerSecond);
}

TEST_F(NimbusTest, SecretsAndTextsAreForThoseWithAToken) {
    fs::create_directories(path("n1"));
    std::ofstream(path("peek")) << std::string(32, 'p') << '\n';
    fs::permissions(path("peek"), fs::perms::owner_read | fs::perms::group_read);
    auto with_readonly = settings();
    with_readonly.push_back("storm.readonly.token.file=" + path("peek"));
    NimbusProcess nimbus(path("n1"), with_readonly);
    ASSERT_TRUE(nimbus.is_ready());
    ASSERT_TRUE(soon([&] { return nimbus.leads(); }));
    put(nimbus, "program");
    auto request = nlohmann::json::parse(submission("wc", "program"));
    request["settings"] = {
        {"db.password", "hunter2"}, {"input", "lines.txt"}, {"topology.workers", "2"}};
    request["description"]["settings"] = request["settings"];
    ASSERT_EQ(nimbus.change("POST", "/api/v1/topologies", request.dump()).status, 201);
    const auto as = [&](const char* method, const std::string& token, const std::string& target) {
        net::HttpCall call = nimbus.call(method, target);
        call.headers["Authorization"] = "Bearer " + token;
        return nimbus.ask(call);
    };

    const auto open = nimbus.json("/api/v1/topologies/wc");
    const auto read =
        nlohmann::json::parse(as("GET", std::string(32, 'p'), "/api/v1/topologies/wc").body);
    const auto wrong = nlohmann::json::parse(as("GET", "wrong", "/api/v1/topologies/wc").body);

    EXPECT_EQ(open.at("settings"), nlohmann::json({{"topology.workers", "2"}}));
    EXPECT_THAT(open.at("withheld").dump(), HasSubstr("last_stderr"));
    EXPECT_THAT(open.at("withheld").dump(), HasSubstr("statuses"));
    EXPECT_FALSE(open.at("components").at(0).contains("statuses"));
    EXPECT_TRUE(read.at("components").at(0).contains("statuses"));
    EXPECT_EQ(wrong.at("settings"), open.at("settings"));
    EXPECT_EQ(read.at("settings").at("db.password"), "<secret>");
    EXPECT_EQ(read.at("settings").at("input"), "lines.txt");
    EXPECT_FALSE(read.contains("withheld"));
    EXPECT_EQ(as("POST", std::string(32, 'p'), "/api/v1/topologies/wc/kill").status, 403);
    EXPECT_EQ(nimbus.get("/api/v1/topologies").status, 200);
    EXPECT_EQ(nimbus.json("/api/v1/errors").at("withheld").at(0), "error");
    EXPECT_EQ(zookeeper_->data_has("hunter2"), false) << "what lies on ZooKeeper's disk";
    EXPECT_EQ(zookeeper_->data_has("lines.txt"), true) << "and is looked through";
}

TEST_F(NimbusTest, OneWithoutRoomForCopiesDoesNotKeepSubmissions) {
    std::ofstream(path("token")) << std::string(64, 't') << '\n';
    fs::permissions(path("token"), fs::perms::owner_read | fs::perms::owner_write);
    auto shared = settings();
    shared.push_back("storm.token.file=" + path("token"));
    NimbusProcess first(path("n1"), shared);
    ASSERT_TRUE(first.is_ready());
    ASSERT_TRUE(soon([&] { return first.leads(); }));
    const std::string mounted = path("full");
    fs::create_directories(mounted);
    NimbusProcess full(
        mounted, shared,
        {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
         "mount -t tmpfs -o size=1m,mode=700 none " + mounted + " && exec \"$0\" \"$@\""});
    const auto there =
        soon([&] { return first.json("/api/v1/nimbuses").at("nimbuses").size() == 2; },
             std::chrono::seconds(5));
    if (!there) GTEST_SKIP() << "cannot mount: " << tests::read_text(full.log());
    const auto with_token = [&](const char* method, const std::string& target,
                                const std::string& body) {
        net::HttpCall wanted = first.call(method, target, body);
        wanted.headers["Authorization"] = "Bearer " + std::string(64, 't');
        return first.ask(wanted);
    };
    const std::string program(3U << 20U, 'b');
    ASSERT_EQ(with_token("PUT", "/api/v1/blobs/" + sha256(program), program).status, 201);

    const auto submitted = with_token("POST", "/api/v1/topologies", submission("wc", program));

    EXPECT_EQ(submitted.status, 201) << submitted.body;
    EXPECT_THAT(submitted.body, HasSubstr("\"warning\""));
    EXPECT_THAT(submitted.body, HasSubstr("507"));
    EXPECT_THAT(first.get("/metrics").body, HasSubstr("storm_nimbus_copies_lacking_total 1"));
}

TEST_F(NimbusTest, SurvivesAFullDisk) {
    const std::string mounted = path("full");
    fs::create_directories(mounted);
    // The mount is the process' own, and gone with it.
    NimbusProcess full(
        mounted, settings(),
        {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
         "mount -t tmpfs -o size=1m,mode=700 none " + mounted + " && exec \"$0\" \"$@\""});
    const auto root = "/proc/" + std::to_string(full.pid()) + "/root" + mounted;
    const bool ready =
        soon([&] { return fs::exists(root + "/nimbus.json"); }, std::chrono::seconds(5));
    if (!ready) GTEST_SKIP() << "cannot mount: " << tests::read_text(full.log());
    const auto json = nlohmann::json::parse(tests::read_text(root + "/nimbus.json"));
    std::string token = tests::read_text(root + "/token");
    token.pop_back();
    const std::string blob(3U << 20U, 'b');
    net::HttpCall wanted = full.call("PUT", "/api/v1/blobs/" + sha256(blob), blob);
    wanted.port = json.at("port").get<std::uint16_t>();
    wanted.headers["Authorization"] = "Bearer " + token;

    const auto refused = full.ask(wanted);

    EXPECT_EQ(refused.status, 507) << refused.body;
    EXPECT_THAT(refused.body, HasSubstr("no space left on device"));
    EXPECT_TRUE(fs::is_empty(root + "/blobs")) << "nothing half-written is left";
    wanted.target = "/api/v1/blobs/" + sha256("small");
    wanted.body = "small";
    EXPECT_EQ(full.ask(wanted).status, 201) << "and it goes on";
}

TEST_F(NimbusTest, RefusesChangesWithoutZookeeperAndDoesNotDoThemLater) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);
    zookeeper_->kill();
    ASSERT_TRUE(soon([&] { return nimbus().get("/health").status == 503; }));

    const auto refused =
        nimbus().change("POST", "/api/v1/topologies/wc/kill", "{\"wait_secs\": 0}");

    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.body, HasSubstr("no connection to ZooKeeper"));
    EXPECT_EQ(nimbus().get("/api/v1/topologies/wc").status, 200);
    zookeeper_->start();
    ASSERT_TRUE(soon([&] { return nimbus().leads(); }, std::chrono::seconds(15)));
    EXPECT_EQ(nimbus().json("/api/v1/topologies/wc").at("status"), "ACTIVE");
}

TEST_F(NimbusTest, ConnectsAgainToAZookeeperThatWasEmptiedAndSaysWhatIsMissing) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);
    EXPECT_EQ(nimbus().json("/health").at("status"), "ok");

    zookeeper_->kill_and_empty();
    zookeeper_->start();

    // It is older and, once it has been read, something is missing.
    ASSERT_TRUE(soon([this] { return nimbus().json("/health").at("problems").size() == 2; },
                     std::chrono::seconds(40)));
    EXPECT_EQ(nimbus().json("/health").at("status"), "degraded");
    EXPECT_EQ(nimbus().json("/api/v1/topologies/wc").at("status"), "MISSING");
    const std::string id = nimbus().json("/api/v1/topologies/wc").at("id");
    EXPECT_EQ(nimbus().get("/api/v1/assignments/" + id).status, 404) << "that is not a removal";
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies/wc/kill", "{}").status, 202);
    EXPECT_TRUE(soon([this] { return nimbus().get("/api/v1/topologies/wc").status == 404; }));
    EXPECT_EQ(nimbus().get("/api/v1/assignments/" + id).status, 410);
    EXPECT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);
}

TEST_F(NimbusTest, AnotherTakesOverWithTopologiesAndBlobs) {
    std::ofstream(path("token")) << std::string(64, 't') << '\n';
    fs::permissions(path("token"), fs::perms::owner_read | fs::perms::owner_write);
    auto shared = settings();
    shared.push_back("storm.token.file=" + path("token"));
    const auto token_of_both = [&](NimbusProcess& of, const char* method, const std::string& target,
                                   const std::string& body) {
        net::HttpCall wanted = of.call(method, target, body);
        wanted.headers["Authorization"] = "Bearer " + std::string(64, 't');
        return of.ask(wanted);
    };
    NimbusProcess first(path("n1"), shared);
    ASSERT_TRUE(first.is_ready());
    ASSERT_TRUE(soon([&] { return first.leads(); }));
    NimbusProcess second(path("n2"), shared);
    ASSERT_TRUE(second.is_ready());
    ASSERT_TRUE(soon([&] { return first.json("/api/v1/nimbuses").at("nimbuses").size() == 2; }));
    ASSERT_EQ(token_of_both(first, "PUT", "/api/v1/blobs/" + sha256("program"), "program").status,
              201);

    const auto submitted =
        token_of_both(first, "POST", "/api/v1/topologies", submission("wc", "program"));

    EXPECT_EQ(submitted.status, 201) << submitted.body;
    EXPECT_EQ(second.get("/api/v1/blobs/" + sha256("program")).body, "program");
    const auto elsewhere = token_of_both(second, "POST", "/api/v1/topologies/wc/kill", "");
    EXPECT_EQ(elsewhere.status, 421);
    EXPECT_EQ(nlohmann::json::parse(elsewhere.body).at("leader"),
              "127.0.0.1:" + std::to_string(first.port()));
    EXPECT_EQ(second.get("/api/v1/topologies").headers.at("x-storm-leader"),
              "127.0.0.1:" + std::to_string(first.port()));
    EXPECT_EQ(first.get("/api/v1/topologies").headers.count("x-storm-leader"), 0);
    // Both tell workers what ZooKeeper has; that there is nothing, only the leader.
    const std::string id = nlohmann::json::parse(submitted.body).at("id");
    for (NimbusProcess* const each : {&first, &second}) {
        ASSERT_TRUE(soon([&] { return each->get("/api/v1/assignments/" + id).status == 200; }));
        const auto assignment =
            cluster::decode<cluster::Assignment>(each->get("/api/v1/assignments/" + id).body);
        ASSERT_TRUE(assignment.has_value());
        EXPECT_EQ(assignment->topology, id);
    }
    EXPECT_EQ(first.get("/api/v1/assignments/other-1-1").status, 404);
    EXPECT_EQ(second.get("/api/v1/assignments/other-1-1").status, 421);
    first.signal(SIGKILL);
    EXPECT_TRUE(soon([&] { return second.leads(); }, std::chrono::seconds(4)))
        << "session timeout (2 s) + 1 s, and a slow machine";
    EXPECT_EQ(second.json("/api/v1/topologies/wc").at("name"), "wc");
}

TEST_F(NimbusTest, OneWhoseLoopHangsEndsAndAnotherLeads) {
    NimbusProcess second(path("n2"), settings());
    ASSERT_TRUE(second.is_ready());
    ASSERT_TRUE(soon([&] { return second.leads(); }));
    ASSERT_TRUE(nimbus(false).is_ready() && second.leads());
    const base::SteadyClock clock;
    const base::Micros begin = clock.now();

    if (!storm::testing::hang_main_thread(second.pid())) GTEST_SKIP() << "no ptrace here";

    EXPECT_TRUE(soon([&] { return nimbus().leads(); }));
    EXPECT_LT(clock.now() - begin, 4 * base::kMicrosPerSecond) << "session timeout (2 s) + 2 s";
    EXPECT_EQ(second.wait(), testing::exit_of_a_hung_daemon(1));
    EXPECT_THAT(tests::read_text(second.log()), HasSubstr("the event loop hangs"));
}

TEST_F(NimbusTest, AStandbyThatHangsHoldsUpNoSubmission) {
    put(nimbus(), "program");
    NimbusProcess second(path("n2"), settings());
    ASSERT_TRUE(second.is_ready());
    ASSERT_TRUE(soon([&] { return nimbus().json("/api/v1/nimbuses").at("nimbuses").size() == 2; }));
    const base::SteadyClock clock;
    second.signal(SIGSTOP);
    const base::Micros begin = clock.now();

    const auto submitted =
        nimbus().change("POST", "/api/v1/topologies", submission("wc", "program"));

    const base::Micros took = clock.now() - begin;
    second.signal(SIGCONT);
    EXPECT_EQ(submitted.status, 201) << submitted.body;
    EXPECT_THAT(submitted.body, HasSubstr("\"warning\""));
    EXPECT_LT(took, base::kMicrosPerSecond);
}

TEST_F(NimbusTest, ANimbusThatComesLaterFetchesWhatItLacks) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);

    give_token("n2");
    NimbusProcess second(path("n2"), settings());
    ASSERT_TRUE(second.is_ready());

    EXPECT_TRUE(
        soon([&] { return second.get("/api/v1/blobs/" + sha256("program")).body == "program"; }));
}

TEST_F(NimbusTest, ANimbusFetchesNothingFromAStranger) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);

    NimbusProcess second(path("n2"), settings());  // It makes a token of its own.
    ASSERT_TRUE(second.is_ready());

    EXPECT_TRUE(soon([&] {
        return tests::read_text(second.log()).find("does not show that it knows the token") !=
               std::string::npos;
    }));
}

TEST_F(NimbusTest, EndsInOrder) {
    nimbus().signal(SIGTERM);

    EXPECT_EQ(nimbus().wait(), 0);
    EXPECT_FALSE(fs::exists(path("n1/nimbus.json")));
}

TEST_F(NimbusTest, EndsInTimeThoughACopyHangs) {
    put(nimbus(), "program");
    ASSERT_EQ(nimbus().change("POST", "/api/v1/topologies", submission("wc", "program")).status,
              201);
    nimbus().signal(SIGSTOP);
    give_token("n2");
    NimbusProcess second(path("n2"), settings());
    EXPECT_TRUE(second.is_ready());
    EXPECT_TRUE(soon([&] {
        return second.get("/metrics").body.find("storm_nimbus_blobs_missing 1") !=
               std::string::npos;
    }));
    const base::SteadyClock clock;
    const base::Micros begin = clock.now();

    second.signal(SIGTERM);

    EXPECT_EQ(second.wait(), 0);
    EXPECT_LT(clock.now() - begin, daemon::kEndPatience + 2 * base::kMicrosPerSecond);
    nimbus().signal(SIGCONT);
}

TEST_F(NimbusTest, RefusesAFolderThatAnotherHas) {
    const std::string pid = std::to_string(nimbus().pid());
    NimbusProcess second(path("n1"), settings());

    EXPECT_EQ(second.wait(), 1);
    EXPECT_THAT(tests::read_text(second.log()), HasSubstr("another storm-nimbus, process " + pid));
    EXPECT_TRUE(fs::exists(path("n1/nimbus.json"))) << "the first one's";
}

TEST_F(NimbusTest, WillNotBeReachedFromElsewhereUnlessTold) {
    auto open = settings();
    open.push_back("storm.local.hostname=0.0.0.0");
    NimbusProcess nimbus(path("open"), open);

    EXPECT_EQ(nimbus.wait(), 1);
    EXPECT_THAT(tests::read_text(nimbus.log()), HasSubstr("storm.insecure"));
}

TEST_F(NimbusTest, RefusesWrongSettingsAndTokens) {
    auto wrong = settings();
    wrong.push_back("nimbus.prot=1");
    NimbusProcess mistyped(path("a"), wrong);
    EXPECT_EQ(mistyped.wait(), 2);
    EXPECT_THAT(tests::read_text(mistyped.log()), HasSubstr("nimbus.port"));

    fs::create_directories(path("b"));
    std::ofstream(path("b/token")) << std::string(64, 't') << '\n';
    fs::permissions(path("b/token"), fs::perms::owner_read | fs::perms::group_read);
    NimbusProcess open_token(path("b"), settings());
    EXPECT_EQ(open_token.wait(), 1);
    EXPECT_THAT(tests::read_text(open_token.log()), HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace storm::nimbus
