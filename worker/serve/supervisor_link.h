// A worker's connection to its Supervisor. The worker works on while there is none.
//
// Threads: those of the io_context, which is one.
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

    /// What begins with /proc/self/cwd counts from the directory as it is now.
    SupervisorLink(boost::asio::io_context& io, const std::string& path, std::string token,
                   OnMessage on_message);
    SupervisorLink(const SupervisorLink&) = delete;
    SupervisorLink& operator=(const SupervisorLink&) = delete;

    void start();
    /// Says it as soon as it can; of several reports only the last one.
    void report(const cluster::WorkerReport& report);
    bool connected() const { return connected_; }
    /// Whether everything has been said.
    bool idle() const { return !writing_ && !unsent_; }
    void close();

private:
    void connect();
    void lost();
    void read();
    void write();

    boost::asio::io_context& io_;
    base::Descriptor folder_;  // Of a path from the directory, which user code may change.
    const std::string path_;
    const std::string token_;
    const OnMessage on_message_;
    boost::asio::local::stream_protocol::socket socket_;
    boost::asio::steady_timer retry_;
    cluster::MessageReader<cluster::ToWorker> reader_;
    std::string in_;
    std::string out_;
    std::optional<cluster::WorkerReport> last_;  // Said again after each connect.
    bool unsent_ = false;
    bool connected_ = false;
    bool writing_ = false;
    bool closed_ = false;
    std::uint64_t connection_ = 0;  // Handlers of former ones do nothing.
};

}  // namespace storm::worker
