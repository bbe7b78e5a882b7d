#include "worker/serve/nimbus_answer.h"

#include <utility>

#include "base/sha256.h"
#include "cluster/record_codec.h"
#include "cluster/sealed_answer.h"

namespace storm::worker {
namespace {

using Answer = Lease::Answer;

NimbusAnswer not_believed(std::string why) {
    return {Answer::kNone, std::nullopt, std::move(why)};
}

}  // namespace

// The seal is looked at before the answer is: it covers status, body and this question's challenge,
// so an old answer, or that to another worker's question, says nothing. Only 200 and 410 can
// prolong a lease or end a worker; for any other status there is nothing to believe.
NimbusAnswer answer_in(const net::HttpResponse& response, const AskedNimbus& asked) {
    if (response.status != 200 && response.status != 410) return {};
    const auto seal = net::header_of(response.headers, cluster::kAnswerSealHeader);
    if (seal.empty()) return not_believed("it has no seal");
    const std::string body = base::sha256(response.body);
    if (!cluster::is_sealed({asked.topology, asked.challenge, response.status, body}, asked.key,
                            seal)) {
        return not_believed("its seal is wrong");
    }
    if (response.status == 410) return {Answer::kGone, std::nullopt};
    auto assignment = cluster::decode<cluster::Assignment>(response.body);
    if (!assignment) return not_believed(assignment.error().message);
    if (assignment->topology != asked.topology || assignment->epoch < asked.epoch) return {};
    return {Answer::kYours, std::move(assignment).value()};
}

}  // namespace storm::worker
