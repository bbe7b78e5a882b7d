// A TCP connection to another worker: frames in, buffers out.
//
// Threads: those of its io_context, which is one. It lives until its last handler has run; close()
// makes that soon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "wire/frame.h"

namespace storm::worker {

class Connection final : public std::enable_shared_from_this<Connection> {
public:
    using Socket = boost::asio::ip::tcp::socket;
    /// False: nothing more of it is wanted.
    using OnFrame = std::function<bool(Connection&, const wire::Frame&)>;
    using OnClosed = std::function<void(Connection&, const std::string& why)>;

    explicit Connection(Socket socket) : socket_(std::move(socket)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Socket& socket() { return socket_; }
    /// Looks up `host` and connects to it. `done` is called with what went wrong, if anything did.
    void connect(const std::string& host, std::uint16_t port,
                 std::function<void(boost::system::error_code)> done);
    /// Who gets what arrives from now on. `closed` is called once, unless close() was.
    void attend(OnFrame frame, OnClosed closed);
    /// Reads until it is closed. No frame may be longer than the limit, which set_limit() changes.
    void start_reading(std::size_t limit);
    void set_limit(std::size_t bytes) { limit_ = bytes; }
    /// Hands on nothing and reads nothing until it may again.
    void pause() { paused_ = true; }
    void resume();
    bool paused() const { return paused_; }

    /// REQUIRES: !writing(). The buffers stay as they are until `done`.
    void write(const std::vector<boost::asio::const_buffer>& buffers, std::function<void()> done);
    /// A frame of the handshake, while nothing else is written.
    void write(
        const wire::Frame& frame, std::function<void()> done = [] {});
    bool writing() const { return writing_; }

    /// Ends it without a word; the other side sees its end.
    void close();
    /// When what has been written is out.
    void close_after_write();
    bool closed() const { return closed_; }

    /// Bytes that have come in, ever, and frames that were handed on.
    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t frames_read() const { return frames_read_; }
    /// Part of a frame is here, and the rest is not.
    bool in_frame() const { return begin_ != end_; }

private:
    void set_options();
    void read();
    void go_on();
    void take_frames();
    void fail(const std::string& why);

    Socket socket_;
    OnFrame on_frame_;
    OnClosed on_closed_;
    std::size_t limit_ = wire::kHandshakeBytesMax;
    std::vector<std::uint64_t> words_;  // Aligned as frames must be.
    std::size_t begin_ = 0;             // Bytes in it that have not been taken.
    std::size_t end_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t frames_read_ = 0;
    std::string small_;  // The frame that write(Frame) writes.
    bool paused_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool closing_ = false;
    bool closed_ = false;
};

}  // namespace storm::worker
