// Goal:   what has gone wrong in Apache Storm does not go wrong here. SECURITY.md has the list of
// all,
//         with the tests that are where the tested thing lives.
// Method: the rule behind each, at the part that keeps it.

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "net/access.h"
#include "net/http_server.h"
#include "nimbus/api/openapi.h"
#include "supervisor/settings.h"
#include "tests/support/local_socket.h"
#include "tests/support/temp_dir.h"

namespace storm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

std::string content_of(const fs::path& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
}

/// Calls `with` with each operation of Nimbus: method, path, and what is said of it.
template <typename With>
void each_operation(const With& with) {
    const nlohmann::json document = nlohmann::json::parse(nimbus::kOpenApi);
    for (const auto& [path, operations] : document.at("paths").items()) {
        for (const auto& [method, operation] : operations.items()) with(method, path, operation);
    }
}

std::string answer_to(const std::string& headers) {
    auto server = net::HttpServer::listen(
        0, [](const net::HttpRequest&) { return net::HttpResponse{.body = "{}"}; });
    EXPECT_TRUE(server);
    const tests::RawClient client((*server)->port());
    client.send("GET /api/v1/topologies HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
    return client.receive_all();
}

// The interface of the cluster ran programs as its own user.
TEST(Cve, 2015_3188_2021_38294_NoShellAnywhere) {
    const std::regex shell("\\b(system|popen)\\(|/bin/(ba|da)?sh\\b|\"sh\"");
    int files = 0;
    for (const char* const room :
         {"base", "net", "cluster", "nimbus", "supervisor", "worker", "wire", "cli"}) {
        for (const auto& entry :
             fs::recursive_directory_iterator(fs::path(STORM_SOURCE_DIR) / room)) {
            const std::string extension = entry.path().extension().string();
            if (extension != ".cc" && extension != ".h") continue;
            ++files;
            EXPECT_FALSE(std::regex_search(content_of(entry.path()), shell)) << entry.path();
        }
    }
    EXPECT_GT(files, 100);
}

// The requester could name any user.
TEST(Cve, 2017_9799_2018_1331_2018_1332_2026_124496_NobodyNamesAUserInARequest) {
    each_operation([](const std::string& method, const std::string& path, const auto& operation) {
        const std::string text = operation.dump();
        EXPECT_FALSE(std::regex_search(text, std::regex("do_?as_?user|run_?as", std::regex::icase)))
            << method << ' ' << path;
    });
}

// Temporary files that others could read.
TEST(Cve, 2023_43123_FilesUnderWayAreNobodyElsesAndFollowNoLink) {
    const storm::testing::TempDir folder;
    const std::string victim = folder.write("victim", "old");
    ASSERT_EQ(::symlink(victim.c_str(), (folder.path("state") + ".partial").c_str()), 0);

    ASSERT_TRUE(base::write_whole_file(folder.path("state"), "secret", 0600));

    EXPECT_EQ(folder.read("victim"), "old");
    struct stat found {};
    ASSERT_EQ(::lstat(folder.path("state").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0600U);
    EXPECT_TRUE(S_ISREG(found.st_mode));
}

// A caller without authentication became ANONYMOUS.
TEST(Cve, 2026_41081_ThereIsNoAnonymousWhoMay) {
    for (const char* const authorization :
         {"", "Bearer", "Bearer ", "Bearer wrong", "Basic c2VjcmV0", "secret", "Digest",
          "Digest username=\"storm\", response=\"\""}) {
        net::HttpRequest request;
        if (*authorization != '\0') request.headers["authorization"] = authorization;
        for (const net::Tokens& tokens : {net::Tokens{"secret", "peek"}, net::Tokens{"", ""}}) {
            const base::SteadyClock clock;
            net::Doorkeeper door([&] { return tokens; }, clock, "of nonces");
            const auto found = door.recognize(request);
            if (const auto* const caller = std::get_if<net::HttpCaller>(&found)) {
                request.caller = *caller;
            }
            EXPECT_EQ(request.caller.access, net::Access::kOpen) << authorization;
            EXPECT_TRUE(door.refuse_without(net::Access::kRead, request, ""));
            EXPECT_TRUE(door.refuse_without(net::Access::kChange, request, ""));
        }
    }
    Config config;
    config.set("storm.local.hostname", "0.0.0.0");
    EXPECT_FALSE(supervisor::read_settings(config)) << "not beyond this machine unless told";
}

// A tenant deleted what another one had uploaded.
TEST(Cve, 2026_82441_NoRequestDeletesABlob) {
    each_operation([](const std::string& method, const std::string& path, const auto&) {
        EXPECT_FALSE(method == "delete" && path.find("blob") != std::string::npos) << path;
    });
}

// Storm 3.1.0: any page could read the answers with the reader's rights.
TEST(Cve, Storm310_NoOriginIsLetIn) {
    const std::string answer = answer_to("Host: localhost\r\nOrigin: https://evil.example\r\n");

    EXPECT_THAT(answer, HasSubstr("200 OK"));
    EXPECT_THAT(answer, Not(HasSubstr("Access-Control-")));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Frame-Options: DENY\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Security-Policy: default-src 'self'"));
    EXPECT_THAT(answer_to("Host: evil.example\r\n"), Not(HasSubstr("200 OK")));
}

}  // namespace
}  // namespace storm
