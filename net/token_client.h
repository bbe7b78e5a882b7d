// HTTP calls that prove a token without sending it, and believe only those who know it, too.
//
//     TokenClient client;
//     const auto answer = client.call(wanted, token);
//     if (answer.outcome != TokenClient::Outcome::kAnswered) …  // `why` tells
//
// A server is first asked for a nonce, by a request that says nothing; the nonce is kept for the
// next calls. An upload always asks before: it is not sent to be refused.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "net/http_client.h"
#include "net/http_message.h"

namespace storm::net {

class TokenClient {
public:
    enum class Outcome : std::uint8_t {
        kAnswered,  ///< By somebody who knows the token, if there is one.
        kNotSent,   ///< Nobody has seen the request.
        kLost,      ///< Somebody may have, but there was no answer.
        kStranger,  ///< Who answers does not show that it knows the token.
    };
    struct Answer {
        Outcome outcome = Outcome::kNotSent;
        HttpResponse response = {};  ///< Of a stranger: its status, and nothing to believe.
        std::string why = {};        ///< Unless it was answered. Names the address.
    };

    /// An empty token: as net::call(). With one, a `body_file` needs kContentHashHeader.
    Answer call(const HttpCall& wanted, const std::string& token);

private:
    struct Nonce {
        std::string text;
        std::uint32_t uses = 0;
    };

    /// Nothing: `failed` says why.
    std::optional<Nonce> nonce_of_(const HttpCall& wanted, Answer& failed);
    /// Nothing: it says that only the nonce was wrong, and has given another one.
    std::optional<Answer> try_(const HttpCall& wanted, const std::string& token, Nonce nonce);
    void keep_(const HttpCall& wanted, Nonce nonce);

    std::map<std::string, Nonce> nonces_;  // By "host:port".
};

}  // namespace storm::net
