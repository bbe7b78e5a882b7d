// A Nimbus for tests of the command line: answers as it is told, and remembers what it was asked.
//
// Threads: the server's writes `requests`; read it between two calls.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <storm/config.h>

#include "base/clock.h"
#include "cli/json.h"
#include "net/access.h"
#include "net/http_server.h"

namespace storm::cli {

inline net::HttpResponse json_response(int status, const Json& json) {
    net::HttpResponse response;
    response.status = status;
    response.content_type = "application/json";
    response.body = json.dump();
    return response;
}

class FakeNimbus {
public:
    using Answer = std::function<net::HttpResponse(const net::HttpRequest&)>;

    /// Given a token, it proves that it knows it; other callers are answered as well.
    explicit FakeNimbus(Answer answer, const std::string& token = "")
        : answer_(std::move(answer)),
          door_(
              [token] {
                  return net::Tokens{token, ""};
              },
              clock_, "of nonces") {
        auto server = net::HttpServer::listen(
            0,
            [this](const net::HttpRequest& request) {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
                return answer_(request);
            },
            [this](const net::HttpRequest& head) { return door_.recognize(head); });
        server_ = std::move(server).value();
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
    std::uint16_t port() const { return server_->port(); }
    std::string url() const { return "http://" + address(); }
    Config config() const {
        Config config;
        config.set("nimbus.seeds", "[\"" + address() + "\"]");
        config.set("storm.local.dir", "/nonexistent");
        return config;
    }
    std::vector<net::HttpRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    /// "GET /health", each.
    std::vector<std::string> asked() const {
        std::vector<std::string> asked;
        for (const net::HttpRequest& request : requests()) {
            asked.push_back(request.method + ' ' + request.target);
        }
        return asked;
    }

private:
    mutable std::mutex mutex_;
    const Answer answer_;
    const base::SteadyClock clock_;
    net::Doorkeeper door_;
    std::vector<net::HttpRequest> requests_;
    std::unique_ptr<net::HttpServer> server_;  // Last: its thread uses the others.
};

/// A port where nobody listens.
inline std::string deaf_address() {
    return FakeNimbus([](const net::HttpRequest&) { return net::HttpResponse(); }).address();
}

}  // namespace storm::cli
