// A TCP connection to another worker: frames in, buffers out.
//
// The read buffer `words_` holds the unread bytes [begin_, end_), always from the start of a frame
// on. take_frames() hands on all whole frames; read() fills the buffer behind end_. The buffer
// grows with what has arrived, never with a length that a peer claims, so a stranger cannot make
// it large. It shrinks again when no frame has needed it for a while.
//
// At most one read and one write are under way at a time (reading_, writing_). Handlers hold a
// shared_ptr, so the connection lives until its last handler has run; close() makes that soon.
//
// Threads: the one that runs its io_context.
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
    /// Returns false if no more frames of this connection are wanted.
    using OnFrame = std::function<bool(Connection&, const wire::Frame&)>;
    using OnClosed = std::function<void(Connection&, const std::string& why)>;

    explicit Connection(Socket socket) : socket_(std::move(socket)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Socket& socket() { return socket_; }
    /// Resolves `host` and connects. `done` gets the error, if there is one.
    void connect(const std::string& host, std::uint16_t port,
                 std::function<void(boost::system::error_code)> done);
    /// Sets the handlers of what arrives from now on. `closed` is called once, but not after
    /// close().
    void attend(OnFrame frame, OnClosed closed);
    /// Reads until the connection is closed. `limit` bounds the size of a frame.
    void start_reading(std::size_t limit);
    void set_limit(std::size_t bytes) { limit_ = bytes; }
    /// Until resume() no frame is handed on, and the socket is not read.
    void pause() { paused_ = true; }
    void resume();
    bool paused() const { return paused_; }

    /// REQUIRES: !writing(). The buffers must stay unchanged until `done` is called.
    void write(const std::vector<boost::asio::const_buffer>& buffers, std::function<void()> done);
    /// Writes one frame of the handshake. REQUIRES: !writing().
    void write(
        const wire::Frame& frame, std::function<void()> done = [] {});
    bool writing() const { return writing_; }

    /// Closes at once. The peer sees the end of the stream, no reason.
    void close();
    /// Closes once the present write is out.
    void close_after_write();
    bool closed() const { return closed_; }

    /// Totals: bytes received, and frames handed on.
    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t frames_read() const { return frames_read_; }
    /// Whether a part of a frame has arrived, but not all of it.
    bool in_frame() const { return begin_ != end_; }
    /// Size of the read buffer.
    std::size_t buffer_bytes() const { return words_.size() * sizeof(std::uint64_t); }

private:
    void set_options();
    void read();
    void shrink();
    void go_on();
    void take_frames();
    void fail(const std::string& why);

    Socket socket_;
    OnFrame on_frame_;
    OnClosed on_closed_;
    std::size_t limit_ = wire::kHandshakeBytesMax;
    std::vector<std::uint64_t> words_;  // Words, because frames must be aligned to them.
    std::size_t begin_ = 0;             // Offsets in bytes into words_.
    std::size_t end_ = 0;
    int small_reads_ = 0;  // Reads since a frame last filled much of the buffer.
    std::uint64_t bytes_read_ = 0;
    std::uint64_t frames_read_ = 0;
    std::string small_;  // The bytes of the frame that write(Frame) is writing.
    bool paused_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool closing_ = false;
    bool closed_ = false;
};

}  // namespace storm::worker
