#include "supervisor/worker_socket.h"

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <variant>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "net/close_on_exec.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Stream = asio::local::stream_protocol;

constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};

/// Credentials of the process that connected, from the kernel; pid 0: unknown.
ucred peer_of(Stream::socket& socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return {0, ~uid_t{0}, ~gid_t{0}};
    }
    return peer;
}

}  // namespace

struct WorkerSocket::State : std::enable_shared_from_this<WorkerSocket::State> {
    State(asio::io_context& given, std::size_t max, Callbacks callbacks)
        : connections_max(max), call(std::move(callbacks)), acceptor(given), pause(given) {}

    base::Result<base::Done> listen(const std::string& at);
    void accept();
    void accepted(error_code error, Stream::socket socket);
    void closed();

    const std::size_t connections_max;
    const Callbacks call;
    Stream::acceptor acceptor;
    asio::steady_timer pause;
    std::string path;
    struct stat named {};  ///< The file that had the name when it was made.
    std::size_t connections = 0;
    std::map<uid_t, std::size_t> strangers;  ///< Connections before their Hello, by user.
    base::RateLimit refusals{kRefusalsLogged, kRefusalInterval};  // User code may try endlessly.
    bool accepting = false;
    bool closing = false;
    std::map<std::uint16_t, std::weak_ptr<Connection>> workers;
};

/// Owned by the callbacks that it waits for.
class WorkerSocket::Connection final : public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<State> state, Stream::socket socket)
        : state_(std::move(state)),
          socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          peer_(peer_of(socket_)) {
        ++state_->connections;
        ++state_->strangers[peer_.uid];
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        STORM_CHECK(state_->connections > 0, "each connection was counted when it was made");
        --state_->connections;
        if (!slot_) known_();
        // After the counts, because it accepts the next one if there is room.
        state_->closed();
    }

    void begin() {
        if (state_->call.admits && !state_->call.admits(peer_.uid)) {
            return refuse_("no worker runs as its user");
        }
        // Only where topologies have users of their own: otherwise one could keep out all others,
        // and only the number of connections bounds it.
        if (state_->call.admits && state_->strangers[peer_.uid] > kStrangersOfUserMax) {
            return refuse_("its user has too many connections that do not say who they are");
        }
        timer_.expires_after(std::chrono::microseconds(kHelloMicrosMax));
        timer_.async_wait([weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (!error && self && !self->slot_) self->refuse_("it does not say who it is");
        });
        read_();
    }

    void send(const cluster::ToWorker& message) {
        std::string bytes = cluster::encode(message);
        // It may connect again, and is then told what counts (Slot::connected()).
        if (unsent_bytes_ + bytes.size() > kUnsentBytesMax) return refuse_("it does not read");
        unsent_bytes_ += bytes.size();
        unsent_.push_back(std::move(bytes));
        if (unsent_.size() == 1) write_();
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
    }

private:
    void read_() {
        socket_.async_read_some(asio::buffer(piece_),
                                [self = shared_from_this()](error_code error, std::size_t count) {
                                    if (error) return self->close();
                                    self->was_read_(count);
                                });
    }

    void was_read_(std::size_t count) {
        if (!slot_) {
            strange_bytes_ += count;
            if (strange_bytes_ > kHelloBytesMax) return refuse_("its hello is too long");
        }
        reader_.append({piece_.data(), count});
        auto messages = reader_.take();
        if (!messages) return refuse_(messages.error().message);
        for (cluster::ToSupervisor& message : std::move(messages).value()) {
            if (!socket_.is_open() || state_->closing) return;
            take_(std::move(message));
        }
        if (socket_.is_open()) read_();
    }

    void take_(cluster::ToSupervisor message) {
        if (auto* const report = std::get_if<cluster::WorkerReport>(&message)) {
            if (!slot_) return refuse_("it reports before its hello");
            return state_->call.reported(*slot_, std::move(*report));
        }
        if (slot_) return refuse_("it says hello twice");
        slot_ = state_->call.recognize(std::get<cluster::Hello>(message), peer_.pid);
        if (!slot_) return refuse_("it is not a worker of this supervisor");
        known_();
        timer_.cancel();
        auto& place = state_->workers[*slot_];
        // A worker may connect again before the end of its former connection is noticed. That one
        // is closed, or its late reports would be taken for newer ones.
        if (const auto former = place.lock()) former->close();
        place = weak_from_this();
        state_->call.connected(*slot_);
    }

    void known_() {
        const auto found = state_->strangers.find(peer_.uid);
        STORM_CHECK(found != state_->strangers.end() && found->second > 0,
                    "a connection stops being a stranger once");
        if (--found->second == 0) state_->strangers.erase(found);
    }

    void refuse_(const std::string& why) {
        std::uint64_t held_back = 0;
        if (state_->refusals.admit(base::SteadyClock().now(), held_back)) {
            base::log::warn("closing a worker's connection",
                            {{"pid", std::int64_t{peer_.pid}},
                             {"why", why},
                             {"held_back", static_cast<std::int64_t>(held_back)}});
        }
        close();
    }

    void write_() {
        asio::async_write(socket_, asio::buffer(unsent_.front()),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->close();
                              STORM_CHECK(self->unsent_bytes_ >= self->unsent_.front().size(),
                                          "what was written was counted as unsent");
                              self->unsent_bytes_ -= self->unsent_.front().size();
                              self->unsent_.pop_front();
                              if (!self->unsent_.empty()) self->write_();
                          });
    }

    const std::shared_ptr<State> state_;
    Stream::socket socket_;
    asio::steady_timer timer_;
    const ucred peer_;
    std::array<char, kPieceBytes> piece_{};
    cluster::MessageReader<cluster::ToSupervisor> reader_;
    std::optional<std::uint16_t> slot_;
    std::size_t strange_bytes_ = 0;
    std::deque<std::string> unsent_;
    std::size_t unsent_bytes_ = 0;
};

base::Result<base::Done> WorkerSocket::State::listen(const std::string& at) {
    path = at;
    error_code error;
    acceptor.close(error);
    ::unlink(path.c_str());
    acceptor.open(Stream(), error);
    if (!error) net::close_on_exec(acceptor);
    // Before it has a name, so that its mode is never wider; the umask applies later.
    if (!error) ::fchmod(acceptor.native_handle(), 0600);
    if (!error) acceptor.bind(Stream::endpoint(path), error);
    const bool for_all = call.admits != nullptr;
    if (!error && for_all && ::chmod(path.c_str(), 0666) != 0) {
        return base::system_error("cannot open \"" + path + "\" to workers");
    }
    if (!error) acceptor.listen(Stream::acceptor::max_listen_connections, error);
    if (error) return base::Error{"cannot listen on \"" + path + "\": " + error.message()};
    if (::lstat(path.c_str(), &named) != 0)
        return base::system_error("cannot find \"" + path + '"');
    return base::Done{};
}

std::function<bool()> WorkerSocket::look() const {
    return [path = state_->path, named = state_->named] {
        struct stat now {};
        return ::lstat(path.c_str(), &now) == 0 && now.st_dev == named.st_dev &&
               now.st_ino == named.st_ino && S_ISSOCK(now.st_mode);
    };
}

base::Result<base::Done> WorkerSocket::renew() {
    const auto listening = state_->listen(state_->path);
    if (!listening) return listening.error();
    state_->accept();
    return base::Done{};
}

void WorkerSocket::State::accept() {
    if (accepting || closing || !acceptor.is_open() || connections >= connections_max) return;
    accepting = true;
    acceptor.async_accept([self = shared_from_this()](error_code error, Stream::socket socket) {
        self->accepted(error, std::move(socket));
    });
}

void WorkerSocket::State::accepted(error_code error, Stream::socket socket) {
    STORM_CHECK(accepting, "one accept is under way at a time, and this is its end");
    accepting = false;
    if (closing) return;
    if (error == asio::error::operation_aborted) return accept();  // After renew().
    if (!error) {
        net::close_on_exec(socket);
        std::make_shared<Connection>(shared_from_this(), std::move(socket))->begin();
        return accept();
    }
    base::log::warn("cannot accept a worker's connection", {{"why", error.message()}});
    pause.expires_after(kAcceptPause);
    pause.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled) self->accept();
    });
}

void WorkerSocket::State::closed() {
    if (!closing) accept();
}

base::Result<std::unique_ptr<WorkerSocket>> WorkerSocket::listen(asio::io_context& io,
                                                                 const std::string& path,
                                                                 std::size_t connections_max,
                                                                 Callbacks callbacks) {
    if (path.size() > kSocketPathMax) {
        return base::Error{"cannot listen on \"" + path + "\": a socket's path has at most " +
                           std::to_string(kSocketPathMax) + " bytes, this one " +
                           std::to_string(path.size()) + "; choose a shorter storm.local.dir"};
    }
    auto state = std::make_shared<State>(io, connections_max, std::move(callbacks));
    const auto listening = state->listen(path);
    if (!listening) return listening.error();
    state->accept();
    return std::unique_ptr<WorkerSocket>(new WorkerSocket(std::move(state)));
}

WorkerSocket::WorkerSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}

WorkerSocket::~WorkerSocket() {
    state_->closing = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    for (const auto& [slot, worker] : state_->workers) {
        if (const auto open = worker.lock()) open->close();
    }
}

void WorkerSocket::send(std::uint16_t slot, const cluster::ToWorker& message) {
    const auto found = state_->workers.find(slot);
    if (found == state_->workers.end()) return;
    if (const auto open = found->second.lock()) open->send(message);
}

void WorkerSocket::disconnect(std::uint16_t slot) {
    const auto found = state_->workers.find(slot);
    if (found == state_->workers.end()) return;
    if (const auto open = found->second.lock()) open->close();
    state_->workers.erase(found);
}

}  // namespace storm::supervisor
