#include "net/http_server.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"
#include "base/thread.h"
#include "net/limits.h"

namespace storm::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

std::string text(beast::string_view view) {
    return {view.data(), view.size()};
}

std::string lower_case(std::string lowered) {
    for (char& letter : lowered) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lowered;
}

bool is_own_host(std::string_view host) {
    const std::string_view name = host.substr(0, host.rfind(':'));
    return name == "127.0.0.1" || name == "localhost";
}

HttpRequest plain(const http::request<http::string_body>& request) {
    HttpRequest made{text(request.method_string()), text(request.target()), {}, request.body()};
    for (const auto& field : request) {
        made.headers.insert_or_assign(lower_case(text(field.name_string())), text(field.value()));
    }
    return made;
}

}  // namespace

struct HttpServer::State {
    explicit State(HttpHandler given) : handler(std::move(given)) {}

    void accept();
    void accepted(error_code error, tcp::socket socket);
    void disconnected();
    HttpResponse answer(const HttpRequest& request) const;

    const HttpHandler handler;
    // Before `io`, which takes the last connections with it.
    std::size_t connections = 0;
    bool closing = false;
    bool accepting = false;
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    asio::steady_timer pause{io};
    std::optional<base::Thread> thread;
};

/// Reads, answers, and reads again. Owned by the callback that it waits for.
class HttpServer::Connection final : public std::enable_shared_from_this<Connection> {
public:
    Connection(State& state, tcp::socket socket) : state_(state), stream_(std::move(socket)) {
        ++state_.connections;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { state_.disconnected(); }

    void read() {
        parser_.emplace();
        parser_->header_limit(kHttpHeaderBytesMax);
        parser_->body_limit(kHttpBodyBytesMax);
        stream_.expires_after(kHttpRequestTimeout);
        http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, std::size_t) { self->was_read(error); });
    }

private:
    void was_read(error_code error) {
        if (error == http::error::header_limit || error == http::error::body_limit) {
            return write(HttpResponse::error(413, "the request is too large"), false);
        }
        if (error.category() == http::make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message) {
            return write(HttpResponse::error(400, error.message()), false);
        }
        if (error) return;  // Gone, or too slow.
        const HttpRequest request = plain(parser_->get());
        const auto host = request.headers.find("host");
        if (host == request.headers.end() || !is_own_host(host->second)) {
            return write(HttpResponse::error(403, "Host must be 127.0.0.1 or localhost"), false);
        }
        write(state_.answer(request), parser_->get().keep_alive());
    }

    void write(HttpResponse given, bool keep_alive) {
        response_ = {static_cast<http::status>(given.status), 11};
        response_.set(http::field::content_type, given.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.set("X-Content-Type-Options", "nosniff");
        response_.keep_alive(keep_alive);
        response_.body() = std::move(given.body);
        response_.prepare_payload();
        stream_.expires_after(kHttpResponseTimeout);
        http::async_write(stream_, response_,
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (!error && self->response_.keep_alive()) return self->read();
                              self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
                          });
    }

    State& state_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{kHttpHeaderBytesMax + kHttpBodyBytesMax};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

void HttpServer::State::accept() {
    if (accepting || connections >= kHttpConnectionsMax) return;
    accepting = true;
    acceptor.async_accept(
        [this](error_code error, tcp::socket socket) { accepted(error, std::move(socket)); });
}

void HttpServer::State::accepted(error_code error, tcp::socket socket) {
    accepting = false;
    if (error == asio::error::operation_aborted) return;
    if (!error) {
        std::make_shared<Connection>(*this, std::move(socket))->read();
        return accept();
    }
    pause.expires_after(kHttpAcceptPause);
    pause.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
    });
}

void HttpServer::State::disconnected() {
    --connections;
    if (!closing) accept();
}

HttpResponse HttpServer::State::answer(const HttpRequest& request) const {
    try {
        return handler(request);
    } catch (const std::exception& error) {
        base::log::error("cannot answer a request",
                         {{"target", request.target}, {"why", error.what()}});
        return HttpResponse::error(500, "internal error");
    }
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(std::uint16_t port,
                                                             HttpHandler handler) {
    auto state = std::make_unique<State>(std::move(handler));
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    error_code error;
    state->acceptor.open(endpoint.protocol(), error);
    if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) state->acceptor.bind(endpoint, error);
    if (!error) state->acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
        return base::Error{"cannot listen on 127.0.0.1:" + std::to_string(port) + ": " +
                           lower_case(error.message())};
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {
    state_->accept();
    state_->thread.emplace("http", [running = state_.get()] { running->io.run(); });
}

HttpServer::~HttpServer() {
    state_->io.stop();
    state_->thread->join();
    state_->closing = true;
}

std::uint16_t HttpServer::port() const {
    return state_->acceptor.local_endpoint().port();
}

}  // namespace storm::net
