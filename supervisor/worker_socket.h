// The Unix socket on which workers report, and are told what to do.
//
// Who connects is nobody until its Hello: kHelloBytesMax and kHelloMicrosMax are all it gets, and
// kStrangersOfUserMax at a time is all the user of a topology gets: one cannot keep out another. A
// worker is known by its token, and by its process id, which the kernel tells (SO_PEERCRED). A
// connection of a worker that has one already replaces it.
//
// Threads: that of the io_context; callbacks come from it, never from inside a call.
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
        /// Whose worker this is: the port of its slot. Nothing: nobody's.
        std::function<std::optional<std::uint16_t>(const cluster::Hello&, pid_t)> recognize;
        std::function<void(std::uint16_t slot)> connected;
        std::function<void(std::uint16_t slot, cluster::WorkerReport)> reported;
        /// Whether workers of this user may run here. Null: all run as we do, and only we connect.
        std::function<bool(uid_t)> admits;
    };

    /// Mode 0600, or with `admits` 0666. What an earlier Supervisor left at `path` is removed.
    static base::Result<std::unique_ptr<WorkerSocket>> listen(boost::asio::io_context& io,
                                                              const std::string& path,
                                                              std::size_t connections_max,
                                                              Callbacks callbacks);
    WorkerSocket(const WorkerSocket&) = delete;
    WorkerSocket& operator=(const WorkerSocket&) = delete;
    ~WorkerSocket();

    /// Whether what bears its name is still it. May block, so for another thread: bound to what it
    /// looks at.
    std::function<bool()> look() const;
    /// Takes its name again, which something has taken away; connections stay.
    base::Result<base::Done> renew();

    /// To nobody, if it is not connected: connected() will come.
    void send(std::uint16_t slot, const cluster::ToWorker& message);
    void disconnect(std::uint16_t slot);

private:
    class Connection;
    struct State;
    explicit WorkerSocket(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace storm::supervisor
