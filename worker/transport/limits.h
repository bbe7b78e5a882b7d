// Every limit of the links between workers, in one place.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace storm::worker {

/// Who dials again: after this long, doubled up to the maximum.
inline constexpr base::Micros kDialMicrosMin = 5 * base::kMicrosPerMilli;
inline constexpr base::Micros kDialMicrosMax = 50 * base::kMicrosPerMilli;
/// From connect() or accept() until the handshake is done.
inline constexpr base::Micros kHandshakeMicros = 3 * base::kMicrosPerSecond;
/// Connections that have not proved who they are; for one more the oldest is closed, so that those
/// who say nothing keep nobody out.
inline constexpr std::size_t kStrangersMax = 64;
/// Logged refusals: this many at once, then one a second.
inline constexpr std::uint32_t kRefusalBurst = 10;

/// A link says something this often, and is given up for broken when it hears nothing for so long.
inline constexpr base::Micros kHeartbeatMicros = 500 * base::kMicrosPerMilli;
inline constexpr base::Micros kSilenceMicros = 3 * base::kMicrosPerSecond;
/// A frame that has begun must end within this time: 32 MB at 3 MB/s.
inline constexpr base::Micros kFrameMicros = 10 * base::kMicrosPerSecond;
/// A peer of which so many frames were refused, and none taken in between, is fenced: it would only
/// send them again.
inline constexpr int kRefusalsMax = 8;
/// A link that is down for this long may be fenced: what the peer held is lost, and it must start
/// anew.
inline constexpr base::Micros kGraceMicros = 5 * base::kMicrosPerSecond;

/// The times that a Transport keeps; shorter ones are for tests.
struct LinkTimes {
    base::Micros handshake = kHandshakeMicros;
    base::Micros heartbeat = kHeartbeatMicros;
    base::Micros silence = kSilenceMicros;
    base::Micros grace = kGraceMicros;

    /// Whose ticks are this far apart stood still meanwhile.
    constexpr base::Micros frozen() const { return 4 * heartbeat; }
    /// Of a broken link both sides complain within this time; and one that only comes back later
    /// than others, since an attempt to connect was on its way, is back.
    constexpr base::Micros collect() const { return silence + 2 * heartbeat; }
    /// Who has not repeated a complaint has none any more.
    constexpr base::Micros complaint() const { return 3 * heartbeat; }
};

/// A worker that has done its part stays for its peers to take what it has sent, at most this long.
inline constexpr base::Micros kLeaveMicros = 10 * base::kMicrosPerSecond;
/// How often it looks whether they have.
inline constexpr base::Micros kLeavePollMicros = 2 * base::kMicrosPerMilli;

/// What a peer may send beyond its credit and what one call may emit, before it is refused. Once it
/// has, it is read no faster than a batch in each kHeartbeatMicros until it keeps to its credit.
inline constexpr std::size_t kBeyondCreditBytesMax = 128U << 20;

/// Of batches in one write. More would hold up control records.
inline constexpr std::size_t kWriteBytesMax = 256 * 1024;
/// Sent, and not yet receipted: nothing more is sent then.
inline constexpr std::size_t kRetainedBytesMax = 8 * 1024 * 1024;
/// A receipt is sent for this much, and with each heartbeat.
inline constexpr std::size_t kReceiptBytes = 64 * 1024;
/// What is read at once, if it is there.
inline constexpr std::size_t kReadBytes = 256 * 1024;
/// Bytes that the kernel may hold unsent before it takes no more (TCP_NOTSENT_LOWAT): what a
/// control record may have to wait for.
inline constexpr int kUnsentBytes = 256 * 1024;

}  // namespace storm::worker
