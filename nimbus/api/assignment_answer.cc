#include "nimbus/api/assignment_answer.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/sha256.h"
#include "cluster/sealed_answer.h"
#include "net/routes.h"
#include "nimbus/topology_store/followed_topologies.h"

namespace storm::nimbus {
namespace {

using net::HttpResponse;

/// The number in "…?worker=N".
std::optional<std::uint32_t> worker_in(std::string_view target) {
    for (const auto& [key, digits] : net::query_of(target)) {
        if (key != "worker") continue;
        std::uint32_t worker = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), worker);
        if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        return worker;
    }
    return std::nullopt;
}

}  // namespace

std::optional<HttpResponse> assignment_answer(const net::HttpRequest& request,
                                              const std::string& topology, Topologies& topologies) {
    const auto challenge = net::header_of(request.headers, cluster::kChallengeHeader);
    if (!challenge.empty() && !cluster::is_challenge(challenge)) {
        return HttpResponse::error(400, "the challenge is not 64 hex digits in lower case");
    }
    HttpResponse made;
    std::string sha256;
    if (const WrittenAssignment* const found = topologies.assignment(topology)) {
        if (const auto worker = worker_in(request.target)) topologies.asked(topology, *worker);
        made.content_type = "application/octet-stream";
        made.body = found->bytes;
        sha256 = found->sha256;
    } else if (topologies.was_removed(topology)) {
        made =
            HttpResponse::error(410, "the topology with the id \"" + topology + "\" was removed");
        sha256 = base::sha256(made.body);
    } else {
        return std::nullopt;
    }
    const std::string* const key = topologies.answer_key(topology);
    if (!challenge.empty() && key != nullptr) {
        made.headers[cluster::kAnswerSealHeader] =
            cluster::seal_of({topology, challenge, made.status, sha256}, *key);
    }
    return made;
}

}  // namespace storm::nimbus
