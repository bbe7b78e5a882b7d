// The HTTP server answers what it should and nothing else, in the face of large, malformed and
// foreign requests. Method: raw bytes through a blocking socket on a port that the kernel chose.

#include "net/http_server.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/thread.h"
#include "net/limits.h"
#include "tests/support/local_socket.h"
#include "tests/support/resident.h"
#include "tests/support/sanitized.h"

namespace storm::net {
namespace {

using Client = tests::RawClient;

std::unique_ptr<HttpServer> echo_server() {
    auto server = HttpServer::listen(0, [](const HttpRequest& request) {
        if (request.target == "/throw") throw std::runtime_error("on purpose");
        const auto agent = request.headers.find("user-agent");
        return HttpResponse{.body = request.method + ' ' + request.target + ' ' + request.body +
                                    (agent == request.headers.end() ? "" : agent->second) + '|'};
    });
    return std::move(server).value();
}

std::string answer_to(const std::string& request) {
    const auto server = echo_server();
    const Client client(server->port());
    client.send(request);
    return client.receive_all();
}

TEST(HttpServer, AnswersWithWhatTheHandlerReturns) {
    const std::string answer = answer_to(
        "POST /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: me\r\nConnection: close\r\n"
        "Content-Length: 4\r\n\r\nbody");

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nPOST /x?y=1 bodyme|")) << answer;
}

TEST(HttpServer, KeepsAConnectionForMoreRequests) {
    const auto server = echo_server();
    const Client client(server->port());

    client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(client.receive_until("|").find("GET /a"), std::string::npos);
    client.send("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(client.receive_until("|").find("GET /b"), std::string::npos);
}

TEST(HttpServer, RefusesAnotherHost) {
    for (const std::string host :
         {"Host: evil.example\r\n", "Host: 127.0.0.1.evil.example:80\r\n", "Host: \r\n", ""}) {
        const std::string answer = answer_to("GET / HTTP/1.1\r\n" + host + "\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << host << answer;
    }
}

// Else who relays a request could have it answered under an address that is not asked.
TEST(HttpServer, RefusesATargetThatNamesAnotherHost) {
    EXPECT_TRUE(answer_to("GET http://evil:9999/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    .starts_with("HTTP/1.1 400 "));
}

TEST(HttpServer, RefusesWhatIsNoRequest) {
    EXPECT_TRUE(answer_to("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST(HttpServer, RefusesHeadersThatAreTooLarge) {
    const std::string filler(kHttpHeaderBytesMax, 'x');
    const std::string answer =
        answer_to("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + filler + "\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST(HttpServer, RefusesABodyThatIsTooLarge) {
    const std::string answer = answer_to("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                                         std::to_string(kHttpBodyBytesMax + 1) + "\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST(HttpServer, SurvivesAHandlerThatThrows) {
    const std::string answer =
        answer_to("GET /throw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("on purpose"), std::string::npos);
}

TEST(HttpServer, AThousandSilentStrangersKeepNobodyOut) {
    const auto server = echo_server();
    const Client early(server->port());
    std::vector<std::unique_ptr<Client>> silent;
    const auto add_strangers = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            silent.push_back(std::make_unique<Client>(server->port()));
            if (i % 2 == 0) silent.back()->send("GET /half HTTP/1.1\r\nHo");
        }
    };
    // Fewer at once than there is room for, so that it is not the most silent itself.
    for (int i = 0; i < 5; ++i) {
        add_strangers(kHttpConnectionsMax / 2);
        // It is accepted behind them. Otherwise a busy server might take some of them for less
        // silent than the one that asks now.
        const Client last(server->port());
        last.send("GET /last HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_NE(last.receive_until("|").find("GET /last"), std::string::npos);
        early.send("GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_NE(early.receive_until("|").find("GET /early"), std::string::npos);
    }
    add_strangers(1'000);

    const Client late(server->port());
    late.send("GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");

    EXPECT_NE(late.receive_until("|").find("GET /late"), std::string::npos);
}

TEST(HttpServer, HostileStrangersTakeLittleMemory) {
    if (storm::testing::kSanitized) GTEST_SKIP() << "a sanitizer keeps what is freed";
    const auto server = echo_server();
    const std::vector<std::string> requests{
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(kHttpHeaderBytesMax - 100, 'x'),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n" +
            std::string(20'000, 'x'),
        "nonsense\r\n\r\n",
    };
    std::vector<std::unique_ptr<Client>> strangers;
    const std::int64_t before = storm::testing::resident_bytes();

    for (std::size_t i = 0; i < 2 * kHttpConnectionsMax; ++i) {
        strangers.push_back(std::make_unique<Client>(server->port()));
        strangers.back()->send(requests[i % requests.size()]);
    }
    const Client last(server->port());
    last.send("GET /last HTTP/1.1\r\nHost: localhost\r\n\r\n");

    EXPECT_NE(last.receive_until("|").find("GET /last"), std::string::npos);
    EXPECT_LT(storm::testing::resident_bytes(), before + 5'000'000);
}

TEST(HttpServer, Cve2026_82435_RefusesTheBodyOfAGetUnread) {
    for (const std::string body :
         {"Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"}) {
        const std::string answer =
            answer_to("GET / HTTP/1.1\r\nHost: localhost\r\n" + body + "\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
        EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    }
}

TEST(HttpServer, Cve2026_82435_ReadsNoBodyThatNothingTakes) {
    boost::asio::io_context io;
    HttpService service;
    service.answer = [](const HttpRequest&, const HttpReply& reply) { reply(HttpResponse{}); };
    const auto server = HttpServer::listen(io, {}, std::move(service)).value();
    base::Thread loop("http", [&io] { io.run(); });
    const tests::RawClient client(server->port());

    client.send("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    const std::string answer = client.receive_all();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    io.stop();
    loop.join();
}

TEST(HttpServer, RefusesATransferCodingThatItDoesNotKnow) {
    const std::string answer = answer_to(
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 501 ")) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << "the rest is not a request";
}

TEST(HttpServer, SaysWhenItsPortIsTaken) {
    const auto first = echo_server();

    const auto second =
        HttpServer::listen(first->port(), [](const HttpRequest&) { return HttpResponse{}; });

    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(
        second.error().message,
        "cannot listen on 127.0.0.1:" + std::to_string(first->port()) + ": address already in use");
}

TEST(HttpServer, EndsWhileConnectionsAreOpen) {
    auto server = echo_server();
    const Client client(server->port());
    client.send("GET / HTTP/1.1\r\nHo");

    server.reset();

    EXPECT_EQ(client.receive_all(), "");
}

/// Keeps an upload in memory; refuses at "stop".
class Kept final : public HttpUpload {
public:
    std::optional<HttpResponse> write(std::string_view piece) override {
        text_ += piece;
        if (text_.find("stop") == std::string::npos) return std::nullopt;
        return HttpResponse::error(507, "no more space");
    }
    void finish(HttpReply reply) override {
        reply({.body = std::to_string(text_.size()) + ' ' + text_.substr(0, 10)});
    }

private:
    std::string text_;
};

/// Answers on the io_context's own thread; /later only when the next request has come.
class AsyncServer {
public:
    explicit AsyncServer(HttpAddress address = {}) {
        HttpService service;
        service.intake = [](const HttpRequest& head) -> HttpIntake {
            if (head.target == "/refused") return HttpResponse::error(401, "who are you?");
            if (head.target == "/upload") return std::make_unique<Kept>();
            return HttpIntoMemory{};
        };
        service.answer = [this](const HttpRequest& request, HttpReply reply) {
            if (request.target == "/file") {
                HttpResponse made;
                made.file = STORM_SOURCE_DIR "/net/limits.h";
                return reply(std::move(made));
            }
            if (request.target == "/dropped") return;
            if (request.target == "/later") {
                later_ = std::move(reply);
                return;
            }
            if (later_) later_({.body = "late|"});
            reply({.body = "ok|", .headers = {{"X-Extra", "yes"}}});
        };
        server_ = HttpServer::listen(io_, address, std::move(service)).value();
        thread_.emplace("io", [this] { io_.run(); });
    }
    AsyncServer(const AsyncServer&) = delete;
    AsyncServer& operator=(const AsyncServer&) = delete;
    ~AsyncServer() {
        io_.stop();
        thread_->join();
    }

    std::uint16_t port() const { return server_->port(); }
    std::string answer_to(const std::string& request) const {
        const Client client(port());
        client.send(request);
        return client.receive_all();
    }

private:
    boost::asio::io_context io_;
    std::unique_ptr<HttpServer> server_;
    HttpReply later_;
    std::optional<base::Thread> thread_;
};

const std::string kEnd = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";

TEST(HttpServer, OnAnotherLoopAddsHeaders) {
    const std::string answer = AsyncServer().answer_to("GET /" + kEnd + "\r\n");

    EXPECT_NE(answer.find("\r\nX-Extra: yes\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nok|")) << answer;
}

TEST(HttpServer, AnswersOneWhileAnotherWaits) {
    const AsyncServer server;
    const Client waiting(server.port());
    waiting.send("GET /later" + kEnd + "\r\n");
    // Its request has arrived once a later one on another connection is answered, or that one
    // came first; then a second one brings it.
    std::string late;
    for (int tries = 0; late.empty() && tries < 100; ++tries) {
        EXPECT_TRUE(server.answer_to("GET /" + kEnd + "\r\n").ends_with("ok|"));
        late = waiting.receive_now();
    }

    EXPECT_NE((late + waiting.receive_all()).find("late|"), std::string::npos);
}

TEST(HttpServer, ClosesWhenTheAnswerIsDropped) {
    EXPECT_EQ(AsyncServer().answer_to("GET /dropped" + kEnd + "\r\n"), "");
}

TEST(HttpServer, SendsAFile) {
    const std::string answer = AsyncServer().answer_to("GET /file" + kEnd + "\r\n");

    EXPECT_TRUE(answer.ends_with("}  // namespace storm::net\n")) << answer;
}

TEST(HttpServer, SendsOnlyTheSizeOfAFileToHead) {
    const std::string answer = AsyncServer().answer_to("HEAD /file" + kEnd + "\r\n");

    EXPECT_NE(answer.find("\r\nContent-Length: "), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, StreamsAnUploadThatIsTooLargeForMemory) {
    const std::string content(3 * kHttpBodyBytesMax, 'u');

    const std::string answer = AsyncServer().answer_to(
        "PUT /upload" + kEnd + "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" +
        content);

    EXPECT_TRUE(answer.ends_with("\r\n\r\n3145728 uuuuuuuuuu")) << answer;
}

TEST(HttpServer, StreamsAnUploadInChunks) {
    const std::string answer = AsyncServer().answer_to(
        "PUT /upload" + kEnd +
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");

    EXPECT_TRUE(answer.ends_with("\r\n\r\n7 abcdefg")) << answer;
}

TEST(HttpServer, InvitesAClientThatAsksFirst) {
    const AsyncServer server;
    const Client client(server.port());
    client.send("PUT /upload" + kEnd + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");

    client.send("body");

    EXPECT_TRUE(client.receive_all().ends_with("4 body"));
}

TEST(HttpServer, RefusesABodyUnreadAndTheRefusalArrives) {
    const std::string content(kHttpLingerBytesMax / 2, 'u');
    for (const std::string target : {"/refused", "/upload"}) {
        const std::string answer = AsyncServer().answer_to(
            "PUT " + target + kEnd + "Content-Length: " + std::to_string(content.size()) +
            "\r\n\r\nstop" + content.substr(4));
        EXPECT_TRUE(answer.starts_with(target == "/refused" ? "HTTP/1.1 401 " : "HTTP/1.1 507 "))
            << answer;
    }
}

TEST(HttpServer, RefusesAnUploadThatIsTooLarge) {
    const std::string answer = AsyncServer().answer_to(
        "PUT /upload" + kEnd + "Content-Length: " + std::to_string(kHttpFileBytesMax + 1) +
        "\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST(HttpServer, WillNotListenBeyondTheMachineUnlessTold) {
    boost::asio::io_context io;
    HttpAddress address;
    address.host = "0.0.0.0";

    const auto refused = HttpServer::listen(io, address, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(refused.error().message.starts_with("will not listen on 0.0.0.0:0: other machines"))
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("storm.insecure"), std::string::npos);

    address.host = "192.0.2.1";  // For documents: no machine has it.
    address.beyond_loopback = true;
    const auto allowed = HttpServer::listen(io, address, {});
    EXPECT_TRUE(allowed.error().message.starts_with("cannot listen on 192.0.2.1:0"))
        << allowed.error().message;
}

TEST(HttpServer, WillNotListenOnAnAddressThatNobodyCanReach) {
    for (const char* const host : {"0.0.0.0", "::"}) {
        boost::asio::io_context io;
        HttpAddress address;
        address.host = host;
        address.beyond_loopback = true;
        const auto server = HttpServer::listen(io, address, {});
        ASSERT_FALSE(server.has_value());
        EXPECT_NE(server.error().message.find("storm.local.hostname"), std::string::npos);
    }
}

TEST(HttpServer, AnswersToTheNameThatItWasTold) {
    HttpAddress address;
    address.host = "127.1";
    const AsyncServer server(address);

    EXPECT_TRUE(server.answer_to("GET / HTTP/1.1\r\nHost: 127.1:80\r\nConnection: close\r\n\r\n")
                    .ends_with("ok|"));
    EXPECT_TRUE(server.answer_to("GET / HTTP/1.1\r\nHost: 127.2:80\r\nConnection: close\r\n\r\n")
                    .starts_with("HTTP/1.1 403 "));
}

TEST(HttpServer, RefusesTwoHosts) {
    EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n")
                    .starts_with("HTTP/1.1 403 "));
}

}  // namespace
}  // namespace storm::net
