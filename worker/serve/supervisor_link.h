// A worker's connection to its Supervisor. The worker goes on without one.
//
// Threads: that of the io_context.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/files.h"
#include "cluster/worker_protocol.h"

namespace storm::worker {

class SupervisorLink {
public:
    using OnMessage = std::function<void(const cluster::ToWorker&)>;

    /// A path that starts with /proc/self/cwd is relative to the present directory.
    SupervisorLink(boost::asio::io_context& io, const std::string& path, std::string token,
                   OnMessage on_message);
    SupervisorLink(const SupervisorLink&) = delete;
    SupervisorLink& operator=(const SupervisorLink&) = delete;

    void start();
    /// Sends the report as soon as possible; of several waiting reports only the last one.
    void report(const cluster::WorkerReport& report);
    bool connected() const { return connected_; }
    /// Whether everything has been sent.
    bool idle() const { return !writing_ && !unsent_; }
    void close();

private:
    void connect();
    void lost();
    void read();
    void write();

    boost::asio::io_context& io_;
    // The folder of a relative path, because user code may change the directory.
    base::Descriptor folder_;
    const std::string path_;
    const std::string token_;
    const OnMessage on_message_;
    boost::asio::local::stream_protocol::socket socket_;
    boost::asio::steady_timer retry_;
    cluster::MessageReader<cluster::ToWorker> reader_;
    std::string in_;
    std::string out_;
    std::optional<cluster::WorkerReport> last_;  // Sent again after each connect.
    bool unsent_ = false;
    bool connected_ = false;
    bool writing_ = false;
    bool closed_ = false;
    std::uint64_t connection_ = 0;  // Handlers of former connections do nothing.
};

}  // namespace storm::worker
