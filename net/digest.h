// HTTP Digest (RFC 7616), as far as we use it: client and server prove to each other that they know
// a token without sending it. SHA-256 only, and qop "auth-int", so that method, address and body
// cannot be changed on the way.
//
//     key   = H(user ":" realm ":" token)
//     proof = H(key ":" nonce ":" nc ":" cnonce ":" qop ":" H(method ":" uri [":" H(body)]))
//
//     client                                        server
//       │ ◄── WWW-Authenticate: a nonce of its own ──── │  net/digest_nonces.h
//       │ ──► Authorization: proof of the request ────► │  each (nonce, nc) is good once
//       │ ◄── Authentication-Info: proof of the answer  │
//
// Threads: plain values.
// Cost:    four hashes of some hundred bytes for a proof, and one of the body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace storm::net {

inline constexpr const char* kDigestUser = "storm";
inline constexpr const char* kDigestRealm = "storm";
/// Names the SHA-256 of a request's body in advance, so that the head alone can be judged.
inline constexpr const char* kContentHashHeader = "storm-content-sha256";

struct DigestSecret {
    std::string user = kDigestUser;
    std::string realm = kDigestRealm;
    std::string token;
};
std::string digest_key(const DigestSecret& secret);

struct DigestTurn {
    std::string nonce;  ///< From the server.
    std::uint32_t nc = 1;
    std::string cnonce;  ///< From the client.
};
struct DigestSubject {
    std::string method;  ///< Empty for an answer.
    std::string uri;
    std::string body_sha256;  ///< Empty: the body is not proved, which makes qop "auth".
};
/// A proof has 64 hex digits.
std::string digest_proof(const std::string& key, const DigestTurn& turn,
                         const DigestSubject& subject);

/// Content of WWW-Authenticate.
struct DigestChallenge {
    std::string realm = kDigestRealm;
    std::string nonce;
    bool stale = false;  ///< Only the old nonce was wrong; try again with this one.
};
/// Content of Authorization.
struct DigestCredentials {
    std::string user = kDigestUser;
    std::string realm = kDigestRealm;
    std::string uri;
    DigestTurn turn;
    std::string proof;
};
/// Content of Authentication-Info.
struct DigestInfo {
    std::string proof;
    std::string next_nonce;  ///< Empty: go on with the same one.
    bool of_body = true;     ///< It proves the body, too.
};
std::string to_header(const DigestChallenge& challenge);
std::string to_header(const DigestCredentials& credentials);
std::string to_header(const DigestInfo& info, const DigestTurn& turn);
// These return nothing if the header is malformed, or has no Digest that we could use.
std::optional<DigestChallenge> digest_challenge(std::string_view header);
std::optional<DigestCredentials> digest_credentials(std::string_view header);
std::optional<DigestInfo> digest_info(std::string_view header);
/// Whether an Authorization header is meant to be Digest, however malformed.
bool is_digest(std::string_view header);

/// The parts of a request with a right proof that its answer's proof needs.
struct DigestReceipt {
    std::string key;
    DigestTurn turn;
    std::string uri;
    std::string body_sha256;  ///< The hash that the request's body must have.
    std::string next_nonce;   ///< Empty: go on with the same one.
};
/// Authentication-Info of the answer. An empty hash leaves the body unproved.
std::string digest_answer(const DigestReceipt& receipt, const std::string& body_sha256);

}  // namespace storm::net
