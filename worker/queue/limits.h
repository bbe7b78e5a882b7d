// Every limit of the data plane that is not a setting, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace storm::worker {

/// A batch holds this many bytes of runs; a larger row gets a batch of its own. Half of a core's L1
/// cache, so that the next executor of the same loop finds the rows there.
inline constexpr std::size_t kBatchBytes = 16 * 1024;
/// Bytes behind the end of a batch that a copy may overwrite.
inline constexpr std::size_t kCopySlack = 64;
/// Rows handed to another loop in fewer bytes than this go in a block of just their size.
inline constexpr std::size_t kSmallBatchBytes = 2 * 1024;
/// Free batches that a loop keeps for itself; more go to the common pool.
inline constexpr std::size_t kPoolBatches = 16;
/// Free batches in the common pool; more go back to the system.
inline constexpr std::size_t kCommonPoolBatches = 1024;

/// What the ack() and fail() of a spout that waits for credit may emit before they wait, too.
inline constexpr std::size_t kLeewayBytes = 64 * 1024;
/// What a bolt keeps for no longer counts as in flight all the time.
inline constexpr base::Micros kKeptInFlight = 20 * base::kMicrosPerMilli;
/// Calls of next_tuple() after finished() for each fail(), unless it says kIdle before.
inline constexpr std::uint64_t kReplayCallsMax = 1'024;
/// Calls that wait in the mailbox of a task; other threads that post more wait.
inline constexpr std::size_t kPostedMax = 16 * 1024;

/// An executor gives way to the others of its loop after this long.
inline constexpr base::Micros kStepMicros = 200;
/// A loop's spouts get a turn when no bolt is ready, and after this many turns at the latest.
inline constexpr int kTurnsWithoutSpoutsMax = 8;
/// Output and acks that are older than this leave at the end of a step, however few.
inline constexpr base::Micros kFlushMicros = 1'000;
/// Acks for one loop that leave at the end of a step although the executor has more to do.
inline constexpr std::size_t kAckBatch = 1'024;
/// Acks that wait for a spout are merged by root when they are this many.
inline constexpr std::size_t kAckMergeMin = 64 * 1024;
/// Calls of user code between two looks at the clock, at most.
inline constexpr std::uint32_t kCallsPerClockMax = 256;

/// User code that holds its loop for this long gets a thread of its own.
inline constexpr base::Micros kStallMicros = 10'000;
inline constexpr base::Micros kStallWatchMicros = 5'000;
inline constexpr base::Micros kStallWatchMicrosMax = 20'000;
/// It has that for as long as some call takes this long, and until none has for kCalmMicros; twice
/// as long each further time, up to kCalmMicrosMax.
inline constexpr base::Micros kSlowCallMicros = 5'000;
inline constexpr base::Micros kCalmMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kCalmMicrosMax = 64 * base::kMicrosPerSecond;
/// The system is not asked for a thread again for this long after it has given none.
inline constexpr base::Micros kNoThreadPauseMicros = base::kMicrosPerSecond;
/// A prepare() or open() that takes this long is named in the log; again after twice that, and so
/// on.
inline constexpr base::Micros kSlowOpenMicros = 10 * base::kMicrosPerSecond;

/// An idle loop lets other threads run this often before it sleeps.
inline constexpr int kYields = 20;
inline constexpr base::Micros kYieldMicrosMax = 200;
/// The first wait of a spout that has nothing to emit; doubles up to
/// topology.sleep.spout.wait.strategy.time.ms.
inline constexpr base::Micros kSpoutWaitMicrosMin = 20;
/// How often a spout looks whether topology.worker.buffer.bytes has room again.
inline constexpr base::Micros kBudgetPollMicros = 200;
/// Roots that may be pending in one spout task when topology.max.spout.pending is not set.
inline constexpr std::uint32_t kPendingDefault = 1U << 20;

/// How often it is logged that tuples time out in front of a bolt.
inline constexpr base::Micros kWaitWarningMicros = 10 * base::kMicrosPerSecond;

/// Logged errors of one component: this many at once, then one a second.
inline constexpr std::uint32_t kErrorBurst = 5;
inline constexpr std::size_t kErrorsKept = 10;

}  // namespace storm::worker
