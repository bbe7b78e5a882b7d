// The requests of storm-submit, their order, and what it waits for. Method: a program that is a
// script, and a Nimbus that answers as it is told.
#include "cli/submit.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "cli/artifact.h"
#include "cli/failure.h"
#include "tests/cli/fake_nimbus.h"
#include "tests/cli/fake_time.h"

namespace storm::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDescription =
    R"({"format": 1, "name": "wc", "storm_version": "0.1.0", "machine": "x86_64", "glibc": "2.36",
        "settings": {}, "cpu_features": [], "components": [
        {"id": "lines", "kind": "spout", "parallelism": 1, "tasks": 1, "blocking": false,
         "tick_ms": null, "settings": {}, "streams": [], "inputs": []}]})";

class SubmitTest : public ::testing::Test {
protected:
    SubmitTest() { std::filesystem::create_directories(folder_); }
    ~SubmitTest() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, const std::string& content, mode_t mode = 0644) {
        std::string path = folder_ + '/' + name;
        std::ofstream(path) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }
    std::string program(const std::string& description) {
        return file("wc", "#!/bin/bash\ncat >&3 <<'END'\n" + description + "\nEND\n", 0755);
    }

    /// Output of storm-submit on both streams.
    std::string submitted(Submission submission, const Config& config) {
        submission.timeout = 2 * base::kMicrosPerSecond;
        std::ostringstream text;
        submit(submission, config, time_.patience(), text, text, {});
        return text.str();
    }

    FakeTime time_;
    const std::string folder_ = ::testing::TempDir() + "submit-" + std::to_string(getpid());
};

/// A whole Nimbus: blobs are there once they were put; the topology has `status`.
FakeNimbus::Answer nimbus_with(const std::string* address, const Json& status) {
    return [address, status,
            blobs = std::map<std::string, std::string>()](const net::HttpRequest& request) mutable {
        if (request.target == "/health") {
            return json_response(200, {{"status", "ok"},
                                       {"zookeeper", "connected"},
                                       {"is_leader", true},
                                       {"leader", *address}});
        }
        if (request.method == "HEAD") {
            net::HttpResponse response;
            response.status = blobs.count(request.target) > 0 ? 200 : 404;
            return response;
        }
        if (request.method == "PUT") {
            blobs[request.target] = request.body;
            return json_response(201, Json::object());
        }
        if (request.method == "POST") {
            return json_response(201, {{"name", "wc"}, {"id", "wc-1-5"}});
        }
        return json_response(200, status);
    };
}

Json running() {
    return Json::parse(R"({"id": "wc-1-5", "status": "ACTIVE", "executors": {"total": 1,
        "prepared": 1}, "workers": [{"state": "RUNNING"}], "components": [
        {"id": "lines", "type": "spout", "emitted": 1}]})");
}

TEST_F(SubmitTest, RefusesABadNameBeforeItUploadsOrRunsAnything) {
    try {
        submitted({.program = "/no/such/program", .name = "a b", .files = {}}, Config());
        FAIL() << "it was submitted";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), ExitCode::kUsage);
        EXPECT_THAT(failure.what(), HasSubstr("\"a b\" is not a name for a topology"));
        EXPECT_THAT(failure.hint(), HasSubstr("--name"));
    }
}

TEST_F(SubmitTest, UploadsWhatIsMissingSubmitsAndWaits) {
    std::string address;
    FakeNimbus nimbus(nimbus_with(&address, running()));
    address = nimbus.address();
    Config config = nimbus.config();
    config.set("topology.workers", "2");
    config.set("input", "book.txt");
    const std::string wc = program(kDescription);
    const std::string sha = "/api/v1/blobs/" + base::digest_of_file(wc).value().sha256;

    const std::string first = submitted({.program = wc, .name = "w-c", .files = {}}, config);
    EXPECT_THAT(nimbus.asked(),
                ElementsAre("GET /health", "GET /api/v1/topologies", "HEAD " + sha, "PUT " + sha,
                            "POST /api/v1/topologies", "GET /api/v1/topologies/w-c"));
    EXPECT_THAT(first, HasSubstr("uploading wc ("));
    EXPECT_THAT(first, HasSubstr("submitted \"w-c\" as wc-1-5\n"
                                 "it runs: 1 executor in 1 worker\n"));

    const Json sent = Json::parse(nimbus.requests().at(4).body);
    EXPECT_EQ(sent["name"], "w-c");
    EXPECT_EQ(sent["description"], Json::parse(kDescription));
    EXPECT_EQ(sent["inactive"], false);
    EXPECT_EQ(sent["settings"], Json::parse(R"({"input": "book.txt", "topology.name": "w-c",
                                                "topology.workers": "2"})"));
    EXPECT_EQ(sent["artifacts"][0]["name"], "wc");
    EXPECT_EQ(sent["artifacts"][0]["mode"], 0755);

    submitted({.program = wc, .name = "wc", .files = {}, .detach = true}, config);
    EXPECT_EQ(nimbus.asked().size(), 10U);  // Neither uploaded again nor waited for.
}

TEST_F(SubmitTest, TellsWhatIsMissingWhenTimeIsUp) {
    std::string address;
    Json status = running();
    status["executors"]["prepared"] = 0;
    status["unassigned"] = {"no free slot: 4 wanted, 2 free on 1 supervisor"};
    FakeNimbus nimbus(nimbus_with(&address, status));
    address = nimbus.address();
    try {
        submitted({.program = program(kDescription), .name = "wc", .files = {}}, nimbus.config());
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), ExitCode::kFailed);
        EXPECT_THAT(failure.what(), HasSubstr("\"wc\" does not run after 2 s:\n"
                                              "no free slot: 4 wanted, 2 free on 1 supervisor\n"
                                              "0 of 1 executor are prepared"));
        EXPECT_THAT(failure.hint(), HasSubstr("it stays submitted"));
    }
}

TEST_F(SubmitTest, AnotherTopologyOfThatNameIsNotTakenForOurs) {
    std::string address;
    Json status = running();
    status["id"] = "wc-2-9";
    FakeNimbus nimbus(nimbus_with(&address, status));
    address = nimbus.address();

    EXPECT_THROW(
        submitted({.program = program(kDescription), .name = "wc", .files = {}}, nimbus.config()),
        Failure);
}

TEST_F(SubmitTest, NothingIsAskedOfNimbusForAProgramThatIsOfNoUse) {
    FakeNimbus nimbus([](const net::HttpRequest&) { return json_response(500, {}); });
    for (const char* description : {"", "{}", "[1]", "{\"format\": 99}", "not json"}) {
        EXPECT_THROW(submitted({.program = program(description), .name = "wc", .files = {}},
                               nimbus.config()),
                     Failure);
    }
    EXPECT_TRUE(nimbus.requests().empty());
}

TEST_F(SubmitTest, AProgramThatIsAnotherEachTimeIsRefused) {
    const std::string changing = file("wc",
                                      "#!/bin/bash\n"
                                      "echo x >>" +
                                          folder_ +
                                          "/runs\n"
                                          "runs=$(wc -l <" +
                                          folder_ +
                                          "/runs)\n"
                                          "sed s/RUNS/$runs/g >&3 <<'END'\n"
                                          R"({"format": 1, "name": "wc", "storm_version": "0.1.0",
            "machine": "x86_64", "glibc": "2.36", "settings": {}, "cpu_features": [],
            "components": [{"id": "lines", "kind": "spout", "parallelism": RUNS, "tasks": RUNS,
            "blocking": false, "tick_ms": null, "settings": {}, "streams": [], "inputs": []}]})"
                                          "\nEND\n",
                                      0755);
    try {
        describe(changing, {}, time_);
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_THAT(failure.what(),
                    HasSubstr("another topology each time: component \"lines\": \"parallelism\" "
                              "is first 1, then 2"));
    }
}

TEST_F(SubmitTest, SettingsOfTheDaemonsStayHere) {
    Config config;
    for (const char* key : {"nimbus.port", "supervisor.port", "storm.zookeeper.port"}) {
        config.set(key, "7");
    }
    config.set("topology.name", "other");
    config.set("mine", "1");

    EXPECT_THAT(topology_settings(config, "wc"),
                ElementsAre(std::pair("mine", "1"), std::pair("topology.name", "wc")));
}

TEST_F(SubmitTest, SettingsOfTheDaemonsAreRefusedWhereTheyHaveNoEffect) {
    const auto refused = [](const std::string& assignment) {
        try {
            refuse_settings_of_daemons(cluster::layer_settings({}, {assignment}).value());
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.code(), ExitCode::kUsage);
            EXPECT_THAT(failure.hint(), HasSubstr("storm.yaml"));
            return true;
        }
        return false;
    };

    EXPECT_TRUE(refused("storm.log.level=error"));
    EXPECT_TRUE(refused("supervisor.worker.timeout.secs=5"));
    EXPECT_TRUE(refused("nimbus.task.timeout.secs=5"));
    EXPECT_FALSE(refused("nimbus.seeds=a:1"));
    EXPECT_FALSE(refused("storm.token.file=/x"));
    EXPECT_FALSE(refused("topology.workers=2"));
    EXPECT_FALSE(refused("mine=2"));
}

TEST_F(SubmitTest, ATakenNameIsToldBeforeAnythingIsUploaded) {
    std::string address;
    const FakeNimbus nimbus(
        nimbus_with(&address, {{"topologies", {{{"name", "wc"}, {"id", "wc-1-1"}}}}}));
    address = nimbus.address();

    try {
        Submission submission;
        submission.program = program(kDescription);
        submitted(submission, nimbus.config());
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), ExitCode::kConflict);
    }
    for (const std::string& asked : nimbus.asked()) EXPECT_EQ(asked.find("PUT"), std::string::npos);
}

TEST_F(SubmitTest, FilesAreNamedByWhatIsInThem) {
    const std::string empty = file("empty", "");
    const std::string abc = file("abc", "abc", 0600);

    const auto artifacts = artifacts_of(abc, {empty});

    ASSERT_EQ(artifacts.size(), 2U);
    EXPECT_EQ(artifacts[0].sha256,
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(artifacts[0].mode, 0600U);
    EXPECT_EQ(artifacts[0].bytes, 3U);
    EXPECT_EQ(artifacts[1].name, "empty");
    EXPECT_EQ(artifacts[1].sha256,
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(SubmitTest, FilesOfOneNameFoldersAndMissingOnesAreRefused) {
    const std::string abc = file("abc", "abc");
    EXPECT_THROW(artifacts_of(abc, {abc}), Failure);
    EXPECT_THROW(artifacts_of(abc, {folder_}), Failure);
    EXPECT_THROW(artifacts_of(abc, {folder_ + "/none"}), Failure);
}

TEST_F(SubmitTest, DurationsHaveUnits) {
    EXPECT_EQ(duration_of("60s"), 60'000'000);
    EXPECT_EQ(duration_of("500ms"), 500'000);
    EXPECT_EQ(duration_of("2m"), 120'000'000);
    EXPECT_EQ(duration_of("5"), 5'000'000);
    EXPECT_EQ(duration_of("0"), 0);
    for (const char* wrong : {"", "s", "-1s", "5 s", "1x", "0x", "nan", "inf", "1e99"}) {
        EXPECT_THROW(duration_of(wrong), Failure) << wrong;
    }
}

}  // namespace
}  // namespace storm::cli
