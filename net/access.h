// Decides what a client may do: it either sends `Authorization: Bearer TOKEN` (RFC 6750), as people
// do with curl, or proves the token without sending it (net/digest.h), as our own programs do.
//
// The decision is made once for each request, from its head. A body that the client has no right to
// send is neither read nor hashed.
//
// Threads: those of the server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "net/digest_nonces.h"
#include "net/http_message.h"
#include "net/limits.h"

namespace storm::net {

/// Nobody has an empty token.
struct Tokens {
    std::string full;
    std::string readonly;
};

class Doorkeeper {
public:
    /// `tokens` is called for each request that claims to have a token, so by anybody, and must be
    /// cheap. `secret` is random bytes of this process. `clock` must outlive this.
    Doorkeeper(std::function<Tokens()> tokens, const base::Clock& clock, std::string secret)
        : tokens_(std::move(tokens)), clock_(clock), nonces_(clock, std::move(secret)) {}

    /// A wrong token counts as none. A wrong proof is refused, with a nonce for the next one,
    /// because its client insists on being recognized.
    HttpRecognized recognize(const HttpRequest& head);
    /// Nothing if the request may do things that need `wanted`; otherwise the answer to it. `hint`
    /// says where to find the token.
    std::optional<HttpResponse> refuse_without(Access wanted, const HttpRequest& request,
                                               std::string_view hint);

private:
    HttpRecognized recognize_digest_(const HttpRequest& head, std::string_view header,
                                     const Tokens& tokens);
    HttpResponse refusal_(std::string_view why, std::string_view hint, bool stale = false);

    const std::function<Tokens()> tokens_;
    const base::Clock& clock_;
    DigestNonces nonces_;
    // One for each token: readers can fill only their own.
    NonceBook changing_{kDigestConversationsMax};
    NonceBook reading_{kDigestConversationsMax};
};

}  // namespace storm::net
