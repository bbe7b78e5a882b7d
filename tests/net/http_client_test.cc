// The HTTP client brings answers and files over whole, or says what went wrong. Method: our own
// server, and a listening socket that misbehaves, on ports that the kernel chose.

#include "net/http_client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/http_server.h"
#include "tests/support/local_socket.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace storm::net {
namespace {

using ::testing::HasSubstr;
using tests::Listener;

class HttpClient : public ::testing::Test {
protected:
    std::string path(const std::string& name) const { return dir_.path(name); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name)).rdbuf();
        return text.str();
    }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(dir_.root())) {
            count += entry.exists() ? 1U : 0U;
        }
        return count;
    }

    storm::testing::TempDir dir_;
};

std::unique_ptr<HttpServer> echo_server() {
    auto server = HttpServer::listen(0, [](const HttpRequest& request) {
        if (request.target == "/missing") return HttpResponse::error(404, "none");
        const auto mark = request.headers.find("x-mark");
        return HttpResponse{.body = request.method + ' ' + request.target + ' ' +
                                    (mark == request.headers.end() ? "" : mark->second) +
                                    request.body};
    });
    return std::move(server).value();
}

HttpCall to(std::uint16_t port, std::string method = "GET", std::string target = "/") {
    HttpCall wanted;
    wanted.host = "127.0.0.1";
    wanted.port = port;
    wanted.method = std::move(method);
    wanted.target = std::move(target);
    return wanted;
}

std::string failure(const HttpCall& wanted) {
    const auto response = call(wanted);
    return response ? "answered " + std::to_string(response->status) : response.error().message;
}

TEST_F(HttpClient, SendsHeadersAndBodyAndBringsTheAnswer) {
    const auto server = echo_server();
    HttpCall wanted = to(server->port(), "POST", "/x?y=1");
    wanted.headers = {{"X-Mark", "me"}};
    wanted.body = "body";

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /x?y=1 mebody");
    EXPECT_EQ(response->content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(response->headers.at("cache-control"), "no-store");
}

TEST_F(HttpClient, FindsHostsByName) {
    const auto server = echo_server();
    HttpCall wanted = to(server->port());
    wanted.host = "localhost";

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
}

TEST_F(HttpClient, TakesAnyStatusAsAnAnswer) {
    const auto server = echo_server();

    const auto response = call(to(server->port(), "GET", "/missing"));

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->body, "{\"error\": \"none\"}\n");
}

TEST_F(HttpClient, UploadsAFile) {
    const auto server = echo_server();
    const std::string content(700'000, 'x');
    write("up", content);
    HttpCall wanted = to(server->port(), "PUT", "/f");
    wanted.body_file = path("up");
    std::vector<std::uint64_t> steps;
    wanted.progress = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_EQ(total, content.size());
        steps.push_back(done);
    };

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "PUT /f " + content);
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps.back(), content.size());
}

TEST_F(HttpClient, SavesABodyToAFile) {
    const auto server = echo_server();
    HttpCall wanted = to(server->port(), "PUT", "/f");
    wanted.body.assign(300'000, 'y');
    wanted.save_file = path("down");
    std::uint64_t last = 0;
    wanted.progress = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_EQ(total, 300'007U);
        last = done;
    };

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "");
    EXPECT_EQ(read("down"), "PUT /f " + wanted.body);
    EXPECT_EQ(last, 300'007U);
    EXPECT_EQ(files(), 1U);
}

TEST_F(HttpClient, KeepsTheFileWhenTheAnswerIsAnError) {
    const auto server = echo_server();
    write("down", "before");
    HttpCall wanted = to(server->port(), "GET", "/missing");
    wanted.save_file = path("down");

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "{\"error\": \"none\"}\n");
    EXPECT_EQ(read("down"), "before");
}

TEST_F(HttpClient, LeavesNoHalfFileBehind) {
    const Listener peer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    write("down", "before");
    HttpCall wanted = to(peer.port());
    wanted.save_file = path("down");

    EXPECT_EQ(failure(wanted), "127.0.0.1:" + std::to_string(peer.port()) +
                                   " closed the connection in the middle of its answer");
    EXPECT_EQ(read("down"), "before");
    EXPECT_EQ(files(), 1U);
}

TEST_F(HttpClient, SaysThatItCannotSave) {
    const auto server = echo_server();
    HttpCall wanted = to(server->port());
    wanted.save_file = path("none/down");

    EXPECT_EQ(failure(wanted), "cannot write " + wanted.save_file + ": no such file or directory");
}

TEST_F(HttpClient, SaysThatTheFileToSendIsMissing) {
    HttpCall wanted = to(1);
    wanted.body_file = path("none");

    EXPECT_EQ(failure(wanted), "cannot read " + path("none") + ": no such file or directory");
}

TEST_F(HttpClient, SaysThatNobodyListens) {
    const std::uint16_t port = Listener("").port();

    EXPECT_EQ(failure(to(port)),
              "cannot reach 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST_F(HttpClient, SaysThatAHostHasNoAddress) {
    HttpCall wanted = to(80);
    wanted.host = "no-such-host.invalid";

    EXPECT_TRUE(failure(wanted).starts_with("cannot find host \"no-such-host.invalid\": "))
        << failure(wanted);
}

TEST_F(HttpClient, SaysThatNothingMoves) {
    const Listener peer("", Listener::Then::kStayOpen);
    HttpCall wanted = to(peer.port());
    wanted.timeout = std::chrono::milliseconds(100);

    EXPECT_EQ(failure(wanted),
              "127.0.0.1:" + std::to_string(peer.port()) + " did not go on for 0.1 s");
}

TEST_F(HttpClient, WhoAnswersByteByByteGetsNoMoreThanTheDeadline) {
    const tests::Listening listening = tests::listen_on_loopback(1);
    base::Thread dripping("dripping", [&] {
        const int peer = ::accept(listening.socket, nullptr, nullptr);
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        ::send(peer, head.data(), head.size(), MSG_NOSIGNAL);
        while (::send(peer, "x", 1, MSG_NOSIGNAL) == 1) {
            ::poll(nullptr, 0, 20);
        }
        ::close(peer);
    });
    HttpCall wanted = to(listening.port);
    wanted.timeout = std::chrono::milliseconds(100);
    wanted.deadline = std::chrono::milliseconds(400);

    EXPECT_EQ(failure(wanted),
              "127.0.0.1:" + std::to_string(listening.port) + " was not done within 0.4 s");
    dripping.join();
    ::close(listening.socket);
}

/// A server that trickles its answer, and what a call with these limits says of it.
std::string said_of_trickle(const std::string& head, HttpCall wanted) {
    const Listener peer(head, Listener::Then::kTrickle);
    wanted.host = "127.0.0.1";
    wanted.port = peer.port();
    const base::SteadyClock clock;
    const base::Micros begin = clock.now();
    const auto response = call(wanted);
    EXPECT_LT(clock.now() - begin, 5 * base::kMicrosPerSecond);
    if (response) return "it was done";
    const std::string text = response.error().message;
    return text.substr(text.find(' ') + 1);
}

TEST_F(HttpClient, WhoSendsAFileByteByByteIsGivenUp) {
    HttpCall wanted;
    wanted.save_file = path("saved");
    wanted.file_period = std::chrono::milliseconds(400);
    wanted.file_bytes_min = 100;

    EXPECT_THAT(said_of_trickle("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", wanted),
                ::testing::MatchesRegex("moved [0-9]+ bytes of a file in 0.4 s"));
    EXPECT_FALSE(std::filesystem::exists(path("saved")));
}

TEST_F(HttpClient, AFileThatMovesMayTakeLongerThanAnythingElse) {
    HttpCall wanted;
    wanted.save_file = path("saved");
    wanted.timeout = std::chrono::milliseconds(300);
    wanted.file_period = std::chrono::milliseconds(500);
    wanted.file_bytes_min = 1;

    EXPECT_EQ(said_of_trickle("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n", wanted),
              "it was done")
        << "in 1.8 s";
    wanted.deadline = std::chrono::milliseconds(700);
    EXPECT_EQ(said_of_trickle("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", wanted),
              "was not done within 0.7 s");
}

TEST_F(HttpClient, WhoRefusesAFileByteByByteGetsNoMoreThanTheDeadline) {
    constexpr std::uintmax_t kMoreThanSocketsHold = 64 << 20;
    std::ofstream(path("small")) << "sent";
    std::ofstream(path("large")) << "sent in part";
    std::filesystem::resize_file(path("large"), kMoreThanSocketsHold);
    for (const char* const sent : {"", "small", "large"}) {
        SCOPED_TRACE(sent);
        HttpCall wanted;
        if (*sent != '\0') {
            wanted.method = "PUT";
            wanted.body_file = path(sent);
        } else {
            wanted.save_file = path("saved");
        }
        wanted.timeout = std::chrono::milliseconds(300);

        EXPECT_EQ(said_of_trickle("HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\n", wanted),
                  "was not done within 0.9 s");
    }
}

TEST_F(HttpClient, AFileThatIsTooLargeIsNotSaved) {
    HttpCall wanted;
    wanted.save_file = path("saved");
    wanted.save_bytes_max = 10;

    EXPECT_THAT(said_of_trickle("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", wanted),
                HasSubstr("is too large"));
    EXPECT_THAT(said_of_trickle("HTTP/1.1 200 OK\r\n\r\nmore than ten", wanted),
                HasSubstr("is too large"));
}

TEST(HttpFiles, HaveTheTimeThatASlowLinkNeeds) {
    EXPECT_EQ(file_deadline(0), kHttpFileGrace);
    EXPECT_EQ(file_deadline(10 * kHttpFileBytesPerSecMin),
              kHttpFileGrace + std::chrono::seconds(10));
}

TEST_F(HttpClient, SaysThatThereAreNoDescriptors) {
    if (testing::kSanitized) GTEST_SKIP() << testing::kSanitizersNeedDescriptors;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none = {0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);

    const auto response = call(to(1));

    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().message, "cannot reach 127.0.0.1:1: too many open files");
    EXPECT_TRUE(never_reached(response.error()));
}

TEST_F(HttpClient, SaysThatThePeerClosed) {
    const Listener peer("");

    EXPECT_EQ(failure(to(peer.port())), "127.0.0.1:" + std::to_string(peer.port()) +
                                            " closed the connection before it answered");
}

TEST_F(HttpClient, KnowsWhetherARequestCanHaveBeenSeen) {
    const auto reached = [](const HttpCall& wanted) {
        const auto response = call(wanted);
        EXPECT_FALSE(response);
        return !never_reached(response.error());
    };
    HttpCall nowhere = to(80);
    nowhere.host = "no-such-host.invalid";
    EXPECT_FALSE(reached(nowhere));
    std::uint16_t closed_port = 0;
    {
        const Listener gone("");
        closed_port = gone.port();
    }
    EXPECT_FALSE(reached(to(closed_port)));
    const Listener closing("");
    EXPECT_TRUE(reached(to(closing.port())));
    const Listener silent("", Listener::Then::kStayOpen);
    HttpCall patient = to(silent.port());
    patient.timeout = std::chrono::milliseconds(100);
    EXPECT_TRUE(reached(patient));
}

TEST_F(HttpClient, SaysThatThePeerSpeaksSomethingElse) {
    const Listener peer("220 mail.example ESMTP\r\n\r\n");

    EXPECT_TRUE(failure(to(peer.port())).find(" is not HTTP: ") != std::string::npos)
        << failure(to(peer.port()));
}

TEST_F(HttpClient, ReadsTheAnswerOfAServerThatDoesNotTakeTheBody) {
    const Listener peer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nno go",
                        Listener::Then::kStayOpen);
    write("up", std::string(64U << 20U, 'x'));
    HttpCall wanted = to(peer.port(), "PUT", "/f");
    wanted.body_file = path("up");

    const auto response = call(wanted);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 401);
    EXPECT_EQ(response->body, "no go");
}

}  // namespace
}  // namespace storm::net
