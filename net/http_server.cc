#include "net/http_server.h"

#include <algorithm>
#include <set>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/thread.h"
#include "net/address.h"
#include "net/close_on_exec.h"
#include "net/http_connection.h"
#include "net/limits.h"
#include "net/lower_case.h"

namespace storm::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// "[::1]:80" becomes "::1".
std::string without_port(std::string_view host) {
    if (host.starts_with('[')) return lower_case(std::string(host.substr(1, host.find(']') - 1)));
    return lower_case(std::string(host.substr(0, host.rfind(':'))));
}

}  // namespace

struct HttpServer::OwnThread {
    asio::io_context io{1};
    std::optional<base::Thread> thread;
};

struct HttpServer::State final : HttpHost, std::enable_shared_from_this<State> {
    State(asio::io_context& given_io, HttpService given)
        : HttpHost(std::move(given)), acceptor(given_io), pause(given_io) {}

    void opened(HttpConnection& connection) override { connections.insert(&connection); }
    void closed(HttpConnection& connection) override {
        connections.erase(&connection);
        if (!closing) accept();
    }
    bool is_own_host(std::string_view host) const override;

    base::Result<base::Done> bind(const HttpAddress& address);
    void accept();
    void accepted(error_code error, tcp::socket socket);
    void close();
    void close_the_most_silent(const HttpConnection& but);

    std::vector<std::string> names{"127.0.0.1", "::1", "localhost"};
    std::set<HttpConnection*> connections;
    bool closing = false;
    bool accepting = false;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
};

base::Result<base::Done> HttpServer::State::bind(const HttpAddress& address) {
    const std::string where = to_string(Address{address.host, address.port});
    error_code error;
    tcp::resolver resolver(acceptor.get_executor());
    const auto found =
        resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
    if (error || found.empty()) {
        return base::Error{"cannot listen on " + where + ": " + lower_case(error.message())};
    }
    const tcp::endpoint endpoint = found.begin()->endpoint();
    if (!endpoint.address().is_loopback() && !address.beyond_loopback) {
        return base::Error{
            "will not listen on " + where +
            ": other machines reach that address, and without TLS "
            "whoever does can read what is sent and run programs here; set storm.local.hostname to "
            "127.0.0.1, or storm.insecure to true to accept that"};
    }
    if (endpoint.address().is_unspecified()) {
        return base::Error{"will not listen on " + where +
                           ": others are told this address, and cannot reach it; set "
                           "storm.local.hostname to the name or address of this host"};
    }
    names.push_back(lower_case(address.host));
    names.push_back(endpoint.address().to_string());
    acceptor.open(endpoint.protocol(), error);
    if (!error) close_on_exec(acceptor);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
        return base::Error{"cannot listen on " + where + ": " + lower_case(error.message())};
    }
    return base::Done{};
}

/// Against pages of foreign names that resolve to this address. The port is not compared: tunnels
/// and containers have others.
bool HttpServer::State::is_own_host(std::string_view host) const {
    return std::find(names.begin(), names.end(), without_port(host)) != names.end();
}

void HttpServer::State::accept() {
    // One more than may stay is taken, so that it can displace the most silent.
    if (accepting || connections.size() > kHttpConnectionsMax) return;
    accepting = true;
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
        self->accepted(error, std::move(socket));
    });
}

void HttpServer::State::accepted(error_code error, tcp::socket socket) {
    accepting = false;
    if (closing || error == asio::error::operation_aborted) return;
    if (!error) {
        error_code ignored;
        close_on_exec(socket);
        socket.set_option(tcp::no_delay(true), ignored);
        const auto added = serve_http(shared_from_this(), std::move(socket));
        if (connections.size() > kHttpConnectionsMax) close_the_most_silent(*added);
        return accept();
    }
    pause.expires_after(kHttpAcceptPause);
    pause.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled && !self->closing) self->accept();
    });
}

// So that nobody can keep others out by opening connections and saying nothing.
void HttpServer::State::close_the_most_silent(const HttpConnection& but) {
    HttpConnection* found = nullptr;
    for (HttpConnection* const connection : connections) {
        if (connection == &but || !connection->silent_since()) continue;
        if (found == nullptr || *connection->silent_since() < *found->silent_since())
            found = connection;
    }
    if (found != nullptr) found->close();
}

void HttpServer::State::close() {
    closing = true;
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    for (HttpConnection* const connection : connections) connection->close();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(std::uint16_t port,
                                                             HttpHandler handler,
                                                             HttpRecognize recognize) {
    auto own = std::make_unique<OwnThread>();
    HttpService service;
    service.recognize = std::move(recognize);
    service.intake = [](const HttpRequest&) { return HttpIntoMemory{}; };
    service.answer = [handler = std::move(handler)](const HttpRequest& request,
                                                    const HttpReply& reply) {
        reply(handler(request));
    };
    auto state = std::make_shared<State>(own->io, std::move(service));
    HttpAddress address;
    address.port = port;
    if (const auto bound = state->bind(address); !bound) return bound.error();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(own), std::move(state)));
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io,
                                                             const HttpAddress& address,
                                                             HttpService service) {
    auto state = std::make_shared<State>(io, std::move(service));
    if (const auto bound = state->bind(address); !bound) return bound.error();
    return std::unique_ptr<HttpServer>(new HttpServer(nullptr, std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<OwnThread> own, std::shared_ptr<State> state)
    : own_(std::move(own)), state_(std::move(state)) {
    state_->accept();
    if (own_) own_->thread.emplace("http", [running = own_.get()] { running->io.run(); });
}

HttpServer::~HttpServer() {
    if (own_) {
        own_->io.stop();
        own_->thread->join();
    }
    state_->close();
    if (own_) {
        own_->io.restart();
        own_->io.poll();  // Runs the last handlers, which end the connections.
    }
}

std::uint16_t HttpServer::port() const {
    return state_->acceptor.local_endpoint().port();
}

}  // namespace storm::net
