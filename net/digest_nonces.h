// The nonces of a server, and a book of those that were used.
//
//     nonce = when · conversation · HMAC(secret, when · conversation)
//
// A nonce carries its own state under a seal, so clients that only ask for one cost no memory. Once
// a client has proved a token, a NonceBook records the last use of its conversation, not of each
// nonce. A client that goes on with the next nonce from an answer stays in its place in the book. A
// client that begins anew takes another place; in a full book that of the conversation with the
// oldest nonce. Forgotten nonces are never accepted again, because the book refuses to begin a
// conversation with a nonce that is as old as one it has forgotten.
//
// Threads: one.
// Cost:    an HMAC of 32 bytes to issue or read a nonce; two look-ups to use it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace storm::net {

struct DigestNonce {
    base::Micros when = 0;
    std::uint64_t conversation = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a null in it.
    friend auto operator<=>(const DigestNonce&, const DigestNonce&) = default;
};

class DigestNonces {
public:
    /// `secret`: random bytes of this process. `clock` must outlive this.
    DigestNonces(const base::Clock& clock, std::string secret)
        : clock_(clock), secret_(std::move(secret)) {}

    /// A nonce that begins a conversation.
    std::string issue();
    /// Nothing unless it was issued here less than kDigestNonceLife ago.
    std::optional<DigestNonce> read(std::string_view text) const;
    /// The nonce that its conversation is to go on with. Empty as long as this one is young.
    std::string next(const DigestNonce& nonce) const;

private:
    std::string sealed_(const DigestNonce& nonce) const;
    std::string seal_(std::string_view text) const;

    const base::Clock& clock_;
    const std::string secret_;
    std::uint64_t conversations_ = 0;
};

/// The last use in each conversation of clients that know one token.
class NonceBook {
public:
    explicit NonceBook(std::size_t most) : most_(most) {}

    /// Whether this nc of a good nonce may be used. Call it once the proof is known to be right,
    /// because it costs memory. False if this use, or a later one, has been or may have been here.
    bool use(const DigestNonce& nonce, std::uint32_t nc, base::Micros now);
    std::size_t size() const { return last_.size(); }

private:
    struct Use {
        base::Micros when = 0;  ///< Time of the youngest nonce that was used.
        std::uint32_t nc = 0;   ///< Last nc used with that nonce.
    };
    void forget_the_oldest_();

    const std::size_t most_;
    std::unordered_map<std::uint64_t, Use> uses_;  // Key: conversation.
    std::set<DigestNonce> last_;                   // The same, oldest first.
    DigestNonce forgotten_ = {-1, 0};              // The youngest that was forgotten.
};

}  // namespace storm::net
