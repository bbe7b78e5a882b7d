// Every limit of Nimbus, in one place. Those of HTTP are in net/limits.h, those of records in
// cluster/limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <storm/detail/names.h>

#include "base/clock.h"

namespace storm::nimbus {

/// Storm's rule for names is wider; this one makes good folder names too.
inline constexpr std::size_t kTopologyNameBytesMax = detail::kTopologyNameBytesMax;
/// What draining may take, as asked for with kill.
inline constexpr std::int64_t kKillWaitMsMax = std::int64_t{24} * 3600 * 1000;
/// After the wait: until Supervisors have killed what did not end. Then a topology is removed even
/// if nobody has said that its workers are gone.
inline constexpr std::int64_t kKillGraceMs = 10'000;

/// Changes that come together are scheduled together.
inline constexpr base::Micros kScheduleDelay = 10 * base::kMicrosPerMilli;
/// Supervisors that a topology cannot run on, and of which it is told why.
inline constexpr std::size_t kMisfitsTold = 16;
/// A worker whose Supervisor is lost keeps its place for so long, if no other is free: else those
/// that are well would have to be started anew, to take its executors.
inline constexpr base::Micros kShrinkAfter = 20 * base::kMicrosPerSecond;
/// A Supervisor that was lost and is back must stay for so long until workers that are well are
/// started anew to use it: one that comes and goes starts them anew once.
inline constexpr base::Micros kSteadyAfter = 60 * base::kMicrosPerSecond;
/// Lost for longer, a Supervisor counts as new when it comes back.
inline constexpr base::Micros kLostKept = 600 * base::kMicrosPerSecond;
/// One that has reported within this, and then has no session any more, has ended in order: for
/// nimbus.task.timeout.secs it is taken to come back. More than what lies between two reports of an
/// idle Supervisor, less than a session takes to expire.
inline constexpr base::Micros kAliveUntilGone = 4 * base::kMicrosPerSecond;
/// Without a report for so long, what a Supervisor told last is shown as UNKNOWN, and …
inline constexpr base::Micros kReportsUnknown = 15 * base::kMicrosPerSecond;
/// … it is taken for lost, though its session lives; if at least half of all do report.
inline constexpr base::Micros kReportsLost = 60 * base::kMicrosPerSecond;
inline constexpr base::Micros kReportsLook = 5 * base::kMicrosPerSecond;
/// After a kill: until Supervisors that report know of it.
inline constexpr base::Micros kKillNoticed = 1 * base::kMicrosPerSecond;
/// Topologies that were removed though workers of them may run.
inline constexpr std::size_t kUnsureKept = 64;
/// A new leader, or one whose connection was lost, takes the Supervisors it misses to come back
/// for so long: an outage of ZooKeeper ends sessions of daemons that are well.
inline constexpr base::Micros kReturnGrace = 10 * base::kMicrosPerSecond;
/// Between two times that a leader whose writes fail reads everything anew.
inline constexpr base::Micros kReloadDelay = 500 * base::kMicrosPerMilli;
/// What has gone from ZooKeeper is remembered for so long, to tell whether that was emptied.
inline constexpr base::Micros kVanishedKept = 60 * base::kMicrosPerSecond;
/// What may still run somewhere though it was removed is told so as long as the mark of that is
/// kept: for so long, of each leader's own time, …
inline constexpr base::Micros kRemovalKept = 24 * 3600 * base::kMicrosPerSecond;
/// … and the last of them only.
inline constexpr std::size_t kRemovalsKept = 10'000;
inline constexpr base::Micros kRemovalSweep = 60 * base::kMicrosPerSecond;
inline constexpr std::size_t kRemovalsSweptAtOnce = 100;
/// Topologies that run somewhere, but are not in ZooKeeper.
inline constexpr std::size_t kMissingMax = 1024;
/// Between two writes of one topology's errors.
inline constexpr base::Micros kErrorsInterval = 5 * base::kMicrosPerSecond;
/// Reports of Supervisors that are kept; one from another Supervisor is refused.
inline constexpr std::size_t kReportsMax = 4096;
/// Requests that wait until the leader has read everything anew, or a write of the topology that
/// they are about is settled.
inline constexpr std::size_t kRequestsHeldMax = 256;
/// A worker that asks for itself does so each second.
inline constexpr base::Micros kAskedLately = 5 * base::kMicrosPerSecond;
/// Such workers that are remembered, for who looks at their state.
inline constexpr std::size_t kAskersMax = 4096;
/// Submissions that are under way.
inline constexpr std::size_t kSubmitsMax = 64;

/// A blob that no topology names is kept for so long: one who submits uploads first.
inline constexpr std::chrono::minutes kBlobKeepUnused{10};
inline constexpr std::chrono::minutes kBlobSweepInterval{5};
/// Uploads at once.
inline constexpr std::size_t kUploadsMax = 16;
/// Jobs that wait for the thread of blobs: hashing, copying to other Nimbuses.
inline constexpr std::size_t kBlobJobsMax = 256;
/// Of one copy of a blob to another Nimbus: until it has taken the next piece.
inline constexpr std::chrono::seconds kReplicateTimeout{10};
/// What another Nimbus may take to say whether it has a blob: one that hangs is to fetch it later.
inline constexpr std::chrono::milliseconds kReplicateAskTimeout{500};
/// How long a submission waits for other Nimbuses to have its blobs too; less than clients wait for
/// its answer. What is not done then goes on behind it.
inline constexpr base::Micros kCopyPatience = 5 * base::kMicrosPerSecond;
/// Between two looks of a Nimbus for blobs that it should have and has not.
inline constexpr base::Micros kBlobFetchInterval = 30 * base::kMicrosPerSecond;

}  // namespace storm::nimbus
