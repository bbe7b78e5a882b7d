#include "net/token_client.h"

#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "net/address.h"
#include "net/answer_proof.h"
#include "net/digest.h"
#include "net/limits.h"

namespace storm::net {
namespace {

using Answer = TokenClient::Answer;
using Outcome = TokenClient::Outcome;

constexpr std::size_t kCnonceBytes = 16;

std::string address_of(const HttpCall& wanted) {
    return to_string(Address{wanted.host, wanted.port});
}

Answer stranger(const HttpCall& wanted, const HttpResponse& response, const std::string& why) {
    Answer made{Outcome::kStranger};
    made.response.status = response.status;
    made.why = address_of(wanted) + " answers with status " + std::to_string(response.status) +
               ", but " + why;
    return made;
}

Answer unanswered(const base::Error& error) {
    return {never_reached(error) ? Outcome::kNotSent : Outcome::kLost, {}, error.message};
}

}  // namespace

Answer TokenClient::call(const HttpCall& wanted, const std::string& token) {
    if (token.empty()) {
        auto response = net::call(wanted);
        if (response) return {Outcome::kAnswered, std::move(response).value()};
        return unanswered(response.error());
    }
    // A nonce that was kept may have aged, or been displaced; one that was just issued has not. So
    // a second refusal would go on for ever.
    for (int tries = 0; tries < 2; ++tries) {
        Answer failed;
        auto nonce = nonce_of_(wanted, failed);
        if (!nonce) return failed;
        auto answer = try_(wanted, token, *std::move(nonce));
        if (answer) return *std::move(answer);
    }
    Answer failed{Outcome::kStranger};
    failed.response.status = 401;
    failed.why = address_of(wanted) + " takes none of the nonces that it gives";
    return failed;
}

std::optional<TokenClient::Nonce> TokenClient::nonce_of_(const HttpCall& wanted, Answer& failed) {
    // For a file only one that was not used yet: to be refused as too old would cost the upload.
    const auto known = nonces_.find(address_of(wanted));
    if (known != nonces_.end() && (wanted.body_file.empty() || known->second.uses == 0)) {
        return known->second;
    }
    HttpCall question;
    question.host = wanted.host;
    question.port = wanted.port;
    question.method = "HEAD";
    question.target = "/health";
    question.headers["Authorization"] = "Digest";  // This proves nothing yet.
    question.connect_timeout = wanted.connect_timeout;
    question.timeout = wanted.timeout;
    const bool has_file = !wanted.body_file.empty() || !wanted.save_file.empty();
    if (!has_file) question.deadline = wanted.deadline;  // A file may take minutes.
    const auto asked = net::call(question);
    if (!asked) {
        failed = {Outcome::kNotSent, {}, asked.error().message};
        return std::nullopt;
    }
    const auto challenge = digest_challenge(header_of(asked->headers, "www-authenticate"));
    if (asked->status != 401 || !challenge || challenge->realm != kDigestRealm) {
        failed = stranger(wanted, *asked, "does not show that it knows the token");
        return std::nullopt;
    }
    return Nonce{challenge->nonce};
}

std::optional<Answer> TokenClient::try_(const HttpCall& wanted, const std::string& token,
                                        Nonce nonce) {
    nonces_.erase(address_of(wanted));  // Kept again if all goes well.
    DigestCredentials shown;
    shown.uri = "http://" + address_of(wanted) + wanted.target;
    shown.turn = {nonce.text, ++nonce.uses, base::to_hex(base::random_bytes(kCnonceBytes))};
    const std::string key = digest_key({.token = token});
    HttpCall call = wanted;
    std::string hash(header_of(wanted.headers, kContentHashHeader));
    STORM_CHECK(wanted.body_file.empty() || !hash.empty(), "who uploads knows the hash");
    if (hash.empty()) hash = base::sha256(wanted.body);
    if (!wanted.body.empty()) call.headers[kContentHashHeader] = hash;
    shown.proof = digest_proof(key, shown.turn, {wanted.method, shown.uri, hash});
    call.headers["Authorization"] = to_header(shown);
    auto response = net::call(call);
    if (!response) return unanswered(response.error());
    const auto info = proved_answer(*response, key, shown);
    if (info) {
        keep_(wanted, info->next_nonce.empty() ? std::move(nonce) : Nonce{info->next_nonce});
        return Answer{Outcome::kAnswered, std::move(response).value()};
    }
    auto challenge = digest_challenge(header_of(response->headers, "www-authenticate"));
    const bool again = response->status == 401 && challenge && challenge->stale;
    if (!again) return stranger(wanted, *response, info.error().message);
    keep_(wanted, Nonce{std::move(challenge->nonce)});
    return std::nullopt;
}

void TokenClient::keep_(const HttpCall& wanted, Nonce nonce) {
    if (nonces_.size() >= kDigestServersMax) nonces_.clear();
    nonces_[address_of(wanted)] = std::move(nonce);
}

}  // namespace storm::net
