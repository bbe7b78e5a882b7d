// The choice of the Nimbus and the token, and the handling of answers. Method: real servers on
// loopback ports, which answer as they are told.
#include "cli/nimbus_client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/failure.h"
#include "tests/cli/fake_nimbus.h"
#include "tests/support/local_socket.h"

namespace storm::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NimbusClientTest : public ::testing::Test {
protected:
    NimbusClientTest() { ::unsetenv("STORM_TOKEN_FILE"); }
    ~NimbusClientTest() override {
        ::unsetenv("STORM_TOKEN_FILE");
        std::filesystem::remove(file_);
    }

    std::string token_file(const std::string& content, mode_t mode = 0600) {
        file_ = ::testing::TempDir() + "token-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name();
        std::ofstream(file_) << content;
        ::chmod(file_.c_str(), mode);
        return file_;
    }

private:
    std::string file_;
};

template <typename Action>
Failure failure_of(Action action) {
    try {
        action();
    } catch (const Failure& failure) {
        return failure;
    }
    ADD_FAILURE() << "nothing failed";
    return Failure(ExitCode::kDone, "");
}

FakeNimbus::Answer always(int status, const Json& json) {
    return [status, json](const net::HttpRequest&) { return json_response(status, json); };
}

TEST_F(NimbusClientTest, TriesTheSeedsInOrder) {
    FakeNimbus nimbus(always(200, {{"a", 1}}));
    Config config = nimbus.config();
    config.set("nimbus.seeds", deaf_address() + ',' + nimbus.address());

    EXPECT_EQ(NimbusClient(config).get("/x"), Json({{"a", 1}}));
    EXPECT_THAT(nimbus.asked(), ElementsAre("GET /x"));
}

TEST_F(NimbusClientTest, GoesOnToTheNextSeedWhenOneLacksItsZooKeeper) {
    FakeNimbus lame(always(503, {{"error", "no ZooKeeper"}}));
    FakeNimbus nimbus(always(200, {{"a", 1}}));
    Config config = nimbus.config();
    config.set("nimbus.seeds", lame.address() + ',' + nimbus.address());

    EXPECT_EQ(NimbusClient(config).get("/x"), Json({{"a", 1}}));
}

TEST_F(NimbusClientTest, UnreachableNamesAddressSettingAndWhatStartsOne) {
    Config config;
    const std::string address = deaf_address();
    config.set("nimbus.seeds", address);

    const Failure failure = failure_of([&] { NimbusClient(config).get("/x"); });

    EXPECT_EQ(failure.code(), ExitCode::kUnreachable);
    EXPECT_THAT(failure.what(), HasSubstr(address));
    EXPECT_THAT(failure.what(), HasSubstr("refused"));
    EXPECT_THAT(failure.hint(), HasSubstr("nimbus.seeds"));
    EXPECT_THAT(failure.hint(), HasSubstr("tools/cluster.sh up"));
}

TEST_F(NimbusClientTest, FollowsToTheLeader) {
    FakeNimbus leader(always(201, {{"id", "wc-1"}}));
    FakeNimbus other(always(421, {{"error", "not the leader"}, {"leader", leader.address()}}));
    NimbusClient client(other.config());

    EXPECT_EQ(client.post("/t", {{"name", "wc"}}), Json({{"id", "wc-1"}}));
    client.post("/t", {{"name", "wc"}});

    EXPECT_THAT(other.asked(), ElementsAre("POST /t"));  // The second went there at once.
    EXPECT_EQ(leader.requests().back().body, R"({"name":"wc"})");
}

TEST_F(NimbusClientTest, ReadsFromTheLeaderWhichKnowsMore) {
    FakeNimbus leader(always(200, {{"workers", 2}}));
    const auto standby = [](const std::string& named) {
        return [named](const net::HttpRequest&) {
            net::HttpResponse response = json_response(200, {{"workers", 0}});
            response.headers["X-Storm-Leader"] = named;
            return response;
        };
    };
    FakeNimbus other(standby(leader.address()));
    NimbusClient client(other.config());

    EXPECT_EQ(client.get("/t"), Json({{"workers", 2}}));
    EXPECT_EQ(client.get("/t"), Json({{"workers", 2}}));
    EXPECT_THAT(other.asked(), ElementsAre("GET /t"));  // The second went there at once.

    FakeNimbus orphan(standby(deaf_address()));
    EXPECT_EQ(NimbusClient(orphan.config()).get("/t"), Json({{"workers", 0}}));
}

TEST_F(NimbusClientTest, AChangeWithoutAnAnswerIsNotTriedAgain) {
    const tests::Listener silent("");  // Takes the request, and closes.
    FakeNimbus other(always(200, {{"a", 1}}));
    Config config = other.config();
    config.set("nimbus.seeds",
               "127.0.0.1:" + std::to_string(silent.port()) + ',' + other.address());

    Config alone = other.config();
    alone.set("nimbus.seeds", "127.0.0.1:" + std::to_string(silent.port()));
    const Failure failure = failure_of([&] { NimbusClient(alone).post("/t", {}); });

    EXPECT_EQ(failure.code(), ExitCode::kUnreachable);
    EXPECT_THAT(failure.what(), HasSubstr("not known whether that was done"));
    EXPECT_EQ(NimbusClient(config).get("/t"), Json({{"a", 1}})) << "reading does no harm";
}

TEST_F(NimbusClientTest, OneThatHangsHoldsUpNoCommandForLong) {
    // The system takes their connections, and nobody answers.
    const tests::Listener first("", tests::Listener::Then::kStayOpen);
    const tests::Listener second("", tests::Listener::Then::kStayOpen);
    FakeNimbus nimbus(always(200, {{"a", 1}, {"zookeeper", "connected"}, {"leader", ""}}));
    Config config = nimbus.config();
    config.set("nimbus.seeds", "127.0.0.1:" + std::to_string(first.port()) + ",127.0.0.1:" +
                                   std::to_string(second.port()) + ',' + nimbus.address());

    NimbusClient client(config);
    client.get("/t");
    client.get("/t");
    NimbusClient(config).post("/t", {});
    NimbusClient(config).health();

    // It went on within 0.3 s each: CTest's patience is over before two have waited 10 s each, four
    // times.
    EXPECT_THAT(nimbus.asked(),
                ElementsAre("GET /t", "GET /t", "GET /health", "POST /t", "GET /health"));
}

TEST_F(NimbusClientTest, AChangeThatReachedNobodyIsTriedElsewhere) {
    FakeNimbus nimbus(always(200, {{"a", 1}}));
    Config config = nimbus.config();
    config.set("nimbus.seeds", deaf_address() + ',' + nimbus.address());

    EXPECT_EQ(NimbusClient(config).post("/t", {}), Json({{"a", 1}}));
}

TEST_F(NimbusClientTest, FollowsNoCircle) {
    std::string itself;
    FakeNimbus nimbus([&itself](const net::HttpRequest&) {
        return json_response(421, {{"error", "not the leader"}, {"leader", itself}});
    });
    itself = nimbus.address();

    const Failure failure = failure_of([&] { NimbusClient(nimbus.config()).post("/t", {}); });

    EXPECT_EQ(failure.code(), ExitCode::kUnreachable);
    EXPECT_LE(nimbus.requests().size(), 7U);
}

TEST_F(NimbusClientTest, StatusesBecomeExitCodes) {
    const std::vector<std::pair<int, ExitCode>> codes = {
        {400, ExitCode::kFailed},   {401, ExitCode::kDenied},     {403, ExitCode::kDenied},
        {404, ExitCode::kNotFound}, {409, ExitCode::kConflict},   {422, ExitCode::kFailed},
        {500, ExitCode::kFailed},   {503, ExitCode::kUnreachable}};
    for (const auto& [status, code] : codes) {
        FakeNimbus nimbus(always(status, {{"error", "what, why"}, {"hint", "do it"}}));

        const Failure failure = failure_of([&] { NimbusClient(nimbus.config()).post("/t", {}); });

        EXPECT_EQ(failure.code(), code) << status;
        EXPECT_THAT(failure.what(), HasSubstr("what, why")) << status;
    }
}

TEST_F(NimbusClientTest, WhatIsNoNimbusIsPassedOver) {
    FakeNimbus web([](const net::HttpRequest&) {
        return net::HttpResponse{.body = "<html>\x1b[31m", .file = ""};
    });
    FakeNimbus missing(always(404, {{"message", "Not Found"}}));
    FakeNimbus list(always(200, Json::array()));
    FakeNimbus nimbus(
        always(200, {{"a", 1}, {"zookeeper", "connected"}, {"leader", ""}, {"is_leader", true}}));
    const std::string strangers = web.address() + ',' + missing.address() + ',' + list.address();
    Config config = nimbus.config();
    config.set("nimbus.seeds", strangers + ',' + nimbus.address());

    EXPECT_EQ(NimbusClient(config).get("/x").at("a"), 1);
    EXPECT_EQ(NimbusClient(config).post("/x", {}).at("a"), 1);
    EXPECT_EQ(NimbusClient(config).health().at("a"), 1);

    config.set("nimbus.seeds", strangers);
    const Failure failure = failure_of([&] { NimbusClient(config).get("/x"); });
    EXPECT_EQ(failure.code(), ExitCode::kUnreachable);
    EXPECT_THAT(failure.what(), AllOf(HasSubstr(web.address()), HasSubstr("other than a Nimbus"),
                                      HasSubstr(missing.address()), HasSubstr(list.address())));
}

TEST_F(NimbusClientTest, WhoDoesNotKnowTheTokenIsPassedOverAndDoesNotLearnIt) {
    const auto status = always(200, {{"zookeeper", "connected"}, {"leader", ""}, {"a", "lie"}});
    const tests::Listener page("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
    const tests::Listener liar(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
        "realm=\"storm\", qop=\"auth-int\", algorithm=SHA-256, nonce=\"n\"\r\n\r\n");
    FakeNimbus open(status);
    FakeNimbus of_another_cluster(status, "other");
    FakeNimbus nimbus(
        [](const net::HttpRequest& request) {
            if (request.method == "HEAD") return net::HttpResponse{.status = 404};
            return json_response(200, {{"zookeeper", "connected"}, {"leader", ""}, {"a", 1}});
        },
        "s3cret");
    const std::string page_address = "127.0.0.1:" + std::to_string(page.port());
    const std::string strangers = page_address + ",127.0.0.1:" + std::to_string(liar.port()) + ',' +
                                  open.address() + ',' + of_another_cluster.address();
    Config config = nimbus.config();
    config.set("nimbus.seeds", strangers + ',' + nimbus.address());
    config.set("storm.token.file", token_file("s3cret\n"));

    EXPECT_EQ(NimbusClient(config).get("/x").at("a"), 1);
    EXPECT_EQ(NimbusClient(config).post("/x", {}).at("a"), 1);
    EXPECT_EQ(NimbusClient(config).health().at("a"), 1);
    EXPECT_FALSE(NimbusClient(config).has_blob("00"));

    config.set("nimbus.seeds", page_address + ',' + open.address());
    const Failure nobody = failure_of([&] { NimbusClient(config).get("/x"); });
    EXPECT_EQ(nobody.code(), ExitCode::kUnreachable);
    EXPECT_THAT(nobody.what(), AllOf(HasSubstr(page_address), HasSubstr(open.address()),
                                     HasSubstr("does not show that it knows the token")));
    config.set("nimbus.seeds", of_another_cluster.address());
    EXPECT_EQ(failure_of([&] { NimbusClient(config).get("/x"); }).code(), ExitCode::kDenied);
    EXPECT_THAT(page.received() + liar.received(), Not(HasSubstr("s3cret")));
    for (const FakeNimbus* server : {&open, &of_another_cluster, &nimbus}) {
        for (const net::HttpRequest& request : server->requests()) {
            EXPECT_THAT(request.body + request.target, Not(HasSubstr("s3cret")));
            for (const auto& [name, value] : request.headers) {
                EXPECT_THAT(value, Not(HasSubstr("s3cret"))) << name;
            }
        }
    }
    for (const net::HttpRequest& request : open.requests()) EXPECT_EQ(request.target, "/health");
    EXPECT_TRUE(of_another_cluster.requests().empty());
}

TEST_F(NimbusClientTest, AStatusThatWasChangedOnItsWayIsNotBelieved) {
    FakeNimbus real(always(404, {{"error", "there is no topology \"wc\""}}), "secret");
    const tests::Relay liar(real.port(), "HTTP/1.1 404 Not Found", "HTTP/1.1 202 Accepted");
    Config config = real.config();
    config.set("storm.token.file", token_file("secret\n"));
    const std::string relay = "127.0.0.1:" + std::to_string(liar.port());
    config.set("nimbus.seeds", relay);

    const Failure lied = failure_of([&] { NimbusClient(config).post("/t/wc/kill", {}); });
    EXPECT_EQ(lied.code(), ExitCode::kUnreachable);
    EXPECT_THAT(lied.what(), HasSubstr("202, but does not prove that status"));

    config.set("nimbus.seeds", relay + ',' + real.address());
    EXPECT_EQ(failure_of([&] { NimbusClient(config).post("/t/wc/kill", {}); }).code(),
              ExitCode::kNotFound);
}

TEST_F(NimbusClientTest, HealthIsWhatTheLeaderSaysIfItAnswers) {
    FakeNimbus leader(always(200, {{"status", "degraded"},
                                   {"zookeeper", "connected"},
                                   {"is_leader", true},
                                   {"problems", {"topologies are MISSING: wc"}}}));
    FakeNimbus standby(always(200, {{"status", "ok"},
                                    {"zookeeper", "connected"},
                                    {"is_leader", false},
                                    {"leader", leader.address()}}));
    FakeNimbus lonely(always(200, {{"status", "ok"},
                                   {"zookeeper", "connected"},
                                   {"is_leader", false},
                                   {"leader", "127.0.0.1:1"}}));

    EXPECT_EQ(NimbusClient(standby.config()).health().at("status"), "degraded");
    EXPECT_EQ(NimbusClient(lonely.config()).health().at("status"), "ok");
}

TEST_F(NimbusClientTest, ALeaderMustKnowTheTokenToo) {
    FakeNimbus thief(always(201, {{"id", "stolen"}}));
    FakeNimbus liar(always(421, {{"error", "not the leader"}, {"leader", thief.address()}}),
                    "secret");
    Config config = liar.config();
    config.set("storm.token.file", token_file("secret\n"));

    const Failure failure = failure_of([&] { NimbusClient(config).post("/t", {{"a", 1}}); });

    EXPECT_EQ(failure.code(), ExitCode::kUnreachable);
    EXPECT_THAT(thief.asked(), ::testing::Each("HEAD /health"));
}

TEST_F(NimbusClientTest, ASupervisorsLogIsReadWithAProof) {
    const auto log = [](const net::HttpRequest&) { return net::HttpResponse{.body = "a line"}; };
    FakeNimbus supervisor(log, "secret");
    FakeNimbus thief(log);
    Config config = supervisor.config();
    config.set("storm.token.file", token_file("secret\n"));
    NimbusClient client(config);

    EXPECT_EQ(client.get_log(location_of(supervisor.url() + "/log")).body, "a line");

    const Failure failure = failure_of([&] { client.get_log(location_of(thief.url() + "/log")); });
    EXPECT_EQ(failure.code(), ExitCode::kDenied);
    EXPECT_THAT(failure.what(), HasSubstr(thief.address()));
    EXPECT_THAT(failure.hint(), HasSubstr("storm.token.file"));
}

TEST_F(NimbusClientTest, WhatNimbusSaysCannotTakeTheTerminalOver) {
    FakeNimbus nimbus(always(500, {{"error", "bad \x1b[2J"}}));

    const Failure failure = failure_of([&] { NimbusClient(nimbus.config()).get("/x"); });

    EXPECT_STREQ(failure.what(), "bad ?[2J");
}

TEST_F(NimbusClientTest, AllProveTheToken) {
    FakeNimbus nimbus(always(200, Json::object()), "secret");
    Config config = nimbus.config();
    config.set("storm.token.file", token_file("secret\n"));
    NimbusClient client(config);

    client.get("/x");
    client.post("/t", {});

    EXPECT_EQ(nimbus.requests().at(0).caller.access, net::Access::kChange);
    EXPECT_EQ(nimbus.requests().at(1).caller.access, net::Access::kChange);
    EXPECT_THAT(nimbus.requests().at(0).headers.at("authorization"), Not(HasSubstr("secret")));
}

TEST_F(NimbusClientTest, TheTokenForReadingIsTakenWhereThereIsNoOther) {
    FakeNimbus nimbus(always(200, Json::object()), "peek");
    Config config = nimbus.config();
    config.set("storm.readonly.token.file", token_file("peek\n", 0640));

    NimbusClient(config).get("/x");

    EXPECT_EQ(nimbus.requests().at(0).caller.access, net::Access::kChange);
}

TEST_F(NimbusClientTest, ATokenThatOthersMayReadIsRefused) {
    FakeNimbus nimbus(always(200, Json::object()));
    Config config = nimbus.config();
    const std::string path = token_file("secret\n", 0640);
    config.set("storm.token.file", path);

    const Failure failure = failure_of([&] { NimbusClient client(config); });

    EXPECT_EQ(failure.code(), ExitCode::kDenied);
    EXPECT_EQ(failure.hint(), "anybody who reads it can act as you; chmod 600 " + path);
    Config reading = nimbus.config();
    reading.set("storm.readonly.token.file", token_file("peek\n", 0644));
    EXPECT_THAT(failure_of([&] { NimbusClient client(reading); }).hint(), HasSubstr("chmod 640"));
}

TEST_F(NimbusClientTest, TellsWhyItGotLess) {
    FakeNimbus nimbus(always(200, {{"withheld", {"settings", "error"}}}));
    Config config = nimbus.config();
    NimbusClient without(config);

    EXPECT_THAT(without.withheld_text(without.get("/x")),
                AllOf(HasSubstr("not shown: settings, error"), HasSubstr("no token was shown")));
    EXPECT_EQ(without.withheld_text(Json::object()), "");
}

TEST_F(NimbusClientTest, TheEnvironmentsTokenGoesBeforeTheSetting) {
    FakeNimbus nimbus(always(200, Json::object()), "mine");
    Config config = nimbus.config();
    config.set("storm.token.file", "/nonexistent");
    ::setenv("STORM_TOKEN_FILE", token_file("mine").c_str(), 1);

    NimbusClient(config).post("/t", {});

    EXPECT_EQ(nimbus.requests().at(0).caller.access, net::Access::kChange);
}

TEST_F(NimbusClientTest, ARefusedTokenIsNamedByItsFile) {
    FakeNimbus nimbus(always(401, {{"error", "not allowed"}}));
    Config config = nimbus.config();

    EXPECT_THAT(failure_of([&] { NimbusClient(config).post("/t", {}); }).hint(),
                HasSubstr("$STORM_TOKEN_FILE and storm.token.file are not set"));

    const std::string path = token_file("old");
    config.set("storm.token.file", path);
    EXPECT_THAT(failure_of([&] { NimbusClient(config).post("/t", {}); }).hint(), HasSubstr(path));
}

TEST_F(NimbusClientTest, AUselessTokenFileIsRefusedBeforeAnythingIsAsked) {
    FakeNimbus nimbus(always(200, Json::object()));
    Config config = nimbus.config();
    config.set("storm.token.file", "/nonexistent/token");
    EXPECT_THAT(failure_of([&] { NimbusClient client(config); }).what(), HasSubstr("No such file"));
    for (const char* content : {"", "two words", "a\r\nX-Evil: 1"}) {
        config.set("storm.token.file", token_file(content));
        EXPECT_EQ(failure_of([&] { NimbusClient client(config); }).code(), ExitCode::kDenied);
    }
    EXPECT_TRUE(nimbus.requests().empty());
}

TEST_F(NimbusClientTest, AddressesAreHostsWithOrWithoutPort) {
    EXPECT_EQ(to_string(address_of("alpha", 6627)), "alpha:6627");
    EXPECT_EQ(to_string(address_of("alpha:1", 6627)), "alpha:1");
    EXPECT_EQ(to_string(address_of("::1", 6627)), "[::1]:6627");
    EXPECT_EQ(to_string(address_of("[::1]:7", 6627)), "[::1]:7");
    for (const char* wrong : {"", ":1", "a:", "a:0", "a:x", "a:70000", "[::1", "[::1]x", "a b"}) {
        EXPECT_EQ(failure_of([&] { address_of(wrong, 1); }).code(), ExitCode::kUsage) << wrong;
    }
}

TEST_F(NimbusClientTest, NamesAreEscapedInTargets) {
    EXPECT_EQ(escaped("word-count_1.x"), "word-count_1.x");
    EXPECT_EQ(escaped("a/../b?c d"), "a%2F..%2Fb%3Fc%20d");
}

}  // namespace
}  // namespace storm::cli
