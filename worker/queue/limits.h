// All limits of the data plane that are not settings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::worker {

/// Bytes of runs in a batch; a larger row gets a batch of its own. Half of a core's L1 cache, so
/// that the next executor of the same loop finds the rows there.
inline constexpr std::size_t kBatchBytes = 16 * 1024;
/// Bytes behind the end of a batch that a copy may overwrite.
inline constexpr std::size_t kCopySlack = 64;
/// Batches for another loop with fewer bytes than this travel in a block of just their size.
inline constexpr std::size_t kSmallBatchBytes = 2 * 1024;
/// Free batches that a loop keeps for itself; more go to the common pool.
inline constexpr std::size_t kPoolBatches = 16;
/// Free batches in the common pool; more go back to the system.
inline constexpr std::size_t kCommonPoolBatches = 1024;

/// Bytes that the ack() and fail() of a spout that waits for credit may emit before they wait too.
inline constexpr std::size_t kLeewayBytes = 64 * 1024;
/// A tuple that a bolt keeps for longer than this no longer counts as in flight all the time.
inline constexpr base::Micros kKeptInFlight = 20 * base::kMicrosPerMilli;
/// Calls of next_tuple() after finished() per fail(), unless it returns kIdle before.
inline constexpr std::uint64_t kReplayCallsMax = 1'024;
/// Calls that may wait in the mailbox of a task. A thread that posts one more waits.
inline constexpr std::size_t kPostedMax = 16 * 1024;

/// An executor yields to the others of its loop after this long.
inline constexpr base::Micros kStepMicros = 200;
/// A loop's spouts get a turn when no bolt is ready, and at the latest after this many turns.
inline constexpr int kTurnsWithoutSpoutsMax = 8;
/// Output and acks older than this leave at the end of a step, however few.
inline constexpr base::Micros kFlushMicros = 1'000;
/// As many acks for one loop leave at the end of a step even though the executor has more to do.
inline constexpr std::size_t kAckBatch = 1'024;
/// Acks, and all else that is told to spouts, are merged by root once so many wait.
inline constexpr std::size_t kAckMergeMin = 64 * 1024;
/// At most as many calls of user code between two looks at the clock.
inline constexpr std::uint32_t kCallsPerClockMax = 256;

/// User code that holds its loop for this long gets a thread of its own.
inline constexpr base::Micros kStallMicros = 10'000;
inline constexpr base::Micros kStallWatchMicros = 5'000;
inline constexpr base::Micros kStallWatchMicrosMax = 20'000;
/// The executor returns once no call has taken kSlowCallMicros for kCalmMicros; that time doubles
/// with each relapse, up to kCalmMicrosMax.
inline constexpr base::Micros kSlowCallMicros = 5'000;
inline constexpr base::Micros kCalmMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kCalmMicrosMax = 64 * base::kMicrosPerSecond;
/// Pause after the system refused a thread, before it is asked again.
inline constexpr base::Micros kNoThreadPauseMicros = base::kMicrosPerSecond;
/// An open() or prepare() that takes this long is named in the log, and again each time that the
/// time has doubled.
inline constexpr base::Micros kSlowOpenMicros = 10 * base::kMicrosPerSecond;

/// Times that an idle loop yields to other threads before it sleeps.
inline constexpr int kYields = 20;
inline constexpr base::Micros kYieldMicrosMax = 200;
/// First wait of a spout with nothing to emit. Doubles up to
/// topology.sleep.spout.wait.strategy.time.ms.
inline constexpr base::Micros kSpoutWaitMicrosMin = 20;
/// Interval at which a spout checks whether topology.worker.buffer.bytes has room again.
inline constexpr base::Micros kBudgetPollMicros = 200;

/// Interval of the warning that tuples time out in front of a bolt.
inline constexpr base::Micros kWaitWarningMicros = 10 * base::kMicrosPerSecond;

/// Errors of one component in the log: this many at once, then one a second.
inline constexpr std::uint32_t kErrorBurst = 5;
inline constexpr std::size_t kErrorsKept = 10;
/// One that comes again and again is logged this often.
inline constexpr base::Micros kErrorRepeatMicros = 10 * base::kMicrosPerSecond;

}  // namespace storm::worker
