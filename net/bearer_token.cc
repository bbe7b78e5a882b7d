#include "net/bearer_token.h"

#include <boost/beast/core/string.hpp>

#include "base/secret.h"

namespace storm::net {

std::optional<HttpResponse> refuse_without_token(const HttpRequest& request, std::string_view token,
                                                 std::string_view hint) {
    constexpr boost::beast::string_view kBearer = "Bearer ";
    const auto header = request.headers.find("authorization");
    const bool given =
        header != request.headers.end() &&
        boost::beast::iequals(boost::beast::string_view(header->second).substr(0, kBearer.size()),
                              kBearer);
    if (given && !token.empty() &&
        base::same_secret(std::string_view(header->second).substr(kBearer.size()), token)) {
        return std::nullopt;
    }
    HttpResponse refused = HttpResponse::error(
        401, given ? "the request has a wrong token" : "the request has no token",
        "send `Authorization: Bearer TOKEN`; " + std::string(hint));
    refused.headers["WWW-Authenticate"] = "Bearer";
    return refused;
}

}  // namespace storm::net
