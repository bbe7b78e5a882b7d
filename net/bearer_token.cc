#include "net/bearer_token.h"

#include <algorithm>

#include "base/secret.h"

namespace storm::net {

std::optional<HttpResponse> refuse_without_token(const HttpRequest& request, std::string_view token,
                                                 std::string_view hint) {
    constexpr std::string_view kBearer = "bearer ";  // In any case.
    const auto header = request.headers.find("authorization");
    const bool given =
        header != request.headers.end() && header->second.size() >= kBearer.size() &&
        std::equal(kBearer.begin(), kBearer.end(), header->second.begin(),
                   [](char one, char other) {
                       return one == (other >= 'A' && other <= 'Z' ? other - 'A' + 'a' : other);
                   });
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
