#include "cluster/sealed_answer.h"

#include "base/secret.h"
#include "base/sha256.h"

namespace storm::cluster {
namespace {

// Texts that name the use of a key, so that no other use of the same secret gives the same bytes.
constexpr std::string_view kKeyPurpose = "storm 1: answers to workers:";
constexpr std::string_view kSealPurpose = "storm 1: answer to a worker";
constexpr std::size_t kChallengeBytes = 32;

/// Puts the length before each field, so that no two lists of fields give the same text.
void add(std::string& text, std::string_view field) {
    text += std::to_string(field.size()) + ':';
    text += field;
}

}  // namespace

std::string answer_key(std::string_view secret, std::string_view topology) {
    return base::hmac_sha256(secret, std::string(kKeyPurpose).append(topology));
}

std::string new_challenge() {
    return base::to_hex(base::random_bytes(kChallengeBytes));
}

bool is_challenge(std::string_view text) {
    return base::is_sha256(text);  // It has the same form.
}

/// Over the hash of the body, not the body: whoever answers many questions about one assignment
/// hashes it once.
std::string seal_of(const SealedAnswer& answer, std::string_view key) {
    std::string text;
    add(text, kSealPurpose);
    add(text, answer.topology);
    add(text, answer.challenge);
    add(text, std::to_string(answer.status));
    add(text, answer.body_sha256);
    return base::to_hex(base::hmac_sha256(key, text));
}

bool is_sealed(const SealedAnswer& answer, std::string_view key, std::string_view seal) {
    return base::same_secret(seal_of(answer, key), seal);
}

}  // namespace storm::cluster
