// The token never leaves, one round trip is enough once a nonce is known, and nobody is believed
// who does not know the token. Method: real servers on ports that the kernel chose, good and bad.

#include "net/token_client.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/sha256.h"
#include "base/thread.h"
#include "net/access.h"
#include "net/http_server.h"
#include "net/limits.h"
#include "tests/support/local_socket.h"
#include "tests/support/stopped_clock.h"
#include "tests/support/temp_dir.h"

namespace storm::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Outcome = TokenClient::Outcome;

/// Knows a token, and counts who comes.
class Server {
public:
    explicit Server(const std::string& token)
        : door_(
              [token] {
                  return Tokens{token, ""};
              },
              clock, "of nonces") {
        HttpService service;
        service.recognize = [this](const HttpRequest& head) {
            ++heads;
            if (head.target == "/blob") ++uploads;
            return door_.recognize(head);
        };
        service.intake = [this](const HttpRequest& head) -> HttpIntake {
            auto refused = door_.refuse_without(Access::kChange, head, "");
            if (head.target == "/blob" && !refused) return std::make_unique<Upload>();
            if (refused) return *std::move(refused);
            return HttpIntoMemory{};
        };
        service.answer = [this](const HttpRequest& request, const HttpReply& reply) {
            ++answers;
            if (request.target == "/file") {
                HttpResponse made;
                made.file = "/proc/self/status";
                return reply(std::move(made));
            }
            if (request.target == "/empty") return reply({.status = 204});
            if (request.target == "/none") {
                HttpResponse made = HttpResponse::error(404, "there is none");
                made.headers["X-Storm-Leader"] = "a:1";
                return reply(std::move(made));
            }
            reply({.body = request.body});
        };
        server_ = HttpServer::listen(io_, {}, std::move(service)).value();
        thread_.emplace("server", [this] { io_.run(); });
    }
    ~Server() {
        io_.stop();
        thread_->join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return server_->port(); }

    storm::testing::StoppedClock clock;
    std::atomic<int> heads = 0;
    std::atomic<int> answers = 0;
    std::atomic<int> uploads = 0;

private:
    class Upload final : public HttpUpload {
    public:
        std::optional<HttpResponse> write(std::string_view piece) override {
            hash_.add(piece);
            return std::nullopt;
        }
        void finish(HttpReply reply) override { reply({.body = hash_.hex()}); }

    private:
        base::Sha256 hash_;
    };

    Doorkeeper door_;
    boost::asio::io_context io_{1};
    std::unique_ptr<HttpServer> server_;
    std::optional<base::Thread> thread_;
};

HttpCall to(std::uint16_t port, const std::string& target = "/t", const std::string& body = "x") {
    HttpCall wanted;
    wanted.host = "127.0.0.1";
    wanted.port = port;
    wanted.method = "POST";
    wanted.target = target;
    wanted.body = body;
    return wanted;
}

TEST(TokenClient, AsksForANonceOnceAndThenTakesOneRoundTripEach) {
    Server server("secret");
    TokenClient client;

    for (int i = 1; i <= 5; ++i) {
        const auto answer = client.call(to(server.port(), "/t", "body"), "secret");
        EXPECT_EQ(answer.outcome, Outcome::kAnswered) << answer.why;
        EXPECT_EQ(answer.response.body, "body");
        EXPECT_EQ(server.heads, 1 + i);
        server.clock.advance(kDigestNonceLife / 2);  // A new nonce comes in time.
    }
    server.clock.advance(kDigestNonceLife);
    EXPECT_EQ(client.call(to(server.port()), "secret").outcome, Outcome::kAnswered);
    EXPECT_EQ(server.heads, 6 + 2) << "one was told that its nonce is too old";
    EXPECT_EQ(server.answers, 6);
}

TEST(TokenClient, EmptyAnswersAndHeadsAreProved) {
    Server server("secret");
    TokenClient client;
    const auto empty = client.call(to(server.port(), "/empty"), "secret");
    HttpCall head = to(server.port(), "/t", "");
    head.method = "HEAD";

    EXPECT_EQ(empty.outcome, Outcome::kAnswered) << empty.why;
    EXPECT_EQ(empty.response.status, 204);
    EXPECT_EQ(client.call(head, "secret").outcome, Outcome::kAnswered);
    HttpCall file = to(server.port(), "/file", "");
    file.method = "GET";
    EXPECT_EQ(client.call(file, "secret").outcome, Outcome::kStranger)
        << "the body of a file is not proved";
}

TEST(TokenClient, UploadsAreNotSentToBeRefused) {
    const storm::testing::TempDir dir;
    const std::string content(5'000'000, 'b');
    HttpCall wanted = to(0, "/blob", "");
    wanted.method = "PUT";
    wanted.body_file = dir.write("blob", content);
    wanted.headers[kContentHashHeader] = base::sha256(content);
    Server server("secret");
    wanted.port = server.port();
    TokenClient client;
    client.call(to(server.port()), "secret");
    server.clock.advance(2 * kDigestNonceLife);

    const auto answer = client.call(wanted, "secret");

    EXPECT_EQ(answer.outcome, Outcome::kAnswered) << answer.why;
    EXPECT_EQ(answer.response.body, base::sha256(content));
    EXPECT_EQ(server.uploads, 1) << "it was asked for a nonce first";
}

TEST(TokenClient, AWrongTokenIsToldFromNobody) {
    Server server("secret");

    const auto answer = TokenClient().call(to(server.port()), "wrong");

    EXPECT_EQ(answer.outcome, Outcome::kStranger);
    EXPECT_EQ(answer.response.status, 401);
    EXPECT_THAT(answer.why, AllOf(HasSubstr(std::to_string(server.port())), HasSubstr("token")));
    EXPECT_EQ(server.answers, 0);
    std::uint16_t deaf = 0;
    deaf = Server("x").port();
    EXPECT_EQ(TokenClient().call(to(deaf), "secret").outcome, Outcome::kNotSent);
}

TEST(TokenClient, NeitherListensToNorTellsTheTokenToAListener) {
    for (const std::string answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 204 No Content\r\n\r\n",
          "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n",
          "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
          "realm=\"storm\", qop=\"auth-int\", algorithm=SHA-256, nonce=\"n\", stale=true\r\n\r\n",
          "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
          "realm=\"storm\", qop=\"auth\", algorithm=SHA-256, nonce=\"n\"\r\n\r\n",
          "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
          "realm=\"storm\", qop=\"auth-int\", algorithm=SHA-256, nonce=\"n\"\r\n"
          "Authentication-Info: rspauth=\"0\", qop=auth-int\r\n\r\n"}) {
        const tests::Listener listener(answer);

        const auto got = TokenClient().call(to(listener.port()), "s3cret-token");

        EXPECT_EQ(got.outcome, Outcome::kStranger) << answer;
        EXPECT_THAT(listener.received(),
                    AllOf(HasSubstr("HEAD /health"), Not(HasSubstr("s3cret-token"))))
            << answer;
    }
}

/// Gives each request the nonce of another server, and hands it to `then` once it is proved.
std::unique_ptr<HttpServer> false_server(std::uint16_t real,
                                         std::function<HttpResponse(const HttpRequest&)> then) {
    auto made = HttpServer::listen(0, [real, then = std::move(then)](const HttpRequest& request) {
        if (request.headers.at("authorization") != "Digest") return then(request);
        HttpCall question = to(real, "/health", "");
        question.method = "HEAD";
        question.headers["Authorization"] = "Digest";
        HttpResponse passed;
        passed.status = 401;
        passed.headers["WWW-Authenticate"] = call(question)->headers.at("www-authenticate");
        return passed;
    });
    return std::move(made).value();
}

HttpCall again(const HttpRequest& captured, std::uint16_t port) {
    HttpCall wanted = to(port, captured.target, captured.body);
    wanted.method = captured.method;
    for (const char* name : {"authorization", "storm-content-sha256", "host"}) {
        const auto found = captured.headers.find(name);
        if (found != captured.headers.end()) wanted.headers.insert(*found);
    }
    return wanted;
}

TEST(TokenClient, WhatAFalseServerCapturesIsGoodForItselfOnceAndNothingElse) {
    Server real("secret");
    std::mutex mutex;
    std::vector<HttpRequest> captured;
    const auto liar = false_server(real.port(), [&](const HttpRequest& request) {
        const std::lock_guard lock(mutex);
        captured.push_back(request);
        return HttpResponse{.body = "believe me"};
    });

    const auto answer = TokenClient().call(to(liar->port(), "/t", "body"), "secret");

    EXPECT_EQ(answer.outcome, Outcome::kStranger);
    ASSERT_EQ(captured.size(), 1U);
    HttpCall other_body = again(captured[0], real.port());
    other_body.body = "bodx";
    EXPECT_EQ(call(other_body)->status, 400) << "and its turn is over";
    EXPECT_EQ(real.answers, 0);
    TokenClient().call(to(liar->port(), "/t", "body"), "secret");
    HttpCall other_target = again(captured[1], real.port());
    other_target.target = "/x";
    EXPECT_EQ(call(other_target)->status, 401);
    HttpCall other_host = again(captured[1], real.port());
    other_host.headers["host"] = "127.0.0.1:" + std::to_string(real.port());
    EXPECT_EQ(call(other_host)->status, 401);
    EXPECT_EQ(real.answers, 0);

    EXPECT_EQ(call(again(captured[1], real.port()))->status, 200) << "only what was asked for";
    EXPECT_EQ(call(again(captured[1], real.port()))->status, 401);
    EXPECT_EQ(real.answers, 1);
}

/// Passes everything on to a real one, and changes what comes back.
std::unique_ptr<HttpServer> changing(std::uint16_t real,
                                     std::function<void(HttpResponse&)> change) {
    return false_server(real, [real, change = std::move(change)](const HttpRequest& request) {
        HttpResponse passed = *call(again(request, real));
        for (const char* const own : {"connection", "content-length"}) passed.headers.erase(own);
        change(passed);
        return passed;
    });
}

TEST(TokenClient, AnAnswerThatWasChangedOnItsWayIsNotBelieved) {
    Server real("secret");
    const auto outcome = [&](std::function<void(HttpResponse&)> change,
                             const std::string& target = "/t") {
        const auto liar = changing(real.port(), std::move(change));
        return TokenClient().call(to(liar->port(), target), "secret").outcome;
    };
    using Response = HttpResponse;

    EXPECT_EQ(outcome([](Response&) {}), Outcome::kAnswered)
        << "who passes on faithfully is not noticed";
    EXPECT_EQ(outcome([](Response& it) { it.headers["x-other"] = "x"; }), Outcome::kAnswered);
    EXPECT_EQ(outcome([](Response& it) { it.body += '!'; }), Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.status = 404; }), Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.status = 200; }, "/none"), Outcome::kStranger);
    EXPECT_EQ(outcome([](Response&) {}, "/none"), Outcome::kAnswered);
    EXPECT_EQ(outcome([](Response& it) { it.headers["x-storm-leader"] = "evil:1"; }, "/none"),
              Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.headers.erase("x-storm-leader"); }, "/none"),
              Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.headers["x-storm-size"] = "1"; }), Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.headers.erase("storm-answer-proof"); }),
              Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.headers.erase("authentication-info"); }),
              Outcome::kStranger);
    EXPECT_EQ(outcome([](Response& it) { it.headers["storm-answer-proof"].back() ^= 1; }),
              Outcome::kStranger);
}

TEST(TokenClient, SaysWhetherTheTokenOrTheStatusIsNotProved) {
    Server real("secret");
    const auto why = [&real](const char* header) {
        const auto liar =
            changing(real.port(), [&](HttpResponse& it) { it.headers.erase(header); });
        return TokenClient().call(to(liar->port(), "/none"), "secret").why;
    };

    EXPECT_THAT(why("authentication-info"),
                HasSubstr("answers with status 404, but does not show that it knows the token"));
    EXPECT_THAT(why("storm-answer-proof"),
                HasSubstr("answers with status 404, but does not prove that status"));
    const auto liar = changing(real.port(), [](HttpResponse& it) {
        std::string& info = it.headers["authentication-info"];
        const std::size_t proof = info.find("rspauth=\"") + 9;
        info[proof] = info[proof] == '0' ? '1' : '0';
    });
    EXPECT_THAT(TokenClient().call(to(liar->port()), "secret").why,
                HasSubstr("does not show that it knows the token"));
}

TEST(TokenClient, TheStatusOfAHeadIsProved) {
    Server real("secret");
    int status = 0;
    const auto liar = changing(real.port(), [&status](HttpResponse& passed) {
        if (status != 0) passed.status = status;
    });
    const auto ask = [&liar](const std::string& target) {
        HttpCall head = to(liar->port(), target, "");
        head.method = "HEAD";
        return TokenClient().call(head, "secret");
    };

    EXPECT_EQ(ask("/t").response.status, 200);
    EXPECT_EQ(ask("/file").response.status, 200);
    EXPECT_EQ(ask("/none").response.status, 404);
    EXPECT_EQ(ask("/none").outcome, Outcome::kAnswered);
    status = 404;
    EXPECT_EQ(ask("/t").outcome, Outcome::kStranger);
    EXPECT_EQ(ask("/file").outcome, Outcome::kStranger);
    status = 200;
    EXPECT_EQ(ask("/none").outcome, Outcome::kStranger);
}

TEST(TokenClient, TheProofOfOneAnswerIsNotThatOfAnother) {
    Server real("secret");
    std::string kept;
    const auto liar = changing(real.port(), [&kept](HttpResponse& passed) {
        std::string& proof = passed.headers["storm-answer-proof"];
        if (kept.empty()) kept = proof;
        proof = kept;
    });
    TokenClient client;

    EXPECT_EQ(client.call(to(liar->port()), "secret").outcome, Outcome::kAnswered);
    EXPECT_EQ(client.call(to(liar->port()), "secret").outcome, Outcome::kStranger);
}

}  // namespace
}  // namespace storm::net
