// HTTP calls that prove a token without sending it, and believe only servers that prove it as well.
//
//     TokenClient client;
//     const auto answer = client.call(wanted, token);
//     if (answer.outcome != TokenClient::Outcome::kAnswered) …  // `why` tells
//
// The client first asks a server for a nonce, by a request that reveals nothing, and keeps the
// nonce for later calls. It always asks before an upload, so that none is sent only to be refused.
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
        kAnswered,  ///< The server has proved the token, if there is one.
        kNotSent,   ///< No server has seen the request.
        kLost,      ///< A server may have seen it, but there is no answer.
        kStranger,  ///< The answer is not proved.
    };
    struct Answer {
        Outcome outcome = Outcome::kNotSent;
        HttpResponse response = {};  ///< A stranger's has only its status.
        std::string why = {};        ///< Set unless answered. Names the address.
    };

    /// Like net::call() if the token is empty. Otherwise a `body_file` needs kContentHashHeader.
    Answer call(const HttpCall& wanted, const std::string& token);

private:
    struct Nonce {
        std::string text;
        std::uint32_t uses = 0;
    };

    /// On failure returns nothing and sets `failed`.
    std::optional<Nonce> nonce_of_(const HttpCall& wanted, Answer& failed);
    /// Nothing if the server says that only the nonce was wrong, and gives another one.
    std::optional<Answer> try_(const HttpCall& wanted, const std::string& token, Nonce nonce);
    void keep_(const HttpCall& wanted, Nonce nonce);

    std::map<std::string, Nonce> nonces_;  // Key: "host:port".
};

}  // namespace storm::net
