// All limits of the command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::cli {

// ---- Nimbus and Supervisors ---------------------------------------------------------------------

/// Answers of 421 in a row that are followed: leaders may change meanwhile, but not endlessly.
inline constexpr int kRedirectsMax = 3;
inline constexpr std::size_t kTokenBytesMax = 4096;
inline constexpr std::chrono::milliseconds kConnectTimeout{2'000};
inline constexpr std::chrono::milliseconds kResponseTimeout{10'000};
/// Time for a read if other Nimbuses can be asked. One that hangs is passed over; if all do, they
/// are asked again with the time above.
inline constexpr std::chrono::milliseconds kFirstTryTimeout{300};
/// How long a submission waits for a leader; an election is over by then.
inline constexpr std::chrono::seconds kElectionPatience{15};

/// Shortest and longest pause between two looks at a topology that a command waits for.
inline constexpr std::chrono::milliseconds kLookPauseMin{20};
inline constexpr std::chrono::milliseconds kLookPauseMax{200};
/// `storm kill` waits this much longer than the topology's own wait.
inline constexpr std::chrono::seconds kKillPatience{30};
/// Nimbus' default if `storm kill` names no wait.
inline constexpr std::chrono::seconds kKillWait{30};
/// Time, beside that for draining, in which a rebalanced topology has to run again.
inline constexpr std::chrono::seconds kRebalancePatience{60};
/// A topology whose executors are all prepared, and whose spouts have emitted nothing for this
/// long, is idle: waiting for a tuple would mean waiting for its source.
inline constexpr base::Micros kIdleMicros = 3 * base::kMicrosPerSecond;

// ---- A program that describes itself

/// For both runs together; time that it waits for a processor does not count.
inline constexpr base::Micros kDescribeMicros = 5 * base::kMicrosPerSecond;
/// Most waiting time that is not counted; a machine that is busy for longer is of no use.
inline constexpr base::Micros kDescribeWaitMax = 60 * base::kMicrosPerSecond;
inline constexpr std::uint64_t kDescribeCpuSecs = 10;            ///< CPU time of all its threads.
inline constexpr std::size_t kDescriptionBytesMax = 512 * 1024;  ///< Fits into a record of 900 KiB.
inline constexpr std::size_t kChatterBytesMax = 16 * 1024;  ///< The end of its output that is kept.
/// Resident memory. Not RLIMIT_AS, because AddressSanitizer reserves terabytes and uses little.
inline constexpr std::uint64_t kDescribeMemoryMax = 1'024ULL * 1024 * 1024;
/// Size of a file that it may write.
inline constexpr std::uint64_t kDescribeFileBytesMax = 16ULL * 1024 * 1024;
inline constexpr std::uint64_t kDescribeTasksMax = 256;  ///< Beyond the tasks that already run.
inline constexpr int kDescribeLookMs = 10;               ///< Interval of looks at its memory.

// ---- Logs ---------------------------------------------------------------------------------------

/// Initial part of each log, unless told otherwise.
inline constexpr std::int64_t kLogTailBytes = 64 * 1024;
inline constexpr std::int64_t kLogChunkBytes = 512 * 1024;
inline constexpr std::chrono::milliseconds kLogPause{500};  ///< Pause between two looks with -f.
/// Nimbus is asked where the workers are once in so many pauses.
inline constexpr int kLogPausesPerLook = 4;
/// Numbers that are tried to find the logs of a topology that has no workers any more.
inline constexpr std::uint64_t kFormerWorkersMax = 256;

}  // namespace storm::cli
