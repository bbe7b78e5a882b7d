// The Unix socket on which workers report, and receive their orders.
//
// A connection is nobody's until its Hello, for which it gets kHelloBytesMax and kHelloMicrosMax;
// a topology's user has at most kStrangersOfUserMax such connections, so that one user cannot keep
// out another. A worker is recognized by its token and by its process id, which the kernel tells
// (SO_PEERCRED). A new connection of a worker replaces its old one.
//
// Threads: that of the io_context, which also makes the callbacks, never from inside a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "cluster/worker_protocol.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace storm::supervisor {

class WorkerSocket {
public:
    struct Callbacks {
        /// The port of the worker's slot; nothing: it is not a worker of ours.
        std::function<std::optional<std::uint16_t>(const cluster::Hello&, pid_t)> recognize;
        std::function<void(std::uint16_t slot)> connected;
        std::function<void(std::uint16_t slot, cluster::WorkerReport)> reported;
        /// Whether workers of this user may run here. Null: all run as we do, and only our user may
        /// connect.
        std::function<bool(uid_t)> admits;
    };

    /// Mode 0600, or 0666 with `admits`. Removes what an earlier Supervisor left at `path`.
    static base::Result<std::unique_ptr<WorkerSocket>> listen(boost::asio::io_context& io,
                                                              const std::string& path,
                                                              std::size_t connections_max,
                                                              Callbacks callbacks);
    WorkerSocket(const WorkerSocket&) = delete;
    WorkerSocket& operator=(const WorkerSocket&) = delete;
    ~WorkerSocket();

    /// A function that tells whether the socket still has its name. It may block, so it is bound to
    /// its own data and may run on another thread.
    std::function<bool()> look() const;
    /// Takes the name again after something has removed it; connections stay.
    base::Result<base::Done> renew();

    /// Ignored if the worker is not connected: connected() will come.
    void send(std::uint16_t slot, const cluster::ToWorker& message);
    void disconnect(std::uint16_t slot);

private:
    class Connection;
    struct State;
    explicit WorkerSocket(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace storm::supervisor
