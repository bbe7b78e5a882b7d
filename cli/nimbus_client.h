// The command line's view of Nimbus: JSON in, JSON out.
//
//     NimbusClient nimbus(config);                       // nimbus.seeds, nimbus.port, the token
//     Json topologies = nimbus.get("/api/v1/topologies");
//
// The seeds are tried in order until one answers, at first each for a moment. Requests that only
// the leader can serve are redirected to it. The token itself is never sent (net/token_client.h);
// with a token, only servers that know it too are believed, and everything that is not a Nimbus is
// passed over.
//
// Every problem is a Failure: its code is that of the contract, its hint names the setting.
//
// Threads: one.
// Cost:    a connection per call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <storm/config.h>

#include "cli/json.h"
#include "cli/patience.h"
#include "net/address.h"
#include "net/http_client.h"
#include "net/token_client.h"

namespace storm::cli {

/// net::parse_address(). Throws Failure.
net::Address address_of(const std::string& text, std::uint16_t default_port);
/// Parsed from "http://host:port/path". Throws Failure.
struct Location {
    net::Address address;
    std::string target;

    friend bool operator==(const Location&, const Location&) = default;
};
Location location_of(const std::string& url);

/// A name as part of a target, with special characters escaped.
std::string escaped(std::string_view name);

/// The secret that requests prove, and the text if it is refused.
struct Token {
    std::string text;   ///< Empty: none.
    std::string where;  ///< "the token in \"x\"", or where it was looked for.
};
/// From $STORM_TOKEN_FILE, else storm.token.file, else <storm.local.dir>/token if that can be read,
/// else the one for reading: storm.readonly.token.file. Throws Failure if a file that was named is
/// unusable, or everybody may read it.
Token read_token(const Config& config);

class NimbusClient {
public:
    /// Throws Failure: no seeds, or no token where one is named.
    explicit NimbusClient(const Config& config);

    Json get(const std::string& target);
    /// The answer of /health, even if the cluster is unhealthy: the leader's, if a seed knows the
    /// leader and it answers, else the best one of the seeds.
    Json health();
    Json post(const std::string& target, const Json& body);

    /// From now on asks only the leader, for requests that must go to one and the same Nimbus.
    /// Waits for an election.
    void stay_with_leader(const Patience& patience);
    bool has_blob(const std::string& sha256);
    void put_blob(const std::string& sha256, const std::string& path,
                  std::function<void(std::uint64_t done, std::uint64_t total)> progress);

    /// A notice if Nimbus has left something out of an answer; else "".
    std::string withheld_text(const Json& answer) const;

    /// A part of a Supervisor's log. Needs the token.
    net::HttpResponse get_log(const Location& location);

private:
    struct Health {
        Json health;
        bool well = false;
    };
    /// Nothing: no Nimbus answers there. `quickly`: others may know more.
    std::optional<Health> health_of(const net::Address& nimbus, bool quickly);
    Json of_its_leader(Json health);
    using Outcome = net::TokenClient::Outcome;

    /// A server that does not answer like Nimbus is a stranger.
    net::TokenClient::Answer call(const net::HttpCall& wanted);
    /// Asks the seeds until one answers. Throws Failure unless the status is one of success.
    net::HttpResponse ask(net::HttpCall call);
    net::HttpResponse ask_any(net::HttpCall& call);
    /// Asks the first seed that answers at once; it is tried first from now on.
    std::optional<net::HttpResponse> ask_quickly(net::HttpCall call);
    [[noreturn]] void refuse(const net::HttpCall& call, const net::HttpResponse& response) const;

    std::vector<net::Address> seeds_;
    Token token_;
    net::TokenClient client_;
};

}  // namespace storm::cli
