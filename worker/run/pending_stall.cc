#include "worker/run/pending_stall.h"

#include <algorithm>
#include <utility>

#include "worker/executor/spout_settings.h"
#include "worker/run/limits.h"

namespace storm::worker {
namespace {

std::uint64_t sum_over_spouts(const Snapshot& snapshot, std::uint64_t ComponentSnapshot::*count) {
    std::uint64_t sum = 0;
    for (const ComponentSnapshot& component : snapshot) {
        if (component.is_spout) sum += component.*count;
    }
    return sum;
}

const ComponentSnapshot* spout_at_its_limit(const Snapshot& snapshot) {
    const auto found =
        std::find_if(snapshot.begin(), snapshot.end(), [](const ComponentSnapshot& component) {
            return component.pending > 0 && component.pending >= component.pending_max;
        });
    return found == snapshot.end() ? nullptr : &*found;
}

bool may_be_raised(const ComponentSnapshot& spout) {
    return spout.pending_max < std::uint64_t{kPendingMax} * static_cast<unsigned>(spout.tasks);
}

/// `"sums" keeps 3, "join" keeps 1,024`
std::string keepers(const Snapshot& snapshot, std::uint64_t ComponentSnapshot::*kept) {
    std::string text;
    for (const ComponentSnapshot& component : snapshot) {
        if (component.*kept == 0) continue;
        text += (text.empty() ? "\"" : ", \"") + component.id + "\" keeps " +
                with_commas(component.*kept);
    }
    return text;
}

}  // namespace

// Told once, until the count moves or the reason is gone; then it may be told again.
bool PendingStall::Standstill::is_due(std::uint64_t count, bool holds, base::Micros now) {
    if (!holds || count != count_ || since_ == 0) {
        count_ = count;
        since_ = now;
        told_ = false;
        return false;
    }
    if (told_ || now - since_ < kPendingStallMicros) return false;
    return told_ = true;
}

std::optional<std::string> PendingStall::look(const Snapshot& snapshot, base::Micros now) {
    const std::uint64_t acked = sum_over_spouts(snapshot, &ComponentSnapshot::acked);
    const std::uint64_t failed = sum_over_spouts(snapshot, &ComponentSnapshot::failed);
    if (std::exchange(acked_, acked) != acked) failed_before_ = failed;
    const std::string keeping = keepers(snapshot, &ComponentSnapshot::kept);
    const std::string keeping_at_end = keepers(snapshot, &ComponentSnapshot::kept_at_end);
    const ComponentSnapshot* const spout = keeping.empty() ? nullptr : spout_at_its_limit(snapshot);

    // Two ways to stand still. Nothing completes at all, because all wait for each other; or tuples
    // time out and are emitted again without end, so the counts move but nothing is ever acked.
    const bool fails = !keeping.empty() && failed != failed_before_;
    const bool never_acks = acks_.is_due(acked, fails, now);
    if (completions_.is_due(acked + failed, spout != nullptr || !keeping_at_end.empty(), now)) {
        const std::string since =
            "nothing was completed for " + duration_text(now - completions_.since()) + ": ";
        if (!keeping_at_end.empty()) {
            return since + keeping_at_end +
                   " though no more inputs come; ack or fail them in inputs_ended(), or they time "
                   "out and come again";
        }
        return since + '"' + spout->id + "\" has " + with_commas(spout->pending) +
               " tuples pending, as many as topology.max.spout.pending lets it, and " + keeping +
               (may_be_raised(*spout)
                    ? "; raise that limit above what bolts collect before they ack"
                    : "; bolts have to ack sooner: that limit is at its highest");
    }
    if (!never_acks) return std::nullopt;
    return with_commas(failed - failed_before_) + " tuples failed since the last was acked, and " +
           keeping + "; bolts have to ack or fail what they keep before it times out";
}

}  // namespace storm::worker
