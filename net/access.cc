#include "net/access.h"

#include <boost/beast/core/string.hpp>

#include "base/secret.h"

namespace storm::net {
namespace {

/// Nothing: the request has none.
std::optional<std::string_view> token_of(const HttpRequest& request) {
    constexpr boost::beast::string_view kBearer = "Bearer ";
    const auto header = request.headers.find("authorization");
    const bool given =
        header != request.headers.end() &&
        boost::beast::iequals(boost::beast::string_view(header->second).substr(0, kBearer.size()),
                              kBearer);
    if (!given) return std::nullopt;
    return std::string_view(header->second).substr(kBearer.size());
}

bool is(std::string_view given, std::string_view token) {
    return !token.empty() && base::same_secret(given, token);
}

}  // namespace

Access access_of(const HttpRequest& request, const Tokens& tokens) {
    const auto given = token_of(request);
    if (given && is(*given, tokens.full)) return Access::kChange;
    return given && is(*given, tokens.readonly) ? Access::kRead : Access::kOpen;
}

std::optional<HttpResponse> refuse_without(Access wanted, const HttpRequest& request,
                                           const Tokens& tokens, std::string_view hint) {
    const Access has = access_of(request, tokens);
    if (has >= wanted) return std::nullopt;
    if (has == Access::kRead) {
        return HttpResponse::error(403, "the request's token is for reading only",
                                   "send the other one; " + std::string(hint));
    }
    HttpResponse refused = HttpResponse::error(
        401, token_of(request) ? "the request has a wrong token" : "the request has no token",
        "send `Authorization: Bearer TOKEN`; " + std::string(hint));
    refused.headers["WWW-Authenticate"] = "Bearer";
    return refused;
}

}  // namespace storm::net
