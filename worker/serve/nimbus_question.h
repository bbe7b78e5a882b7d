// Asks Nimbus for a topology's assignment, so that a worker learns when it is no longer wanted
// while its Supervisor is away. Reading needs no credential.
//
// Threads: that of the io_context. Each question runs on a thread of its own, for which the
//          destructor waits: at most kAskTries times kAskTimeout, once connected.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/thread.h"
#include "cluster/records.h"
#include "cluster/worker_protocol.h"
#include "worker/serve/lease.h"

namespace storm::worker {

class NimbusQuestion {
public:
    struct Said {
        Lease::Answer answer = Lease::Answer::kNone;
        /// Set with kYours: names the worker of the slot.
        std::optional<cluster::Assignment> assignment;
    };

    NimbusQuestion(boost::asio::io_context& io, std::string topology, std::uint32_t worker);
    NimbusQuestion(const NimbusQuestion&) = delete;
    NimbusQuestion& operator=(const NimbusQuestion&) = delete;
    ~NimbusQuestion();

    /// REQUIRES: the last question is answered. `then` is called on `io`'s thread, as long as this
    /// lives.
    void ask(std::vector<cluster::NimbusAddress> nimbuses, std::function<void(Said)> then);

private:
    boost::asio::io_context& io_;
    const std::string target_;
    std::optional<base::Thread> thread_;
    std::optional<cluster::NimbusAddress> last_;  // Answered last time, so it is asked first.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::worker
