// Nimbus, as the command line sees it: JSON in, JSON out.
//
//     NimbusClient nimbus(config);                       // nimbus.seeds, nimbus.port, the token
//     Json topologies = nimbus.get("/api/v1/topologies");
//
// The seeds are tried in order until one answers: first, each for a moment. What only the leader
// does is sent on to it. The token itself is never sent (net/token_client.h), and with one only
// those are believed who know it, too; what is no Nimbus is passed over.
// Every trouble is a Failure: its code is that of the contract, its hint names the setting.
//
// Threads: one. Cost: a connection for each call.
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
#include "net/http_client.h"
#include "net/token_client.h"

namespace storm::cli {

struct Address {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const Address&, const Address&) = default;
};
std::string to_string(const Address& address);  ///< "host:port"; "[::1]:6627".
/// "host", "host:port", "[::1]:port". Throws Failure.
Address address_of(const std::string& text, std::uint16_t default_port);
/// Of "http://host:port/path". Throws Failure.
struct Location {
    Address address;
    std::string target;

    friend bool operator==(const Location&, const Location&) = default;
};
Location location_of(const std::string& url);

/// A name as part of a target: what has a meaning there is escaped.
std::string escaped(std::string_view name);

/// The secret that requests prove, and what to tell when it is refused.
struct Token {
    std::string text;   ///< Empty: there is none.
    std::string where;  ///< "the token in \"x\"", or where one was looked for.
};
/// From $STORM_TOKEN_FILE, else storm.token.file, else <storm.local.dir>/token where that can be
/// read; where there is none of these, the one for reading: storm.readonly.token.file. Throws
/// Failure for a file that was named and is of no use, also as everybody may read it.
Token read_token(const Config& config);

class NimbusClient {
public:
    /// Throws Failure: no seeds, or no token where one is said to be.
    explicit NimbusClient(const Config& config);

    Json get(const std::string& target);
    /// What /health says, also of a cluster that is not well: of the leader, if one of the seeds
    /// knows it and it answers, else of the best of the seeds.
    Json health();
    Json post(const std::string& target, const Json& body);

    /// From now on only the leader is asked: for what must be at one and the same place. Waits for
    /// an election.
    void stay_with_leader(const Patience& patience);
    bool has_blob(const std::string& sha256);
    void put_blob(const std::string& sha256, const std::string& path,
                  std::function<void(std::uint64_t done, std::uint64_t total)> progress);

    /// What to tell of an answer from which Nimbus has left something out; else "".
    std::string withheld_text(const Json& answer) const;

    /// A Supervisor's log. Needs the token.
    net::HttpResponse get_log(const Location& location);

private:
    struct Health {
        Json health;
        bool well = false;
    };
    /// Nothing: no Nimbus answers there. `quickly`: others may know more.
    std::optional<Health> health_of(const Address& nimbus, bool quickly);
    Json of_its_leader(Json health);
    using Outcome = net::TokenClient::Outcome;

    /// Who answers something else than Nimbus does is a stranger.
    net::TokenClient::Answer call(const net::HttpCall& wanted);
    /// By whichever seed answers. Throws Failure unless the status is one of success.
    net::HttpResponse ask(net::HttpCall call);
    net::HttpResponse ask_any(net::HttpCall& call);
    /// By the first seed that answers at once, which is the first of them from now on.
    std::optional<net::HttpResponse> ask_quickly(net::HttpCall call);
    [[noreturn]] void refuse(const net::HttpCall& call, const net::HttpResponse& response) const;

    std::vector<Address> seeds_;
    Token token_;
    net::TokenClient client_;
};

}  // namespace storm::cli
