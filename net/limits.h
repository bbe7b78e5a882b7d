// All limits of the network.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::net {

/// Connections of one HTTP server. One more closes the connection that has been silent longest.
inline constexpr std::size_t kHttpConnectionsMax = 256;
/// Request line and headers of one request.
inline constexpr std::uint32_t kHttpHeaderBytesMax = 8 * 1024;
inline constexpr std::uint64_t kHttpBodyBytesMax = 1024 * 1024;
/// Bodies that are streamed to or from a file.
inline constexpr std::uint64_t kHttpFileBytesMax = 512 * 1024 * 1024;
/// Response that a client keeps in memory.
inline constexpr std::uint64_t kHttpResponseBytesMax = 64 * 1024 * 1024;
/// Size of one read from a connection, or from a file that is sent.
inline constexpr std::size_t kHttpPieceBytes = 64 * 1024;
/// Time from a request's first byte, or from the last response, until the request is complete. For
/// streamed bodies: until their next piece.
inline constexpr std::chrono::seconds kHttpRequestTimeout{10};
/// A streamed body must bring at least this much in each period: 17 kB/s.
inline constexpr std::chrono::minutes kHttpUploadPeriod{1};
inline constexpr std::uint64_t kHttpUploadBytesMin = 1024 * 1024;
/// A client's file, sent or saved, must move at least this much in each period: 17 kB/s as well.
inline constexpr std::chrono::milliseconds kHttpFilePeriod{15'000};
inline constexpr std::uint64_t kHttpFileBytesMin = 256 * 1024;
/// Time for a file between daemons, on the whole: this long, and a second for so many bytes.
inline constexpr std::chrono::milliseconds kHttpFileGrace{30'000};
inline constexpr std::uint64_t kHttpFileBytesPerSecMin = 128 * 1024;
/// Time for the peer to take the next piece of the response.
inline constexpr std::chrono::seconds kHttpResponseTimeout{10};
/// How long, and how much, a server goes on reading after it has refused a body. Closing a
/// connection with unread data may lose the response.
inline constexpr std::chrono::seconds kHttpLingerTimeout{2};
inline constexpr std::uint64_t kHttpLingerBytesMax = 8 * 1024 * 1024;
/// Pause after accept() has failed, for instance for lack of file descriptors.
inline constexpr std::chrono::milliseconds kHttpAcceptPause{100};

/// A proof of the token is valid only this long after its nonce was issued.
inline constexpr base::Micros kDigestNonceLife = 60 * base::kMicrosPerSecond;
/// Size of the random secret that seals the nonces of a process.
inline constexpr std::size_t kNonceSecretBytes = 32;
/// Conversations that a server remembers within that time, for each of the two tokens: one for each
/// client. Beyond that the conversation with the oldest nonce has to begin anew.
inline constexpr std::size_t kDigestConversationsMax = 32 * 1024;
/// Servers whose nonces a client keeps. Beyond that it forgets them all, and asks again.
inline constexpr std::size_t kDigestServersMax = 256;

}  // namespace storm::net
