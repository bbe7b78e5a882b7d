// The HTTP interface of a Supervisor. docs/http-api.md has the table.
//
// Threads: the loop's; logs are read on the thread of the Errands.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "cluster/reports.h"
#include "daemon/errands.h"
#include "net/access.h"
#include "net/http_server.h"
#include "supervisor/places.h"
#include "supervisor/slot.h"

namespace storm::supervisor {

/// Source of /health and /metrics.
struct Overview {
    std::string zookeeper;     ///< Such as "connected".
    std::string refused;       ///< Why Nimbus refuses the reports; empty: it takes them.
    std::string disk;          ///< "hangs": a job with files takes long; empty: it is well.
    std::size_t in_doubt = 0;  ///< Topologies that run on though their assignment is unknown.
    std::size_t slots = 0;
    std::size_t slots_used = 0;
    std::array<std::uint64_t, kEndReasons> restarts{};
    cluster::SupervisorReport report;
};

class Api {
public:
    struct Sources {
        std::function<Overview()> overview;
        Places places;
        std::string token_file;  ///< Empty: no token; what needs it is refused.
        std::string readonly_token_file = {};
    };

    Api(daemon::Errands& files, Sources sources);

    net::HttpRecognized recognize(const net::HttpRequest& head) { return door_.recognize(head); }
    void answer(const net::HttpRequest& request, const net::HttpReply& reply);

private:
    void answer_log_(const net::HttpRequest& request, const net::HttpReply& reply);
    /// Nothing: the request may go on.
    std::optional<net::HttpResponse> refusal_(const net::HttpRequest& request);

    daemon::Errands& files_;
    const Sources sources_;
    base::SecretFile token_;
    base::SecretFile readonly_token_;
    const base::SteadyClock clock_;
    net::Doorkeeper door_;
};

}  // namespace storm::supervisor
