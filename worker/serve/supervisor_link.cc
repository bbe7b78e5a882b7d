#include "worker/serve/supervisor_link.h"

#include <chrono>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"
#include "net/close_on_exec.h"
#include "worker/serve/own_logs.h"

namespace storm::worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kRetry{200};
constexpr std::size_t kReadBytes = 16 * 1024;

// A worker that runs as another user may not reach the socket by its absolute path, so its
// Supervisor names one relative to the worker's folder. User code may change that folder; the
// descriptor still names it.
base::Descriptor folder_of(const std::string& path) {
    if (!path.starts_with("/proc/self/cwd/")) return {};
    const std::string folder = path.substr(0, path.rfind('/'));
    return base::Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::string path_in(const base::Descriptor& folder, const std::string& path) {
    if (!folder.is_open()) return path;
    return "/proc/self/fd/" + std::to_string(folder.get()) + '/' + path.substr(path.rfind('/') + 1);
}

}  // namespace

SupervisorLink::SupervisorLink(asio::io_context& io, const std::string& path, std::string token,
                               OnMessage on_message)
    : io_(io),
      folder_(folder_of(path)),
      path_(path_in(folder_, path)),
      token_(std::move(token)),
      on_message_(std::move(on_message)),
      socket_(io),
      retry_(io),
      in_(kReadBytes, '\0') {}

void SupervisorLink::start() {
    connect();
}

// `connection_` grows with each connect and each loss, and handlers carry its value. A loss closes
// the socket, which lets the other handlers run with an error: that must not count as one more
// loss.
void SupervisorLink::connect() {
    ++connection_;
    socket_ = asio::local::stream_protocol::socket(io_);
    error_code error_opening;
    socket_.open(asio::local::stream_protocol(), error_opening);
    if (error_opening) return lost();
    net::close_on_exec(socket_);
    reader_ = {};
    socket_.async_connect(
        asio::local::stream_protocol::endpoint(path_),
        [this, connection = connection_](error_code error) {
            if (connection != connection_ || closed_) return;
            if (error) return lost();
            connected_ = true;
            out_ = cluster::encode(
                cluster::Hello{.token = token_, .storm_version = STORM_VERSION, .pid = ::getpid()});
            // The Supervisor may be a new one, and knows nothing of this worker but its Hello.
            unsent_ = last_.has_value();
            write();
            read();
        });
}

void SupervisorLink::lost() {
    if (std::exchange(connected_, false))
        base::log::warn("the Supervisor is away; working on", {{"socket", path_}});
    // At each attempt in vain: nobody else cuts the logs meanwhile.
    keep_own_logs_short();
    ++connection_;
    writing_ = false;
    out_.clear();
    error_code ignored;
    socket_.close(ignored);
    retry_.expires_after(kRetry);
    retry_.async_wait([this](error_code error) {
        if (!error && !closed_) connect();
    });
}

void SupervisorLink::read() {
    socket_.async_read_some(asio::buffer(in_),
                            [this, connection = connection_](error_code error, std::size_t bytes) {
                                if (connection != connection_ || closed_) return;
                                if (error) return lost();
                                reader_.append(std::string_view(in_).substr(0, bytes));
                                const auto messages = reader_.take();
                                if (!messages) {
                                    base::log::error(messages.error().message);
                                    return lost();
                                }
                                for (const cluster::ToWorker& message : *messages)
                                    on_message_(message);
                                read();
                            });
}

void SupervisorLink::report(const cluster::WorkerReport& report) {
    last_ = report;
    unsent_ = true;
    if (connected_) write();
}

// Only the last report is kept while one is being written, so a Supervisor that reads slowly costs
// no memory.
void SupervisorLink::write() {
    if (writing_) return;
    if (out_.empty()) {
        if (!std::exchange(unsent_, false)) return;
        out_ = cluster::encode(cluster::ToSupervisor(*last_));
    }
    writing_ = true;
    asio::async_write(socket_, asio::buffer(out_),
                      [this, connection = connection_](error_code error, std::size_t) {
                          if (connection != connection_ || closed_) return;
                          writing_ = false;
                          out_.clear();
                          if (error) return lost();
                          write();
                      });
}

void SupervisorLink::close() {
    closed_ = true;
    retry_.cancel();
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace storm::worker
