// The HTTP interface of a Supervisor. docs/http-api.md has the table.
//
// Threads: the loop's; logs are read on the thread of the Errands.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "daemon/errands.h"
#include "net/access.h"
#include "net/http_server.h"
#include "net/routes.h"
#include "supervisor/overview.h"
#include "supervisor/places.h"

namespace storm::supervisor {

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
    struct Call;  // A request, with the arguments in its path.
    struct Route;
    static const net::RouteTable<Route>& table_();

    void health_(const Call& call);
    void metrics_(const Call& call);
    void workers_(const Call& call);
    void log_(const Call& call);
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
