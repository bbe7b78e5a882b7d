#include "worker/transport/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "base/check.h"
#include "net/close_on_exec.h"
#include "worker/transport/limits.h"

namespace storm::worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kFirstBytes = wire::kHandshakeBytesMax;

}  // namespace

void Connection::connect(const std::string& host, std::uint16_t port,
                         std::function<void(error_code)> done) {
    // An address needs no resolver, whose thread might wait for a name server.
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) {
        const asio::ip::tcp::endpoint endpoint(address, port);
        socket_.open(endpoint.protocol(), error);
        if (error) return done(error);
        net::close_on_exec(socket_);
        socket_.async_connect(endpoint, std::move(done));
        return;
    }
    auto resolver = std::make_shared<asio::ip::tcp::resolver>(socket_.get_executor());
    resolver->async_resolve(host, std::to_string(port),
                            [resolver, self = shared_from_this(), done = std::move(done)](
                                error_code why, const auto& found) {
                                if (why || self->closed()) return done(why);
                                asio::async_connect(
                                    self->socket_, found,
                                    [done](error_code failed, const auto&) { done(failed); });
                            });
}

void Connection::attend(OnFrame frame, OnClosed closed) {
    on_frame_ = std::move(frame);
    on_closed_ = std::move(closed);
}

void Connection::set_options() {
    error_code ignored;
    net::close_on_exec(socket_);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    // TCP itself then notices a peer that vanished, whether we are writing or waiting.
    const auto set = [this](int option, int value) {
        static_cast<void>(
            setsockopt(socket_.native_handle(), IPPROTO_TCP, option, &value, sizeof(value)));
    };
    set(TCP_USER_TIMEOUT, static_cast<int>(kSilenceMicros / base::kMicrosPerMilli));
    set(TCP_KEEPIDLE, 1);
    set(TCP_KEEPINTVL, 1);
    set(TCP_KEEPCNT, 3);
    set(TCP_NOTSENT_LOWAT, kUnsentBytes);
}

void Connection::start_reading(std::size_t limit) {
    set_options();
    limit_ = limit;
    words_.resize(kFirstBytes / sizeof(std::uint64_t));
    read();
}

// Posted, because the caller may be a handler of take_frames(): a read would move the buffer under
// its frame.
void Connection::resume() {
    if (!std::exchange(paused_, false)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->go_on(); });
}

// Frames that have arrived come first; only when the rest is part of a frame, or nothing, more is
// read.
void Connection::go_on() {
    if (!closed_) take_frames();
    if (!closed_ && !paused_ && !reading_) read();
}

// Large frames tend to come again soon, so the buffer outlives the first small reads after one.
void Connection::shrink() {
    if (end_ - begin_ > kReadBytes) {
        small_reads_ = 0;
    } else if (begin_ == end_ && buffer_bytes() > kBufferKeptBytes &&
               ++small_reads_ >= kSmallReadsMax) {
        words_ = std::vector<std::uint64_t>(kReadBytes / sizeof(std::uint64_t));
        small_reads_ = 0;
    }
}

void Connection::read() {
    shrink();
    auto* const bytes = reinterpret_cast<std::byte*>(words_.data());
    if (begin_ == end_) begin_ = end_ = 0;
    const std::size_t capacity = buffer_bytes();
    // Little room behind end_: move the unread bytes to the front and, if they fill most of it,
    // grow.
    if (end_ == capacity || capacity - end_ < capacity / 4) {
        std::memmove(bytes, bytes + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        // Grows with what has arrived, never with a length that the peer claims.
        const std::size_t most = std::max(limit_, kReadBytes) / sizeof(std::uint64_t) + 1;
        const bool stranger = limit_ <= wire::kHandshakeBytesMax;
        if (!stranger && (end_ > capacity / 2 || capacity < kReadBytes))
            words_.resize(std::min(most, std::max(2 * words_.size(), kReadBytes / 8)));
    }
    auto* const to = reinterpret_cast<std::byte*>(words_.data()) + end_;
    const std::size_t room = words_.size() * sizeof(std::uint64_t) - end_;
    if (room == 0) return fail("a frame that does not end");
    reading_ = true;
    socket_.async_read_some(asio::buffer(to, room),
                            [self = shared_from_this()](error_code error, std::size_t read) {
                                self->reading_ = false;
                                if (self->closed_) return;
                                if (error) return self->fail(error.message());
                                self->end_ += read;
                                self->bytes_read_ += read;
                                self->go_on();
                            });
}

void Connection::take_frames() {
    const auto* const bytes = reinterpret_cast<const std::byte*>(words_.data());
    while (!closed_ && !closing_ && !paused_) {
        const std::span<const std::byte> arrived(bytes + begin_, end_ - begin_);
        const auto size = wire::frame_bytes(arrived, limit_);
        if (!size) return fail(size.error().message);
        if (*size == 0 || *size > arrived.size()) return;
        const auto frame = wire::read_frame(arrived.first(*size));
        if (!frame) return fail(frame.error().message);
        begin_ += *size;
        ++frames_read_;
        // The handler may install other handlers; a copy keeps this one alive until it returns.
        const OnFrame handler = on_frame_;
        if (!handler(*this, *frame)) return;
    }
}

// `done` is not called for a connection that was closed meanwhile. So its owner releases what was
// being written when it lets the connection go: PeerLink::drop_connection().
void Connection::write(const std::vector<asio::const_buffer>& buffers, std::function<void()> done) {
    STORM_CHECK(!writing_, "one write at a time");
    writing_ = true;
    asio::async_write(
        socket_, buffers,
        [self = shared_from_this(), done = std::move(done)](error_code error, std::size_t) {
            self->writing_ = false;
            if (self->closed_) return;
            if (error) return self->fail(error.message());
            if (self->closing_) return self->close();
            done();
        });
}

void Connection::write(const wire::Frame& frame, std::function<void()> done) {
    STORM_CHECK(!writing_, "small_ is part of the present write");
    small_ = wire::write_frame(frame);
    write({asio::buffer(small_)}, std::move(done));
}

// For a last word, such as why a stranger is refused. Nothing that arrives is handed on from here.
void Connection::close_after_write() {
    closing_ = true;
    if (!writing_) close();
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    // The handlers may own the owner of this connection, so they are destroyed later, when none of
    // them is on the stack.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->on_frame_ = nullptr;
        self->on_closed_ = nullptr;
    });
}

// Closed before the owner is told, since it may make the next connection in its handler.
void Connection::fail(const std::string& why) {
    if (closed_) return;
    const OnClosed handler = on_closed_;
    close();
    if (handler) handler(*this, why);
}

}  // namespace storm::worker
