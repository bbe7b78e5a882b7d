// Proves to a worker whose Supervisor is away that a Nimbus of its cluster answers it. Only
// somebody who knows the topology's secret, or the token, can make the key that seals the answer.
//
//     worker                                               listener at a Nimbus' address
//       │ ──► GET /api/v1/assignments/ID, a new challenge ─────────► │
//       │ ◄── status, body, and the seal of these and the challenge ─│
//
//     key  = HMAC(secret of the topology's workers, purpose and id)
//     seal = HMAC(key, purpose, id, challenge, status, SHA-256 of the body), each after its length
//
// The key has no other use. It outlives the topology in the mark of its removal (Removal), so that
// "it was removed" can be sealed as well. docs/decisions/0017-sealed-answers.md has the reasons.
//
// Threads: pure functions; new_challenge(): any.
// Cost:    microseconds for a seal, which is one HMAC of some hundred bytes. A caller may keep the
//          hash of a body that it sends often.
#pragma once

#include <string>
#include <string_view>

namespace storm::cluster {

/// Headers of the question and of the answer.
inline constexpr const char* kChallengeHeader = "storm-challenge";
inline constexpr const char* kAnswerSealHeader = "storm-seal";

struct SealedAnswer {
    std::string_view topology;  ///< Its id.
    std::string_view challenge;
    int status = 0;                ///< HTTP status.
    std::string_view body_sha256;  ///< Written by base::sha256().
};

/// `secret` is the one that the topology's workers share, not the one in ZooKeeper.
std::string answer_key(std::string_view secret, std::string_view topology);
/// Returns 64 random hex digits in lower case.
std::string new_challenge();
/// Whether `text` has the form of a challenge.
bool is_challenge(std::string_view text);
/// Returns 64 hex digits.
std::string seal_of(const SealedAnswer& answer, std::string_view key);
/// Compares in a time that does not depend on where `seal` differs.
bool is_sealed(const SealedAnswer& answer, std::string_view key, std::string_view seal);

}  // namespace storm::cluster
