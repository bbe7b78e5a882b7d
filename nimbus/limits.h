// All limits of Nimbus. Those of HTTP are in net/limits.h, those of records in cluster/limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <storm/detail/names.h>

#include "base/clock.h"

namespace storm::nimbus {

/// Storm's rule for names is wider; these make good folder names too.
inline constexpr std::size_t kTopologyNameBytesMax = detail::kTopologyNameBytesMax;
/// Longest wait that a kill may ask for.
inline constexpr std::int64_t kKillWaitMsMax = std::int64_t{24} * 3600 * 1000;
/// Time after the wait in which Supervisors kill workers that did not end. Then the topology is
/// removed even if nobody has confirmed that its workers are gone.
inline constexpr std::int64_t kKillGraceMs = 10'000;

/// A greater epoch in a report was given by nobody. Epochs are small, or seconds since 1970 where
/// the last one was lost, so this is enough until 2105; and 2^24 are left to give after it.
inline constexpr std::uint64_t kEpochBelieved = 0xff00'0000;

/// Events within this time are scheduled together.
inline constexpr base::Micros kScheduleDelay = 10 * base::kMicrosPerMilli;
/// Supervisors that are named, with the reason, as unfit for a topology.
inline constexpr std::size_t kMisfitsTold = 16;
/// A worker whose Supervisor is lost keeps its place this long if no other is free: otherwise
/// healthy workers would be restarted to take its executors.
inline constexpr base::Micros kShrinkAfter = 20 * base::kMicrosPerSecond;
/// A Supervisor that was lost and is back must stay this long before healthy workers are restarted
/// to use it. So one that comes and goes causes one restart.
inline constexpr base::Micros kSteadyAfter = 60 * base::kMicrosPerSecond;
/// A Supervisor that was lost for longer counts as new when it comes back.
inline constexpr base::Micros kLostKept = 600 * base::kMicrosPerSecond;
/// A Supervisor that has reported within this time when its session ends has ended in order, and is
/// expected back within nimbus.task.timeout.secs. Longer than the interval of an idle Supervisor's
/// reports (3 s), shorter than the earliest expiry of a session: when the host is cut off the last
/// ping may be a third of storm.zookeeper.session.timeout old, which leaves 3.3 s by default.
inline constexpr base::Micros kAliveUntilGone = 3'200 * base::kMicrosPerMilli;
/// After this long without a report a Supervisor's workers are shown as UNKNOWN, …
inline constexpr base::Micros kReportsUnknown = 15 * base::kMicrosPerSecond;
/// … and after this long it counts as lost although its session lives, if at least half of all
/// report.
inline constexpr base::Micros kReportsLost = 60 * base::kMicrosPerSecond;
inline constexpr base::Micros kReportsLook = 5 * base::kMicrosPerSecond;
/// Time after a kill until Supervisors that report know of it.
inline constexpr base::Micros kKillNoticed = 1 * base::kMicrosPerSecond;
/// Topologies that were removed although workers of them may still run.
inline constexpr std::size_t kUnsureKept = 64;
/// A new leader, and one whose connection was lost, expects missing Supervisors back for this long:
/// an outage of ZooKeeper ends the sessions of healthy daemons.
inline constexpr base::Micros kReturnGrace = 10 * base::kMicrosPerSecond;
/// Pause before a leader whose writes fail reads everything again.
inline constexpr base::Micros kReloadDelay = 500 * base::kMicrosPerMilli;
/// Topologies that vanish from ZooKeeper are remembered this long, to tell whether it was emptied.
inline constexpr base::Micros kVanishedKept = 60 * base::kMicrosPerSecond;
/// A removed topology that may still run somewhere is ended as long as the mark of its removal is
/// kept: this long, of each leader's own time, …
inline constexpr base::Micros kRemovalKept = 24 * 3600 * base::kMicrosPerSecond;
/// … and only for the most recent removals.
inline constexpr std::size_t kRemovalsKept = 10'000;
inline constexpr base::Micros kRemovalSweep = 60 * base::kMicrosPerSecond;
inline constexpr std::size_t kRemovalsSweptAtOnce = 100;
/// Topologies that run somewhere but are not in ZooKeeper.
inline constexpr std::size_t kMissingMax = 1024;
/// Pause between two writes of one topology's errors.
inline constexpr base::Micros kErrorsInterval = 5 * base::kMicrosPerSecond;
/// Reports of Supervisors that are kept; another Supervisor's is refused.
inline constexpr std::size_t kReportsMax = 4096;
/// Requests that wait until the leader has read everything again, or until a write of their
/// topology is settled.
inline constexpr std::size_t kRequestsHeldMax = 256;
/// Time without a question after which a worker no longer counts as asking for itself; it asks each
/// second.
inline constexpr base::Micros kAskedLately = 5 * base::kMicrosPerSecond;
/// Submissions under way.
inline constexpr std::size_t kSubmitsMax = 64;

/// A blob that no topology names is kept this long, because blobs are uploaded before the
/// submission.
inline constexpr std::chrono::minutes kBlobKeepUnused{10};
/// One of a topology that ZooKeeper has lost; somebody may put a copy of ZooKeeper's data back.
inline constexpr std::chrono::hours kBlobKeepLost{30 * 24};
inline constexpr std::chrono::minutes kBlobSweepInterval{5};
/// Uploads at once.
inline constexpr std::size_t kUploadsMax = 16;
/// A job with one blob (some hundred MB) that takes longer hangs.
inline constexpr base::Micros kBlobJobMax = 180 * base::kMicrosPerSecond;
/// Jobs that may wait for the blob thread: hashing, and copying to other Nimbuses.
inline constexpr std::size_t kBlobJobsMax = 256;
/// Time for another Nimbus to take the next piece of a blob.
inline constexpr std::chrono::seconds kReplicateTimeout{10};
/// Time for another Nimbus to say whether it has a blob. One that hangs fetches it later.
inline constexpr std::chrono::milliseconds kReplicateAskTimeout{500};
/// How long a submission waits for other Nimbuses to copy its blobs; less than clients wait for the
/// answer. The rest is copied afterwards.
inline constexpr base::Micros kCopyPatience = 5 * base::kMicrosPerSecond;
/// Interval at which a Nimbus looks for blobs that it should have.
inline constexpr base::Micros kBlobFetchInterval = 30 * base::kMicrosPerSecond;

}  // namespace storm::nimbus
