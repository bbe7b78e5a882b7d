// Who may: whoever sends `Authorization: Bearer TOKEN` (RFC 6750), as people do with curl, or
// proves the token without sending it (net/digest.h), as our own programs do.
//
// Decided once for each request, by its head: a body that nobody has a right to send is neither
// read nor hashed.
//
// Threads: those of the server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "net/digest.h"
#include "net/http_message.h"

namespace storm::net {

/// Empty: nobody has it.
struct Tokens {
    std::string full;
    std::string readonly;
};

class Doorkeeper {
public:
    /// `tokens` is asked only for requests that claim to have one. `secret`: random bytes of this
    /// process. `clock` must outlive this.
    Doorkeeper(std::function<Tokens()> tokens, const base::Clock& clock, std::string secret)
        : tokens_(std::move(tokens)), nonces_(clock, std::move(secret)) {}

    /// A wrong token is as good as none. But a proof that does not hold is refused, with the nonce
    /// for the next one: who sends it wants to be known.
    HttpRecognized recognize(const HttpRequest& head);
    /// Nothing: the request may do what needs `wanted`. Otherwise what to answer; `hint` says where
    /// to find the token.
    std::optional<HttpResponse> refuse_without(Access wanted, const HttpRequest& request,
                                               std::string_view hint);

private:
    HttpRecognized recognize_digest_(const HttpRequest& head, std::string_view header,
                                     const Tokens& tokens);
    HttpResponse refusal_(std::string_view why, std::string_view hint, bool stale = false);

    const std::function<Tokens()> tokens_;
    DigestNonces nonces_;
};

}  // namespace storm::net
