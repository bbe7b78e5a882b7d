#include "net/http_client.h"

#include <array>
#include <cstdlib>
#include <optional>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "net/address.h"
#include "net/close_on_exec.h"
#include "net/limits.h"
#include "net/lower_case.h"

namespace storm::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr const char* kCannotFind = "cannot find host";
constexpr const char* kCannotReach = "cannot reach ";

std::string seconds(std::chrono::milliseconds time) {
    std::string text = std::to_string(static_cast<double>(time.count()) / 1000);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text + " s";
}

/// A file that gets its name only once it is complete.
class NewFile {
public:
    explicit NewFile(std::string path) : path_(std::move(path)), part_(path_ + ".part-XXXXXX") {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (open_) ::unlink(part_.c_str());
    }

    /// The caller owns the descriptor; -1: errno says why.
    int open() {
        const int descriptor = ::mkostemp(part_.data(), O_CLOEXEC);
        open_ = descriptor >= 0;
        return descriptor;
    }
    bool publish() {
        if (std::rename(part_.c_str(), path_.c_str()) != 0) return false;
        open_ = false;
        return true;
    }

private:
    std::string path_;
    std::string part_;
    bool open_ = false;
};

/// One request and its response. The response is read while the request is still being written,
/// because a server may refuse early.
class Exchange {
public:
    explicit Exchange(const HttpCall& wanted) : wanted_(wanted), saved_(wanted.save_file) {}

    base::Result<HttpResponse> run() {
        if (!prepare() || !connect()) return base::Error{std::move(failure_)};
        if (file_writer_) watch_pace();
        watch();
        write();
        expect_head();
        io_.restart();
        io_.run();
        if (!finished_) return base::Error{std::move(failure_)};
        return std::move(response_);
    }

private:
    std::string where() const { return to_string(Address{wanted_.host, wanted_.port}); }

    bool fail(std::string why) {
        // The first reason counts: what comes after follows from it.
        if (failure_.empty() && !finished_) failure_ = std::move(why);
        stop();
        return false;
    }

    void stop() {
        error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
        pace_.cancel();
    }

    bool prepare() {
        const auto method = http::string_to_verb(wanted_.method);
        if (method == http::verb::unknown) {
            return fail('"' + wanted_.method + "\" is not an HTTP method");
        }
        if (!wanted_.body_file.empty()) {
            error_code error;
            http::file_body::value_type file;
            file.open(wanted_.body_file.c_str(), beast::file_mode::scan, error);
            if (error) {
                return fail("cannot read " + wanted_.body_file + ": " +
                            lower_case(error.message()));
            }
            set_head(file_request_.emplace());
            file_request_->body() = std::move(file);
            file_request_->prepare_payload();
            upload_total_ = file_request_->body().size();
            file_writer_.emplace(*file_request_);
            return true;
        }
        set_head(request_.emplace());
        request_->body() = wanted_.body;
        request_->prepare_payload();
        text_writer_.emplace(*request_);
        return true;
    }

    template <typename Request>
    void set_head(Request& request) const {
        request.version(11);
        request.method(http::string_to_verb(wanted_.method));
        request.target(wanted_.target);
        request.set(http::field::host, where());
        request.set(http::field::user_agent, "storm/" STORM_VERSION);
        for (const auto& [name, value] : wanted_.headers) request.set(name, value);
        request.keep_alive(false);
    }

    bool connect() {
        error_code error;
        tcp::resolver resolver(io_);
        const auto found = resolver.resolve(wanted_.host, std::to_string(wanted_.port), error);
        if (error) {
            return fail(std::string(kCannotFind) + " \"" + wanted_.host +
                        "\": " + lower_case(error.message()));
        }
        // A timer, because connecting to an address that drops packets takes minutes.
        bool late = false;
        timer_.expires_after(wanted_.connect_timeout);
        timer_.async_wait([&](error_code cancelled) {
            if (cancelled) return;
            late = true;
            socket_.close();
        });
        asio::async_connect(socket_, found, [&](error_code failed, const tcp::endpoint&) {
            error = failed;
            timer_.cancel();
        });
        io_.run();
        if (late) {
            return fail(std::string(kCannotReach) + where() + ": no answer within " +
                        seconds(wanted_.connect_timeout));
        }
        if (error)
            return fail(std::string(kCannotReach) + where() + ": " + lower_case(error.message()));
        close_on_exec(socket_);
        socket_.set_option(tcp::no_delay(true), error);
        return true;
    }

    /// A file may take as long as enough of its bytes keep coming. Anything else may not, or a peer
    /// that trickles would hold the caller.
    std::optional<std::chrono::milliseconds> deadline() const {
        if (wanted_.deadline.count() > 0) return wanted_.deadline;
        if (file_moves_) return std::nullopt;
        return 3 * wanted_.timeout;
    }

    /// A slow file may go on, a mere trickle may not.
    void watch_pace() {
        file_moves_ = true;
        moved_lately_ = 0;
        pace_.expires_after(wanted_.file_period);
        pace_.async_wait([this](error_code cancelled) {
            if (cancelled || !file_moves_) return;
            if (moved_lately_ >= wanted_.file_bytes_min) return watch_pace();
            fail(where() + " moved " + std::to_string(moved_lately_) + " bytes of a file in " +
                 seconds(wanted_.file_period));
        });
    }

    void file_is_over() {
        file_moves_ = false;
        pace_.cancel();
    }

    /// Something moved: restarts the timeout, up to the deadline.
    void watch() {
        timer_.expires_after(wanted_.timeout);
        const auto limit = deadline();
        if (!limit) end_.reset();
        if (!end_ && limit) end_ = timer_.expiry() - wanted_.timeout + *limit;
        const bool is_last = end_ && *end_ <= timer_.expiry();
        if (is_last) timer_.expires_at(*end_);
        timer_.async_wait([this, is_last, limit](error_code cancelled) {
            if (cancelled) return;
            fail(is_last ? where() + " was not done within " + seconds(*limit)
                         : where() + " did not go on for " + seconds(wanted_.timeout));
        });
    }

    void write() {
        const auto wrote = [this](error_code error, std::size_t bytes) {
            // The response may say why the server takes no more.
            if (error || !socket_.is_open()) return;
            watch();
            uploaded_ += bytes;
            moved_lately_ += bytes;
            if (file_writer_ && wanted_.progress) {
                wanted_.progress(std::min(uploaded_, upload_total_), upload_total_);
            }
            if (file_writer_ ? !file_writer_->is_done() : !text_writer_->is_done()) return write();
            if (file_writer_) file_is_over();
        };
        if (file_writer_) {
            http::async_write_some(socket_, *file_writer_, wrote);
        } else {
            http::async_write_some(socket_, *text_writer_, wrote);
        }
    }

    void read_head(error_code error) {
        if (error) return broke_off(error, "before it answered");
        const auto& head = head_->get();
        response_.status = static_cast<int>(head.result_int());
        for (const auto& field : head) {
            response_.headers.insert_or_assign(lower_case(std::string(field.name_string())),
                                               std::string(field.value()));
        }
        if (response_.status < 200) {  // 100 Continue, unasked for.
            watch();
            return expect_head();
        }
        response_.content_type = response_.headers["content-type"];
        const bool is_saved = response_.status == 200 && !wanted_.save_file.empty();
        file_is_over();  // One that was sent: the server has answered.
        if (is_saved) watch_pace();
        watch();
        if (is_saved) {
            const int descriptor = saved_.open();
            if (descriptor < 0) return static_cast<void>(cannot_write(errno));
            file_parser_.emplace(std::move(*head_));
            beast::file file;
            file.native_handle(descriptor);
            file_parser_->get().body().reset(std::move(file), error);
            if (error) return static_cast<void>(cannot_write(error.value()));
            file_parser_->body_limit(wanted_.save_bytes_max);
            if (file_parser_->content_length().value_or(0) > wanted_.save_bytes_max) {
                return read_failed(http::error::body_limit, *file_parser_);
            }
            return read(*file_parser_);
        }
        text_parser_.emplace(std::move(*head_));
        text_parser_->body_limit(wanted_.response_bytes_max);
        if (!text_parser_->is_done() &&
            text_parser_->content_length().value_or(0) > wanted_.response_bytes_max) {
            return read_failed(http::error::body_limit, *text_parser_);
        }
        read(*text_parser_);
    }

    /// The parser compares the length that a head tells with its limit at once. So that one is wide
    /// here, and what follows sets its own.
    void expect_head() {
        response_ = {};
        head_.emplace();
        head_->header_limit(kHttpHeaderBytesMax);
        head_->body_limit(kHttpFileBytesMax);
        head_->skip(wanted_.method == "HEAD");
        http::async_read_header(socket_, buffer_, *head_,
                                [this](error_code error, std::size_t) { read_head(error); });
    }

    template <typename Parser>
    void read(Parser& parser) {
        if (parser.is_done()) return done();
        const auto was_read = [&, this](error_code error, std::size_t bytes) {
            if (error) return read_failed(error, parser);
            moved_lately_ += bytes;
            watch();
            if (file_parser_ && wanted_.progress) report(parser);
            read(parser);
        };
        http::async_read_some(socket_, buffer_, parser, was_read);
    }

    template <typename Parser>
    void report(const Parser& parser) const {
        const auto total = parser.content_length();
        const auto left = parser.content_length_remaining();
        if (total && left) wanted_.progress(*total - *left, *total);
    }

    template <typename Parser>
    void read_failed(error_code error, const Parser& parser) {
        if (error == http::error::end_of_stream && parser.is_done()) return done();
        if (error == http::error::body_limit) {
            return static_cast<void>(fail("the answer of " + where() + " is too large"));
        }
        // Asio reports socket errors in the same category, but these are errors of disks only.
        if (file_parser_ && (error.value() == ENOSPC || error.value() == EIO ||
                             error.value() == EDQUOT || error.value() == EFBIG)) {
            return static_cast<void>(cannot_write(error.value()));
        }
        broke_off(error, "in the middle of its answer");
    }

    void done() {
        finished_ = true;
        if (file_parser_) {
            file_parser_->get().body().close();
            if (!saved_.publish()) {
                finished_ = false;
                return static_cast<void>(cannot_write(errno));
            }
        } else {
            response_.body = std::move(text_parser_->get().body());
        }
        stop();
    }

    bool cannot_write(int why) {
        return fail("cannot write " + wanted_.save_file + ": " +
                    lower_case(error_code(why, boost::system::system_category()).message()));
    }

    void broke_off(error_code error, const char* when) {
        const bool closed = error == http::error::end_of_stream || error == asio::error::eof ||
                            error == http::error::partial_message ||
                            error == asio::error::connection_reset ||
                            error == asio::error::broken_pipe;
        if (closed) return static_cast<void>(fail(where() + " closed the connection " + when));
        if (error.category() == http::make_error_code(http::error::bad_method).category()) {
            return static_cast<void>(
                fail("the answer of " + where() + " is not HTTP: " + error.message()));
        }
        fail("lost " + where() + ": " + lower_case(error.message()));
    }

    const HttpCall& wanted_;
    NewFile saved_;
    asio::io_context io_{1};
    tcp::socket socket_{io_};
    asio::steady_timer timer_{io_};
    asio::steady_timer pace_{io_};
    beast::flat_buffer buffer_;
    std::optional<http::request<http::string_body>> request_;
    std::optional<http::request_serializer<http::string_body>> text_writer_;
    std::optional<http::request<http::file_body>> file_request_;
    std::optional<http::request_serializer<http::file_body>> file_writer_;
    std::uint64_t uploaded_ = 0;
    std::uint64_t upload_total_ = 0;
    bool file_moves_ = false;         // A file is being sent or saved.
    std::uint64_t moved_lately_ = 0;  // Bytes of it in this period.
    std::optional<http::response_parser<http::empty_body>> head_;
    std::optional<http::response_parser<http::string_body>> text_parser_;
    std::optional<http::response_parser<http::file_body>> file_parser_;
    HttpResponse response_;
    std::string failure_;
    std::optional<std::chrono::steady_clock::time_point> end_;  // Set while there is a deadline.
    bool finished_ = false;
};

}  // namespace

/// On the caller's thread, with a loop of its own, and never more than once: whether a request may
/// be sent again only the caller knows.
base::Result<HttpResponse> call(const HttpCall& wanted) {
    std::optional<Exchange> exchange;
    try {
        exchange.emplace(wanted);
    } catch (const boost::system::system_error& error) {
        // Its io_context needs descriptors, and there may be none.
        return base::Error{kCannotReach + to_string(Address{wanted.host, wanted.port}) + ": " +
                           lower_case(error.code().message())};
    }
    return exchange->run();
}

std::chrono::milliseconds file_deadline(std::uint64_t bytes) {
    constexpr std::uint64_t kMillis = 1000;
    return kHttpFileGrace + std::chrono::milliseconds(bytes * kMillis / kHttpFileBytesPerSecMin);
}

/// Told by the text, which is made above and nowhere else: an Error has nothing more.
bool never_reached(const base::Error& error) {
    return error.message.starts_with(kCannotFind) || error.message.starts_with(kCannotReach);
}

}  // namespace storm::net
