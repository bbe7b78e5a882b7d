// Asks Nimbus for a topology's assignment: a worker's way to learn that it is wanted no more while
// its Supervisor is away. Reading is free, so that no credential is needed.
//
// Threads: those of the io_context, which is one; each question is asked on a thread of its own,
//          which the destructor waits for: kAskTries times kAskTimeout at most, once connected.
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
        std::optional<cluster::Assignment> assignment;  ///< With kYours: whose it is, it says.
    };

    NimbusQuestion(boost::asio::io_context& io, std::string topology, std::uint32_t worker);
    NimbusQuestion(const NimbusQuestion&) = delete;
    NimbusQuestion& operator=(const NimbusQuestion&) = delete;
    ~NimbusQuestion();

    /// REQUIRES: the last question is answered. `then` is called from `io`, as long as this lives.
    void ask(std::vector<cluster::NimbusAddress> nimbuses, std::function<void(Said)> then);

private:
    boost::asio::io_context& io_;
    const std::string target_;
    std::optional<base::Thread> thread_;
    std::optional<cluster::NimbusAddress> last_;  // That has answered: asked first.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::worker
