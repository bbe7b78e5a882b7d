#include "net/answer_proof.h"

#include <map>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "base/sha256.h"
#include "net/lower_case.h"

namespace storm::net {
namespace {

constexpr const char* kProofHeader = "storm-answer-proof";
constexpr std::string_view kOurHeaders = "x-storm-";
/// Keeps this apart from everything else that is computed with the key.
constexpr std::string_view kLabel = "storm answer 1";

/// None of the parts contains a line end, so different answers give different lines.
std::string proof_of(const HttpResponse& answer, const std::string& key, const DigestTurn& turn,
                     const std::string& uri, const std::string& body_sha256) {
    std::string said(kLabel);
    for (const std::string& line : {turn.nonce, std::to_string(turn.nc), turn.cnonce, uri,
                                    std::to_string(answer.status), body_sha256}) {
        said += '\n' + line;
    }
    std::map<std::string, std::string> ours;
    for (const auto& [name, value] : answer.headers) {
        const std::string lower = lower_case(name);
        if (lower.starts_with(kOurHeaders)) ours[lower] = value;
    }
    for (const auto& [name, value] : ours)
        said.append("\n").append(name).append(": ").append(value);
    return base::to_hex(base::hmac_sha256(key, said));
}

}  // namespace

/// Two proofs: Digest's own, which any client of the RFC understands, does not cover the status, so
/// a relay could turn a 404 into a 200 (decisions/0012).
void prove_answer(const DigestReceipt& receipt, const std::string& body_sha256,
                  HttpResponse& answer) {
    answer.headers["Authentication-Info"] = digest_answer(receipt, body_sha256);
    answer.headers[kProofHeader] =
        proof_of(answer, receipt.key, receipt.turn, receipt.uri, body_sha256);
}

base::Result<DigestInfo> proved_answer(const HttpResponse& answer, const std::string& key,
                                       const DigestCredentials& shown) {
    const base::Error unknown{"does not show that it knows the token"};
    auto info = digest_info(header_of(answer.headers, "authentication-info"));
    if (!info || !info->of_body) return unknown;
    const std::string hash = base::sha256(answer.body);
    // A server that knows the token, but lacks the second proof, is of an older version, or its
    // answer was changed on the way.
    const std::string of_body = digest_proof(key, shown.turn, {"", shown.uri, hash});
    if (!base::same_secret(info->proof, of_body)) return unknown;
    const std::string of_all = proof_of(answer, key, shown.turn, shown.uri, hash);
    if (!base::same_secret(header_of(answer.headers, kProofHeader), of_all)) {
        return base::Error{
            "does not prove that status: a relay changes its answers, or it is an older version"};
    }
    return *std::move(info);
}

}  // namespace storm::net
