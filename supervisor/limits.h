// Every limit of a Supervisor that is not a setting, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::supervisor {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;

// ---- Starting again

/// Before the second start in a row that failed; the first one is at once. Doubles each time.
inline constexpr Micros kBackOffMin = 100 * kMicrosPerMilli;
inline constexpr Micros kBackOffMax = 30 * kMicrosPerSecond;
/// A worker that has run for so long has run well: the next start is at once again.
inline constexpr Micros kRanWell = 10 * kMicrosPerSecond;
/// What the first fenced end in a row skips of the incarnations' count; each further one 16 times
/// as much, up to the fifth.
inline constexpr std::uint32_t kFencedSkip = 16;
inline constexpr std::uint32_t kFencedSkipBits = 4;
inline constexpr std::uint32_t kFencedSkips = 5;
inline constexpr std::uint32_t kStartsMax = 0xffff'ffff;
/// So many ends within kCrashLoopWindow are a crash loop.
inline constexpr std::size_t kCrashLoopEnds = 5;
inline constexpr Micros kCrashLoopWindow = 60 * kMicrosPerSecond;
/// What a worker that is silent for too long gets on top, so that what has arrived meanwhile is
/// read first: it may have been the Supervisor that was stopped.
inline constexpr Micros kSecondLook = 1 * kMicrosPerSecond;

// ---- What ended workers leave behind

/// How often they are looked for while there are new ones (they may start others), and how long
/// their ends are waited for in all.
inline constexpr int kLeftoverPasses = 5;
inline constexpr Micros kLeftoverPatience = 500 * kMicrosPerMilli;
/// Of a process that is looked at. One with more is known by its session only.
inline constexpr std::size_t kEnvironmentBytesMax = 256 * 1024;

// ---- Workers' sockets

/// How often it is looked whether the socket has still its name.
inline constexpr Micros kSocketLookMicros = 2 * kMicrosPerSecond;

/// What one that has not said who it is may send, and how long it may take.
inline constexpr std::size_t kHelloBytesMax = 4 * 1024;
inline constexpr Micros kHelloMicrosMax = 5 * kMicrosPerSecond;
/// Connections besides one for each slot.
inline constexpr std::size_t kSpareConnections = 16;
/// What waits for a worker that does not read; the connection is closed then.
inline constexpr std::size_t kUnsentBytesMax = 8 * 1024 * 1024;
/// Logged refusals of connections: this many at once, then one in each interval.
inline constexpr std::uint32_t kRefusalsLogged = 5;
inline constexpr Micros kRefusalInterval = 10 * kMicrosPerSecond;

/// Of a Unix socket's path, without the final zero.
inline constexpr std::size_t kSocketPathMax = 107;

/// Between two rounds of vouching for the workers; a longer one means that this process was
/// stopped.
inline constexpr Micros kLateVouch = 3 * kMicrosPerSecond;

// ---- Workers

/// That can be asked for: more than any machine has.
inline constexpr std::uint64_t kMemoryMebibytesMax = 1ULL << 30;
/// Connections of one topology's user that have not said whose worker they are.
inline constexpr std::size_t kStrangersOfUserMax = 8;

// ---- Files

/// Of a log file, which is rotated before; so many older ones are kept: stderr.1 is the youngest.
inline constexpr std::uint64_t kLogBytesMax = 10 * 1024 * 1024;
inline constexpr unsigned kOldLogs = 4;
/// How often the logs' sizes are looked at while one grows fast (else: at each report).
inline constexpr Micros kFastLogMicros = 100 * kMicrosPerMilli;
inline constexpr std::uint64_t kFastLogBytes = 1024 * 1024;
/// Of a worker that has ended: told to Nimbus.
inline constexpr std::size_t kLastStderrLines = 20;
inline constexpr std::size_t kLastStderrBytes = 8 * 1024;
/// Of one answer of the logs' interface.
inline constexpr std::size_t kLogAnswerBytesMax = 1024 * 1024;
/// Artifacts are removed when no assignment has used them for so long, logs and state of a worker
/// when its topology has not been here for so long.
inline constexpr std::chrono::minutes kUnusedArtifactAge{10};
inline constexpr std::chrono::hours kOldWorkerAge{24};
inline constexpr Micros kCleanUpMicros = 600 * kMicrosPerSecond;
/// After a worker's state could not be written.
inline constexpr Micros kSaveRetryMicros = 5 * kMicrosPerSecond;
/// Of a topology's artifact.
inline constexpr std::uint64_t kArtifactBytesMax = 512ULL * 1024 * 1024;
/// Of one of our own small files: state, identity, token.
inline constexpr std::size_t kSmallFileBytesMax = 64 * 1024;

// ---- Nimbus

/// Changes within this time go in one report.
inline constexpr Micros kReportCoalesce = 20 * kMicrosPerMilli;
inline constexpr Micros kReportBusy = 1 * kMicrosPerSecond;
/// Less than nimbus.task.timeout.secs, and than Nimbus' kAliveUntilGone.
inline constexpr Micros kReportIdle = 3 * kMicrosPerSecond;
/// One Nimbus may take so long to take a report; then another one is asked. Much less than the time
/// after which a Supervisor that does not report is lost.
inline constexpr std::chrono::milliseconds kReportDeadline{5'000};
/// After a report that reached nobody; doubles.
inline constexpr Micros kReportRetryMin = 200 * kMicrosPerMilli;
inline constexpr Micros kReportRetryMax = 5 * kMicrosPerSecond;
/// Nimbuses that one report or download is tried with.
inline constexpr std::size_t kNimbusTries = 4;

// ---- Slots

/// When the port of a slot is somebody else's: until it is looked at again.
inline constexpr Micros kTakenPortMicros = 30 * kMicrosPerSecond;
/// Ports for slots with port 0 are looked for here: below those that the kernel gives away.
inline constexpr std::uint16_t kAnyPortMin = 12'000;
inline constexpr std::uint16_t kAnyPortMax = 32'000;
/// Things that wait for a thread that may block.
inline constexpr std::size_t kErrandsMax = 16 * 1024;

}  // namespace storm::supervisor
