// Asks Nimbus for a topology's assignment, so that a worker learns when it is no longer wanted
// while its Supervisor is away. Reading needs no credential; only sealed answers are believed
// (cluster/sealed_answer.h).
//
// Threads: that of the io_context. Each question runs on a thread of its own, for which the
//          destructor waits: at most kAskTries times kAskTimeout, once connected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "base/thread.h"
#include "cluster/worker_protocol.h"
#include "worker/serve/nimbus_answer.h"

namespace storm::worker {

/// Chooses the Nimbuses for the next question. The one that answered last comes first. After a
/// question without an answer others come first, so that strangers do not keep a Nimbus from being
/// asked.
class AskOrder {
public:
    /// Returns at most kAskTries of them.
    std::vector<cluster::NimbusAddress> next(std::vector<cluster::NimbusAddress> nimbuses) const;
    /// Notes who has answered; nothing: nobody has.
    void answered(std::optional<cluster::NimbusAddress> by);

private:
    std::optional<cluster::NimbusAddress> last_;
    std::size_t in_vain_ = 0;  // Questions since the last answer.
};

class NimbusQuestion {
public:
    struct Asker {
        std::string topology;
        std::string secret;  ///< The secret that the topology's workers share.
        std::uint32_t worker = 0;
    };

    NimbusQuestion(boost::asio::io_context& io, const base::Clock& clock, const Asker& asker);
    NimbusQuestion(const NimbusQuestion&) = delete;
    NimbusQuestion& operator=(const NimbusQuestion&) = delete;
    ~NimbusQuestion();

    /// `epoch` is that of the assignment that the worker follows.
    /// REQUIRES: the last question is answered. `then` is called on `io`'s thread, as long as this
    /// lives.
    void ask(const std::vector<cluster::NimbusAddress>& nimbuses, std::uint64_t epoch,
             std::function<void(NimbusAnswer)> then);

private:
    struct Outcome {
        NimbusAnswer answer;
        std::optional<cluster::NimbusAddress> by;
        std::vector<std::pair<cluster::NimbusAddress, std::string>> distrusted;
    };
    static Outcome ask_all(const std::vector<cluster::NimbusAddress>& nimbuses,
                           const std::string& target, AskedNimbus asked);
    void warn_of(const Outcome& outcome);

    boost::asio::io_context& io_;
    const base::Clock& clock_;
    const std::string topology_;
    const std::string key_;
    const std::string target_;
    std::optional<base::Thread> thread_;
    AskOrder order_;
    std::map<std::string, base::Micros> warned_;  // Addresses warned of within kDistrustInterval.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::worker
