#include "net/http_connection.h"

#include <exception>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"
#include "base/sha256.h"
#include "net/answer_proof.h"
#include "net/limits.h"
#include "net/lower_case.h"

namespace storm::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Steady = std::chrono::steady_clock;

std::string text(beast::string_view view) {
    return {view.data(), view.size()};
}

HttpRequest plain(const http::request_header<>& head) {
    HttpRequest made;
    made.method = text(head.method_string());
    made.target = text(head.target());
    for (const auto& field : head) {
        made.headers.insert_or_assign(lower_case(text(field.name_string())), text(field.value()));
    }
    return made;
}

template <typename Call>
/// For bugs, and for want of memory: they cost one request, not the daemon with all that it
/// watches.
std::optional<HttpResponse> guarded(const std::string& target, const Call& call) {
    try {
        call();
        return std::nullopt;
    } catch (const std::exception& error) {
        base::log::error("cannot answer a request", {{"target", target}, {"why", error.what()}});
        return HttpResponse::error(500, "internal error");
    }
}

/// Reads, answers, and reads again. Owned by the callback, or the reply, that it waits for.
class Connection final : public HttpConnection, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<HttpHost> host, tcp::socket socket)
        : host_(std::move(host)), stream_(std::move(socket)) {
        host_->opened(*this);
    }
    ~Connection() override { host_->closed(*this); }

    void close() override { stream_.close(); }
    std::optional<Steady::time_point> silent_since() const override {
        if (!answered_) return std::nullopt;
        return active_;
    }

    void read() {
        active_ = Steady::now();
        upload_.reset();
        in_memory_.reset();
        in_pieces_.reset();
        request_read_ = false;
        receipt_.reset();
        head_.emplace();
        head_->header_limit(kHttpHeaderBytesMax);
        // For now the larger of the limits: which one holds is known after intake().
        head_->body_limit(kHttpFileBytesMax);
        stream_.expires_after(kHttpRequestTimeout);
        http::async_read_header(
            stream_, buffer_, *head_,
            [self = shared_from_this()](error_code error, std::size_t) { self->read_head(error); });
    }

private:
    /// All that can be refused by the head is refused here, before a byte of the body is kept. The
    /// Host first: a page of somebody else's name that resolves to us could make a browser ask.
    void read_head(error_code error) {
        if (error) return broken(error);
        const auto& head = head_->get();
        keep_alive_ = head.keep_alive();
        is_head_ = head.method() == http::verb::head;
        request_ = plain(head);
        if (head.count(http::field::host) != 1 || !host_->is_own_host(request_.headers["host"])) {
            return write(HttpResponse::error(
                403, "the request's Host is not a name of this server",
                "use the address in storm.local.hostname, or 127.0.0.1 on the same machine"));
        }
        if (head.count(http::field::transfer_encoding) != 0 && !head_->chunked()) {
            return write(HttpResponse::error(501, "chunked is the only transfer coding supported"));
        }
        const bool has_body = head_->chunked() || head_->content_length().value_or(0) > 0;
        if (has_body && (is_head_ || head.method() == http::verb::get)) {
            return write(HttpResponse::error(400, "a " + request_.method + " takes no body"));
        }
        if (has_body && !host_->service.intake) {
            return write(HttpResponse::error(413, "no request here takes a body"));
        }
        // Callers prove target and address. A target in absolute form could name another server.
        if (!request_.target.starts_with('/')) {
            return write(HttpResponse::error(400, "the target does not begin with '/'"));
        }
        if (auto refused = recognize()) return write(std::move(*refused));
        HttpIntake intake;
        if (auto failed = guarded(request_.target, [&] {
                if (host_->service.intake) intake = host_->service.intake(request_);
            })) {
            return write(std::move(*failed));
        }
        if (auto* refused = std::get_if<HttpResponse>(&intake)) return write(std::move(*refused));
        if (auto* upload = std::get_if<std::unique_ptr<HttpUpload>>(&intake)) {
            upload_ = std::move(*upload);
        }
        const std::uint64_t most = upload_ ? kHttpFileBytesMax : kHttpBodyBytesMax;
        if (head_->content_length().value_or(0) > most) return too_large();
        if (beast::iequals(request_.headers["expect"], "100-continue")) return write_continue();
        read_body();
    }

    /// Returns the refusal if the caller's credentials do not hold.
    std::optional<HttpResponse> recognize() {
        if (!host_->service.recognize) return std::nullopt;
        HttpRecognized found;
        auto failed = guarded(request_.target, [&] { found = host_->service.recognize(request_); });
        if (failed) return failed;
        if (auto* refused = std::get_if<HttpResponse>(&found)) return std::move(*refused);
        request_.caller = std::get<HttpCaller>(std::move(found));
        receipt_ = request_.caller.receipt;
        return std::nullopt;
    }

    void write_continue() {
        const auto go_on = std::make_shared<http::response<http::empty_body>>();
        go_on->version(11);
        go_on->result(http::status::continue_);
        http::async_write(stream_, *go_on,
                          [self = shared_from_this(), go_on](error_code error, std::size_t) {
                              if (!error) self->read_body();
                          });
    }

    void read_body() {
        if (upload_) {
            watch_upload();
            in_pieces_.emplace(std::move(*head_));
            piece_.resize(kHttpPieceBytes);
            return read_piece();
        }
        in_memory_.emplace(std::move(*head_));
        in_memory_->body_limit(kHttpBodyBytesMax);
        http::async_read(
            stream_, buffer_, *in_memory_,
            [self = shared_from_this()](error_code error, std::size_t) { self->was_read(error); });
    }

    /// A slow upload may go on, a mere trickle may not.
    void watch_upload() {
        uploaded_lately_ = 0;
        upload_deadline_.expires_after(kHttpUploadPeriod);
        upload_deadline_.async_wait([weak = weak_from_this()](error_code cancelled) {
            const auto self = weak.lock();
            if (cancelled || !self) return;
            if (self->uploaded_lately_ < kHttpUploadBytesMin) return self->close();
            self->watch_upload();
        });
    }

    void was_read(error_code error) {
        if (error) return broken(error);
        request_read_ = true;
        request_.body = std::move(in_memory_->get().body());
        // Only of who has proved a token with this hash: the head was judged before the body came.
        if (receipt_ && base::sha256(request_.body) != receipt_->body_sha256) {
            return write(HttpResponse::error(
                400, "the body has another hash than the head says",
                std::string("the SHA-256 of the body is to be in ") + kContentHashHeader));
        }
        const std::string target = request_.target;
        auto failed = guarded(target, [&] { host_->service.answer(std::move(request_), reply()); });
        if (failed && !answered_) write(std::move(*failed));
    }

    void read_piece() {
        if (in_pieces_->is_done()) return uploaded();
        auto& body = in_pieces_->get().body();
        body.data = piece_.data();
        body.size = piece_.size();
        stream_.expires_after(kHttpRequestTimeout);
        http::async_read_some(
            stream_, buffer_, *in_pieces_,
            [self = shared_from_this()](error_code error, std::size_t) {
                self->read_some(error == http::error::need_buffer ? error_code{} : error);
            });
    }

    void read_some(error_code error) {
        if (error) return broken(error);
        active_ = Steady::now();
        const std::size_t bytes = piece_.size() - in_pieces_->get().body().size;
        uploaded_lately_ += bytes;
        std::optional<HttpResponse> refused;
        auto failed = guarded(request_.target, [&] {
            if (bytes > 0) refused = upload_->write({piece_.data(), bytes});
        });
        if (failed) refused = std::move(failed);
        if (refused) {
            upload_.reset();  // Releases its resources before anybody is answered.
            return write(std::move(*refused));
        }
        read_piece();
    }

    void uploaded() {
        request_read_ = true;
        upload_deadline_.cancel();
        const auto upload = std::move(upload_);
        auto failed = guarded(request_.target, [&] { upload->finish(reply()); });
        if (failed && !answered_) write(std::move(*failed));
    }

    /// A function that keeps the connection alive, and is good for one call.
    HttpReply reply() {
        answered_ = false;
        // From here on the peer waits for us, however long our work takes.
        stream_.expires_never();
        return [self = shared_from_this()](HttpResponse response) {
            if (std::exchange(self->answered_, true)) return;
            self->write(std::move(response));
        };
    }

    void broken(error_code error) {
        if (error == http::error::header_limit || error == http::error::body_limit) {
            return too_large();
        }
        if (error.category() == http::make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message) {
            return write(HttpResponse::error(400, error.message()));
        }
        // The peer is gone, or too slow.
    }

    void too_large() { write(HttpResponse::error(413, "the request is too large")); }

    void write(HttpResponse given) {
        answered_ = true;
        active_ = Steady::now();
        upload_deadline_.cancel();
        // The rest of a body would be taken for the next request.
        keep_alive_ = keep_alive_ && request_read_;
        const bool in_memory = given.file.empty() || is_head_;
        if (receipt_) {
            const std::string_view body = is_head_ ? std::string_view() : given.body;
            prove_answer(*receipt_, in_memory ? base::sha256(body) : std::string(), given);
        }
        if (!given.file.empty()) return write_file(given);
        if (is_head_) {
            auto response = head_of<http::empty_body>(given);
            response->content_length(given.body.size());
            return send(std::move(response));
        }
        auto response = head_of<http::string_body>(given);
        response->body() = std::move(given.body);
        response->prepare_payload();
        send(std::move(response));
    }

    void write_file(HttpResponse& given) {
        http::file_body::value_type file;
        error_code error;
        file.open(given.file.c_str(), beast::file_mode::scan, error);
        if (error) {
            base::log::error("cannot send a file",
                             {{"file", given.file}, {"why", lower_case(error.message())}});
            return write(HttpResponse::error(500, "cannot read what was asked for"));
        }
        if (is_head_) {
            auto response = head_of<http::empty_body>(given);
            response->content_length(file.size());
            return send(std::move(response));
        }
        auto response = head_of<http::file_body>(given);
        response->body() = std::move(file);
        response->prepare_payload();
        send(std::move(response));
    }

    template <typename Body>
    std::shared_ptr<http::response<Body>> head_of(const HttpResponse& given) const {
        auto response = std::make_shared<http::response<Body>>();
        response->version(11);
        response->result(static_cast<unsigned>(given.status));
        response->set(http::field::cache_control, "no-store");
        response->set("X-Content-Type-Options", "nosniff");
        response->set("X-Frame-Options", "DENY");
        response->set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
        response->set(http::field::content_type, given.content_type);
        for (const auto& [name, value] : given.headers) response->set(name, value);
        response->keep_alive(keep_alive_);
        return response;
    }

    template <typename Body>
    void send(std::shared_ptr<http::response<Body>> response) {
        const auto writer = std::make_shared<http::response_serializer<Body>>(*response);
        send_some(std::move(response), writer);
    }

    template <typename Body>
    void send_some(std::shared_ptr<http::response<Body>> response,
                   std::shared_ptr<http::response_serializer<Body>> writer) {
        stream_.expires_after(kHttpResponseTimeout);
        http::async_write_some(
            stream_, *writer,
            [self = shared_from_this(), response, writer](error_code error, std::size_t) {
                if (error) return;  // The peer is gone, or too slow.
                self->active_ = Steady::now();
                if (!writer->is_done()) return self->send_some(response, writer);
                self->sent();
            });
    }

    void sent() {
        if (keep_alive_) return read();
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        if (request_read_) return;
        // Closing a socket with unread data resets the connection, and the peer may lose the
        // response. So the rest of a refused body is read and dropped.
        host_->dropped.resize(kHttpPieceBytes);
        stream_.expires_after(kHttpLingerTimeout);
        linger(kHttpLingerBytesMax);
    }

    void linger(std::uint64_t bytes_left) {
        stream_.async_read_some(
            asio::buffer(host_->dropped),
            [self = shared_from_this(), bytes_left](error_code error, std::size_t bytes) {
                if (!error && bytes < bytes_left) self->linger(bytes_left - bytes);
            });
    }

    const std::shared_ptr<HttpHost> host_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{kHttpHeaderBytesMax + kHttpPieceBytes};
    std::optional<http::request_parser<http::empty_body>> head_;
    std::optional<http::request_parser<http::string_body>> in_memory_;
    std::optional<http::request_parser<http::buffer_body>> in_pieces_;
    HttpRequest request_;
    std::optional<DigestReceipt> receipt_;  // Kept here, because the request is given away.
    std::unique_ptr<HttpUpload> upload_;
    asio::steady_timer upload_deadline_{stream_.get_executor()};
    std::uint64_t uploaded_lately_ = 0;
    std::string piece_;
    bool request_read_ = false;
    bool keep_alive_ = false;
    bool is_head_ = false;
    bool answered_ = true;
    Steady::time_point active_ = Steady::now();
};

}  // namespace

std::shared_ptr<HttpConnection> serve_http(std::shared_ptr<HttpHost> host, tcp::socket socket) {
    const auto made = std::make_shared<Connection>(std::move(host), std::move(socket));
    made->read();
    return made;
}

}  // namespace storm::net
