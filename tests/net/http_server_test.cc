// The HTTP server answers what it should and nothing else, in the face of large, malformed and
// foreign requests. Method: raw bytes through a blocking socket on a port that the kernel chose.

#include "net/http_server.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/limits.h"
#include "tests/support/local_socket.h"

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

TEST(HttpServer, LetsConnectionsBeyondTheLimitWait) {
    const auto server = echo_server();
    std::vector<std::unique_ptr<Client>> idle;
    for (std::size_t i = 0; i < kHttpConnectionsMax; ++i) {
        idle.push_back(std::make_unique<Client>(server->port()));
    }
    const Client late(server->port());
    late.send("GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");

    idle.pop_back();

    EXPECT_NE(late.receive_until("|").find("GET /late"), std::string::npos);
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

}  // namespace
}  // namespace storm::net
