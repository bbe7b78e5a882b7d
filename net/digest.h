// HTTP Digest (RFC 7616), as far as we use it: how two show each other that they know a token
// without sending it. SHA-256 only, and qop "auth-int", so that nothing of what is proved can be
// changed on the way.
//
//     key   = H(user ":" realm ":" token)
//     proof = H(key ":" nonce ":" nc ":" cnonce ":" qop ":" H(method ":" uri [":" H(body)]))
//
//     client                                        server
//       │ ◄── WWW-Authenticate: a nonce of its own ──── │
//       │ ──► Authorization: proof of the request ────► │  each (nonce, nc) is good for once
//       │ ◄── Authentication-Info: proof of the answer  │
//
// Threads: plain values, but for DigestNonces: one.
// Cost:    four hashes of some hundred bytes for a proof, and one of the body.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace storm::net {

inline constexpr const char* kDigestUser = "storm";
inline constexpr const char* kDigestRealm = "storm";
/// Tells the SHA-256 of a request's body before it comes, so that its head alone can be judged.
inline constexpr const char* kContentHashHeader = "storm-content-sha256";

struct DigestSecret {
    std::string user = kDigestUser;
    std::string realm = kDigestRealm;
    std::string token;
};
std::string digest_key(const DigestSecret& secret);

struct DigestTurn {
    std::string nonce;  ///< The server's.
    std::uint32_t nc = 1;
    std::string cnonce;  ///< The client's.
};
struct DigestSubject {
    std::string method;  ///< Empty: of an answer.
    std::string uri;
    std::string body_sha256;  ///< Empty: the body is not proved, which makes qop "auth".
};
/// 64 hex digits.
std::string digest_proof(const std::string& key, const DigestTurn& turn,
                         const DigestSubject& subject);

/// In WWW-Authenticate.
struct DigestChallenge {
    std::string realm = kDigestRealm;
    std::string nonce;
    bool stale = false;  ///< Only the nonce was wrong: try again with this one.
};
/// In Authorization.
struct DigestCredentials {
    std::string user = kDigestUser;
    std::string realm = kDigestRealm;
    std::string uri;
    DigestTurn turn;
    std::string proof;
};
/// In Authentication-Info.
struct DigestInfo {
    std::string proof;
    std::string next_nonce;  ///< Empty: the same one goes on.
    bool of_body = true;     ///< It proves the body, too.
};
std::string to_header(const DigestChallenge& challenge);
std::string to_header(const DigestCredentials& credentials);
std::string to_header(const DigestInfo& info, const DigestTurn& turn);
// Nothing: there is none that we could use, or it is malformed.
std::optional<DigestChallenge> digest_challenge(std::string_view header);
std::optional<DigestCredentials> digest_credentials(std::string_view header);
std::optional<DigestInfo> digest_info(std::string_view header);
/// Whether an Authorization is meant to be one of Digest's, however malformed.
bool is_digest(std::string_view header);

/// Of a request whose proof was right: what that of its answer is made of.
struct DigestReceipt {
    std::string key;
    DigestTurn turn;
    std::string uri;
    std::string body_sha256;  ///< That the request's body must have.
    std::string next_nonce;   ///< Empty: the same one goes on.
};
/// Authentication-Info of the answer. No hash: the body comes from a file, and is not proved.
std::string digest_answer(const DigestReceipt& receipt, const std::string& body_sha256);

/// The nonces of a server. They carry what is to be known of them under a seal, so that those who
/// only ask for one cost no memory; of those that were used well, it is kept how often.
class DigestNonces {
public:
    /// `secret`: random bytes of this process. `clock` must outlive this.
    DigestNonces(const base::Clock& clock, std::string secret)
        : clock_(clock), secret_(std::move(secret)) {}

    std::string issue();
    /// Issued here, less than kDigestNonceLife ago.
    bool is_good(std::string_view nonce) const;
    /// Whether a good one may be used so. Call it once the proof is known to be right: only then
    /// does it cost memory. False: that or a later one was here already, or there is no room to
    /// remember it.
    bool use(const DigestTurn& turn);
    /// It is good, and will not be for long.
    bool is_old(std::string_view nonce) const;

private:
    using Issue = std::pair<base::Micros, std::uint64_t>;  // When, and the how many-eth.

    std::string seal_(std::string_view issue) const;
    std::optional<Issue> issue_of_(std::string_view nonce) const;

    const base::Clock& clock_;
    const std::string secret_;
    std::uint64_t issued_ = 0;
    std::map<Issue, std::uint32_t> used_;  // The last nc. The oldest first.
};

}  // namespace storm::net
