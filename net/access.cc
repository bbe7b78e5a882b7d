#include "net/access.h"

#include <algorithm>
#include <utility>

#include <boost/beast/core/string.hpp>

#include "base/secret.h"
#include "base/sha256.h"

namespace storm::net {
namespace {

/// The token in a Bearer header; nothing if it is no such header.
std::optional<std::string_view> token_of(std::string_view header) {
    constexpr boost::beast::string_view kBearer = "Bearer ";
    const boost::beast::string_view scheme(header.data(), std::min(header.size(), kBearer.size()));
    if (!boost::beast::iequals(scheme, kBearer)) return std::nullopt;
    return header.substr(kBearer.size());
}

/// An empty token is one that is not there, and lets nobody in.
bool is(std::string_view given, std::string_view token) {
    return !token.empty() && base::same_secret(given, token);
}

/// The hash that the body must have. Empty if the head names something that is not a hash.
std::string named_body(const HttpRequest& head) {
    static const std::string kOfNothing = base::sha256("");
    const auto found = head.headers.find(kContentHashHeader);
    if (found == head.headers.end()) return kOfNothing;
    return base::is_sha256(found->second) ? found->second : std::string();
}

/// Our own programs prove the whole address, so nobody can pass their requests on to a server with
/// another name.
bool is_of(std::string_view uri, const HttpRequest& head) {
    return uri == head.target ||
           uri == "http://" + std::string(header_of(head.headers, "host")) + head.target;
}

}  // namespace

/// A wrong Bearer token is no refusal here: what is open answers anybody, and refuse_without()
/// tells the rest.
HttpRecognized Doorkeeper::recognize(const HttpRequest& head) {
    const std::string_view header = header_of(head.headers, "authorization");
    const auto given = token_of(header);
    if (!given && !is_digest(header)) return HttpCaller{};
    const Tokens tokens = tokens_();
    if (!given) return recognize_digest_(head, header, tokens);
    if (is(*given, tokens.full)) return HttpCaller{Access::kChange};
    return HttpCaller{is(*given, tokens.readonly) ? Access::kRead : Access::kOpen};
}

/// Cheapest first, so that a stranger costs little: form, then the seal of the nonce, and only then
/// hashes of the token. The book comes last: who has proved nothing must not use up a nonce.
HttpRecognized Doorkeeper::recognize_digest_(const HttpRequest& head, std::string_view header,
                                             const Tokens& tokens) {
    // Without a token nothing can be checked or proved.
    if (tokens.full.empty() && tokens.readonly.empty()) return HttpCaller{};
    const auto shown = digest_credentials(header);
    const std::string body = named_body(head);
    if (!shown || body.empty() || !is_of(shown->uri, head)) {
        return refusal_("the request proves no token", "prove it for this address and body");
    }
    const auto nonce = nonces_.read(shown->turn.nonce);
    if (!nonce) {
        return refusal_("the nonce is too old, or of another server", "take the new one", true);
    }
    for (const Access access : {Access::kChange, Access::kRead}) {
        const std::string& token = access == Access::kChange ? tokens.full : tokens.readonly;
        if (token.empty()) continue;
        const std::string key = digest_key({shown->user, kDigestRealm, token});
        const std::string proof = digest_proof(key, shown->turn, {head.method, shown->uri, body});
        if (!base::same_secret(shown->proof, proof)) continue;
        NonceBook& book = access == Access::kChange ? changing_ : reading_;
        if (!book.use(*nonce, shown->turn.nc, clock_.now())) {
            return refusal_("the nonce was used before", "take the new one", true);
        }
        return HttpCaller{access,
                          DigestReceipt{key, shown->turn, shown->uri, body, nonces_.next(*nonce)}};
    }
    return refusal_("the request proves another token", "it is not the one of this server");
}

/// 403 for who is known and may not, 401 for who is not known: the latter gets a nonce to begin
/// with.
std::optional<HttpResponse> Doorkeeper::refuse_without(Access wanted, const HttpRequest& request,
                                                       std::string_view hint) {
    const Access has = request.caller.access;
    if (has >= wanted) return std::nullopt;
    if (has == Access::kRead) {
        return HttpResponse::error(403, "the request's token is for reading only",
                                   "send the other one; " + std::string(hint));
    }
    const bool has_token = token_of(header_of(request.headers, "authorization")).has_value();
    return refusal_(has_token ? "the request has a wrong token" : "the request has no token",
                    "send `Authorization: Bearer TOKEN`; " + std::string(hint));
}

HttpResponse Doorkeeper::refusal_(std::string_view why, std::string_view hint, bool stale) {
    HttpResponse refused = HttpResponse::error(401, why, hint);
    // Both challenges go into one header (RFC 7235, 4.1), because HttpHeaders has one of each name.
    refused.headers["WWW-Authenticate"] =
        "Bearer, " + to_header(DigestChallenge{kDigestRealm, nonces_.issue(), stale});
    return refused;
}

}  // namespace storm::net
