// All limits of a Supervisor that are not settings.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::supervisor {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;

// ---- Restarts

/// Pause before the second restart in a row after a failure; the first comes at once. Doubles each
/// time.
inline constexpr Micros kBackOffMin = 100 * kMicrosPerMilli;
inline constexpr Micros kBackOffMax = 30 * kMicrosPerSecond;
/// A worker that has run this long has run well, and its next start comes at once again.
inline constexpr Micros kRanWell = 10 * kMicrosPerSecond;
/// Pause before a worker's history is read again that the disk did not give.
inline constexpr Micros kHistoryRetry = 1 * kMicrosPerSecond;
/// Incarnation numbers that the first fenced end in a row skips; each further one skips 16 times as
/// many, up to the fifth.
inline constexpr std::uint32_t kFencedSkip = 16;
inline constexpr std::uint32_t kFencedSkipBits = 4;
inline constexpr std::uint32_t kFencedSkips = 5;
inline constexpr std::uint32_t kStartsMax = 0xffff'ffff;
/// This many ends within kCrashLoopWindow are a crash loop.
inline constexpr std::size_t kCrashLoopEnds = 5;
inline constexpr Micros kCrashLoopWindow = 60 * kMicrosPerSecond;
/// Extra time for a silent worker, so that pending messages are read first: the Supervisor itself
/// may have been stopped.
inline constexpr Micros kSecondLook = 1 * kMicrosPerSecond;

// ---- Leftovers of ended workers

/// How often they are searched for while new ones appear (they may start others), and how long
/// their ends are waited for in total.
inline constexpr int kLeftoverPasses = 5;
inline constexpr Micros kLeftoverPatience = 500 * kMicrosPerMilli;
/// Environment of a process that is examined. If it is larger, only the session counts.
inline constexpr std::size_t kEnvironmentBytesMax = 256 * 1024;

// ---- Workers' sockets

/// Interval of checks that the socket still has its name.
inline constexpr Micros kSocketLookMicros = 2 * kMicrosPerSecond;

/// Bytes and time that a connection gets before its Hello.
inline constexpr std::size_t kHelloBytesMax = 4 * 1024;
inline constexpr Micros kHelloMicrosMax = 5 * kMicrosPerSecond;
/// Connections beyond one per slot.
inline constexpr std::size_t kSpareConnections = 16;
/// Data that waits for a worker which does not read; with more the connection is closed.
inline constexpr std::size_t kUnsentBytesMax = 8 * 1024 * 1024;
/// Refused connections in the log: this many at once, then one per interval.
inline constexpr std::uint32_t kRefusalsLogged = 5;
inline constexpr Micros kRefusalInterval = 10 * kMicrosPerSecond;

/// Length of a Unix socket's path, without the final zero.
inline constexpr std::size_t kSocketPathMax = 107;

/// A longer pause between two rounds of vouching means that this process was stopped.
inline constexpr Micros kLateVouch = 3 * kMicrosPerSecond;

// ---- Workers

/// Upper bound of a memory limit; more than any machine has.
inline constexpr std::uint64_t kMemoryMebibytesMax = 1ULL << 30;
/// Connections of one topology's user that have not said Hello.
inline constexpr std::size_t kStrangersOfUserMax = 8;

// ---- Files

/// Size at which a log file is rotated, and number of older ones kept; stderr.1 is the youngest.
inline constexpr std::uint64_t kLogBytesMax = 10 * 1024 * 1024;
inline constexpr unsigned kOldLogs = 4;
/// Interval of looks at the logs' sizes while one grows fast; otherwise at each report.
inline constexpr Micros kFastLogMicros = 100 * kMicrosPerMilli;
inline constexpr std::uint64_t kFastLogBytes = 1024 * 1024;
/// The part of an ended worker's stderr that is reported to Nimbus.
inline constexpr std::size_t kLastStderrLines = 20;
inline constexpr std::size_t kLastStderrBytes = 8 * 1024;
/// One answer of the logs' interface.
inline constexpr std::size_t kLogAnswerBytesMax = 1024 * 1024;
/// Artifacts are removed after this long without use in an assignment; logs and state of a worker
/// this long after its topology has left the host.
inline constexpr std::chrono::minutes kUnusedArtifactAge{10};
inline constexpr std::chrono::hours kOldWorkerAge{24};
inline constexpr Micros kCleanUpMicros = 600 * kMicrosPerSecond;
/// Pause after a worker's state could not be written.
inline constexpr Micros kSaveRetryMicros = 5 * kMicrosPerSecond;
/// A job with files that takes longer is told in /health: hashing and copying all of a topology's
/// artifacts is the longest.
inline constexpr Micros kFilesJobSlow = 20 * kMicrosPerSecond;
/// One that takes longer hangs: the Supervisor ends, so that Nimbus moves its workers.
inline constexpr Micros kFilesJobMax = 180 * kMicrosPerSecond;
/// Size of an artifact.
inline constexpr std::uint64_t kArtifactBytesMax = 512ULL * 1024 * 1024;
/// Size of the file that records the users given to topologies: one short line for each user.
inline constexpr std::size_t kGivenUsersBytesMax = 4 * 1024 * 1024;
/// Size of one of our own small files: state, identity, token.
inline constexpr std::size_t kSmallFileBytesMax = 64 * 1024;

// ---- Nimbus

/// Changes within this time go into one report.
inline constexpr Micros kReportCoalesce = 20 * kMicrosPerMilli;
inline constexpr Micros kReportBusy = 1 * kMicrosPerSecond;
/// Less than nimbus.task.timeout.secs and Nimbus' kAliveUntilGone.
inline constexpr Micros kReportIdle = 3 * kMicrosPerSecond;
/// Time for one Nimbus to take a report; then the next one is tried. Much less than the time after
/// which a silent Supervisor counts as lost.
inline constexpr std::chrono::milliseconds kReportDeadline{5'000};
/// Pause after a report that reached nobody; doubles.
inline constexpr Micros kReportRetryMin = 200 * kMicrosPerMilli;
inline constexpr Micros kReportRetryMax = 5 * kMicrosPerSecond;
/// Nimbuses that a report or download is tried with.
inline constexpr std::size_t kNimbusTries = 4;
/// Topologies that are downloaded at once.
inline constexpr std::size_t kDownloadThreads = 4;

// ---- Slots

/// Interval of looks at a slot's port that another program uses.
inline constexpr Micros kTakenPortMicros = 30 * kMicrosPerSecond;
/// Range of ports for slots with port 0: below those that the kernel hands out.
inline constexpr std::uint16_t kAnyPortMin = 12'000;
inline constexpr std::uint16_t kAnyPortMax = 32'000;
/// Jobs that may wait for a blocking thread.
inline constexpr std::size_t kErrandsMax = 16 * 1024;

}  // namespace storm::supervisor
