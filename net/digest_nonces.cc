#include "net/digest_nonces.h"

#include "base/secret.h"
#include "base/sha256.h"
#include "net/fixed_hex.h"
#include "net/limits.h"

namespace storm::net {
namespace {

constexpr std::size_t kNumberDigits = 16;
constexpr std::size_t kSealDigits = 64;

}  // namespace

std::string DigestNonces::issue() {
    return sealed_({clock_.now(), ++conversations_});
}

/// In the same conversation, so the client keeps its place in the book; and not each time, since
/// the present one is good for as long again.
std::string DigestNonces::next(const DigestNonce& nonce) const {
    const base::Micros now = clock_.now();
    if (now - nonce.when < kDigestNonceLife / 2) return {};
    return sealed_({now, nonce.conversation});
}

std::string DigestNonces::sealed_(const DigestNonce& nonce) const {
    const std::string text =
        fixed_hex(nonce.when, kNumberDigits) + fixed_hex(nonce.conversation, kNumberDigits);
    return text + seal_(text);
}

std::string DigestNonces::seal_(std::string_view text) const {
    return base::to_hex(base::hmac_sha256(secret_, text));
}

std::optional<DigestNonce> DigestNonces::read(std::string_view text) const {
    if (text.size() != 2 * kNumberDigits + kSealDigits) return std::nullopt;
    const std::string_view sealed = text.substr(0, 2 * kNumberDigits);
    // The age first, since it costs nothing; the seal decides whether any of it is true.
    const auto when = from_fixed_hex<base::Micros>(sealed.substr(0, kNumberDigits), kNumberDigits);
    const auto conversation =
        from_fixed_hex<std::uint64_t>(sealed.substr(kNumberDigits), kNumberDigits);
    if (!when || !conversation || clock_.now() - *when >= kDigestNonceLife) return std::nullopt;
    if (!base::same_secret(text.substr(sealed.size()), seal_(sealed))) return std::nullopt;
    return DigestNonce{*when, *conversation};
}

/// Time and count of a conversation only rise, so each proof is good once. Of what the book has
/// forgotten it only knows how old it was; nothing as old begins a conversation again.
bool NonceBook::use(const DigestNonce& nonce, std::uint32_t nc, base::Micros now) {
    if (nc == 0) return false;
    while (!last_.empty() && now - last_.begin()->when >= kDigestNonceLife) forget_the_oldest_();
    const auto found = uses_.find(nonce.conversation);
    if (found == uses_.end()) {
        if (nonce <= forgotten_) return false;
        uses_.emplace(nonce.conversation, Use{nonce.when, nc});
        last_.insert(nonce);
        if (last_.size() > most_) forget_the_oldest_();
        return true;
    }
    Use& use = found->second;
    if (nonce.when < use.when || (nonce.when == use.when && nc <= use.nc)) return false;
    last_.erase({use.when, nonce.conversation});
    last_.insert(nonce);
    use = {nonce.when, nc};
    return true;
}

void NonceBook::forget_the_oldest_() {
    forgotten_ = *last_.begin();
    uses_.erase(forgotten_.conversation);
    last_.erase(last_.begin());
}

}  // namespace storm::net
