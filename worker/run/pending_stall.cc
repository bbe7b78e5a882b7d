#include "worker/run/pending_stall.h"

#include <algorithm>

#include "worker/run/limits.h"

namespace storm::worker {
namespace {

std::uint64_t completed_of(const Snapshot& snapshot) {
    std::uint64_t sum = 0;
    for (const ComponentSnapshot& component : snapshot) {
        if (component.is_spout) sum += component.acked + component.failed;
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

std::string keepers(const Snapshot& snapshot) {
    std::string text;
    for (const ComponentSnapshot& component : snapshot) {
        if (component.kept == 0) continue;
        text += (text.empty() ? "\"" : ", \"") + component.id + "\" keeps " +
                with_commas(component.kept);
    }
    return text;
}

}  // namespace

std::optional<std::string> PendingStall::look(const Snapshot& snapshot, base::Micros now) {
    const std::uint64_t completed = completed_of(snapshot);
    const ComponentSnapshot* const spout = spout_at_its_limit(snapshot);
    const std::string keeping = keepers(snapshot);
    if (spout == nullptr || keeping.empty() || completed != completed_ || since_ == 0) {
        completed_ = completed;
        since_ = now;
        told_ = false;
        return std::nullopt;
    }
    if (told_ || now - since_ < kPendingStallMicros) return std::nullopt;
    told_ = true;
    return "nothing was completed for " + duration_text(now - since_) + ": \"" + spout->id +
           "\" has " + with_commas(spout->pending) +
           " tuples pending, as many as topology.max.spout.pending lets it, and " + keeping +
           "; raise that limit above what bolts collect before they ack";
}

}  // namespace storm::worker
