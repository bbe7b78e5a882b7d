// Every limit of the command line, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::cli {

// ---- Nimbus and Supervisors --------------------------------------------------------------------

/// Answers of 421 in a row that are followed: leaders may change meanwhile, but not for ever.
inline constexpr int kRedirectsMax = 3;
inline constexpr std::size_t kTokenBytesMax = 4096;
inline constexpr std::chrono::milliseconds kConnectTimeout{2'000};
inline constexpr std::chrono::milliseconds kResponseTimeout{10'000};
/// Of a read where another one may be asked: one that hangs is passed over, and asked again with
/// the time above if all do.
inline constexpr std::chrono::milliseconds kFirstTryTimeout{300};
/// How long a submission waits for a Nimbus to lead: an election is over by then.
inline constexpr std::chrono::seconds kElectionPatience{15};

/// Between two looks at a topology that is waited for: at first, and at last.
inline constexpr std::chrono::milliseconds kLookPauseMin{20};
inline constexpr std::chrono::milliseconds kLookPauseMax{200};
/// `storm kill` waits this much longer than the topology may take.
inline constexpr std::chrono::seconds kKillPatience{30};
/// What Nimbus takes where `storm kill` is not told how long draining may take.
inline constexpr std::chrono::seconds kKillWait{30};
/// A topology of which all is prepared, and whose spouts have emitted nothing for so long, is idle:
/// waiting for a tuple would be waiting for its source.
inline constexpr base::Micros kIdleMicros = 3 * base::kMicrosPerSecond;

// ---- A program that is asked to describe itself ------------------------------------------------

/// For both times that it is asked; what it has waited for a processor is not counted.
inline constexpr base::Micros kDescribeMicros = 5 * base::kMicrosPerSecond;
/// That may be left out of account: a machine that is so busy for longer is of no use.
inline constexpr base::Micros kDescribeWaitMax = 60 * base::kMicrosPerSecond;
inline constexpr std::uint64_t kDescribeCpuSecs = 10;            ///< Of all its threads.
inline constexpr std::size_t kDescriptionBytesMax = 512 * 1024;  ///< A record of 900 KiB holds it.
inline constexpr std::size_t kChatterBytesMax = 16 * 1024;  ///< The last of what it prints is kept.
/// Resident. Not RLIMIT_AS: programs under AddressSanitizer reserve terabytes, and touch little.
inline constexpr std::uint64_t kDescribeMemoryMax = 1'024ULL * 1024 * 1024;
inline constexpr std::uint64_t kDescribeFileBytesMax = 16ULL * 1024 * 1024;  ///< That it may write.
inline constexpr std::uint64_t kDescribeTasksMax = 256;  ///< More than the system has already.
inline constexpr int kDescribeLookMs = 10;               ///< Between two looks at its memory.

// ---- Logs --------------------------------------------------------------------------------------

inline constexpr std::int64_t kLogTailBytes = 64 * 1024;  ///< Shown of each, unless told otherwise.
inline constexpr std::int64_t kLogChunkBytes = 512 * 1024;
inline constexpr std::chrono::milliseconds kLogPause{500};  ///< Between two looks with -f.
inline constexpr int kLogPausesPerLook = 4;  ///< So often Nimbus is asked where the workers are.
/// Of a topology that has none any more, whose logs are looked for.
inline constexpr std::uint64_t kFormerWorkersMax = 256;

}  // namespace storm::cli
