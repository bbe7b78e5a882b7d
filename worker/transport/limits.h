// Every limit of the links between workers, in one place.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace storm::worker {

/// Pause before the dialer dials again; doubled each time up to the maximum.
inline constexpr base::Micros kDialMicrosMin = 5 * base::kMicrosPerMilli;
inline constexpr base::Micros kDialMicrosMax = 50 * base::kMicrosPerMilli;
/// Time from connect() or accept() until the handshake is complete.
inline constexpr base::Micros kHandshakeMicros = 3 * base::kMicrosPerSecond;
/// Connections that have not proved their identity. For one more the oldest is closed, so that
/// silent strangers cannot keep others out.
inline constexpr std::size_t kStrangersMax = 64;
/// Warnings about refusals: this many at once, then one a second.
inline constexpr std::uint32_t kRefusalBurst = 10;

/// A link sends something this often, and is broken if it hears nothing for this long.
inline constexpr base::Micros kHeartbeatMicros = 500 * base::kMicrosPerMilli;
inline constexpr base::Micros kSilenceMicros = 3 * base::kMicrosPerSecond;
/// Time for one frame to arrive completely: 32 MB at 3 MB/s.
inline constexpr base::Micros kFrameMicros = 10 * base::kMicrosPerSecond;
/// After this many refused frames in a row the peer is fenced: it would only send them again. Not
/// if it follows a newer assignment than this worker does.
inline constexpr int kRefusalsMax = 8;
/// A link that has been down for this long may be fenced: whatever the peer held is lost, and the
/// peer must start anew.
inline constexpr base::Micros kGraceMicros = 5 * base::kMicrosPerSecond;

/// The durations that a Transport works with. Tests use shorter ones.
struct LinkTimes {
    base::Micros handshake = kHandshakeMicros;
    base::Micros heartbeat = kHeartbeatMicros;
    base::Micros silence = kSilenceMicros;
    base::Micros grace = kGraceMicros;

    /// A worker whose ticks are this far apart stood still in between.
    constexpr base::Micros frozen() const { return 4 * heartbeat; }
    /// Within this time both sides of a broken link complain of it. A link that only comes back
    /// later than others, because an attempt to connect was under way, is back by then.
    constexpr base::Micros collect() const { return silence + 2 * heartbeat; }
    /// A complaint that has not been repeated for this long has lapsed.
    constexpr base::Micros complaint() const { return 3 * heartbeat; }
};

/// A worker that has done its part stays at most this long for its peers to take what it has sent.
inline constexpr base::Micros kLeaveMicros = 10 * base::kMicrosPerSecond;
/// Interval between two looks at whether they have.
inline constexpr base::Micros kLeavePollMicros = 2 * base::kMicrosPerMilli;

/// How far a peer may exceed its credit, beyond what one call may emit, before its frames are
/// refused. A peer above its credit is read no faster than one batch per kHeartbeatMicros.
inline constexpr std::size_t kBeyondCreditBytesMax = 128U << 20;

/// Batches in one write. More would hold up control records.
inline constexpr std::size_t kWriteBytesMax = 256 * 1024;
/// Bytes sent without a receipt. Beyond this nothing more is sent.
inline constexpr std::size_t kRetainedBytesMax = 8 * 1024 * 1024;
/// A receipt is sent after this many bytes, and with each heartbeat.
inline constexpr std::size_t kReceiptBytes = 64 * 1024;
/// Size of one read.
inline constexpr std::size_t kReadBytes = 256 * 1024;
/// A read buffer that a large frame has made larger than this is given back after so many reads
/// without another one: after half a minute of heartbeats, or less.
inline constexpr std::size_t kBufferKeptBytes = 2U << 20;
inline constexpr int kSmallReadsMax = 64;
/// Bytes that the kernel may hold unsent before it takes no more (TCP_NOTSENT_LOWAT). A control
/// record has to wait for as many.
inline constexpr int kUnsentBytes = 256 * 1024;

}  // namespace storm::worker
