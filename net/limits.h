// Every limit of the network, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::net {

/// Connections of one HTTP server; another one closes that which has been silent for longest.
inline constexpr std::size_t kHttpConnectionsMax = 256;
/// Request line and headers of one request.
inline constexpr std::uint32_t kHttpHeaderBytesMax = 16 * 1024;
inline constexpr std::uint64_t kHttpBodyBytesMax = 1024 * 1024;
/// Of bodies that are streamed: to a file or from one.
inline constexpr std::uint64_t kHttpFileBytesMax = 512 * 1024 * 1024;
/// Response that a client keeps in memory.
inline constexpr std::uint64_t kHttpResponseBytesMax = 64 * 1024 * 1024;
/// What is read from a connection, or from a file for it, at once.
inline constexpr std::size_t kHttpPieceBytes = 64 * 1024;
/// From a request's first byte, or from the last response, until the whole request is here. For
/// streamed bodies: until its next piece is.
inline constexpr std::chrono::seconds kHttpRequestTimeout{10};
/// So much of a streamed body, while it comes, in each such time: 17 kB/s.
inline constexpr std::chrono::minutes kHttpUploadPeriod{1};
inline constexpr std::uint64_t kHttpUploadBytesMin = 1024 * 1024;
/// Until the peer has taken the next piece of the response.
inline constexpr std::chrono::seconds kHttpResponseTimeout{10};
/// How long, and how much, a server goes on reading after it has refused a body: a connection that
/// is closed with something unread may lose the response too.
inline constexpr std::chrono::seconds kHttpLingerTimeout{2};
inline constexpr std::uint64_t kHttpLingerBytesMax = 8 * 1024 * 1024;
/// Before it accepts again after accept() has failed, as without free file descriptors.
inline constexpr std::chrono::milliseconds kHttpAcceptPause{100};

/// A proof of the token must come so soon after the nonce that it is made for.
inline constexpr base::Micros kDigestNonceLife = 60 * base::kMicrosPerSecond;
/// Random, of a process: what its nonces are sealed with.
inline constexpr std::size_t kNonceSecretBytes = 32;
/// Nonces within that time which were used by somebody who knows the token: some for each client.
inline constexpr std::size_t kDigestNoncesMax = 64 * 1024;
/// Servers whose nonces a client keeps; with more it forgets them all, and asks again.
inline constexpr std::size_t kDigestServersMax = 256;

}  // namespace storm::net
