#include "supervisor/downloads.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace storm::supervisor {

/// All jobs of a topology go to one thread, one after the other: its workers want the same files,
/// and the second finds them there.
std::size_t Lanes::begin(const std::string& topology) {
    STORM_CHECK(!jobs_.empty(), "there is a thread for downloads");
    Held& held = held_[topology];
    if (held.jobs == 0) {
        const auto least = std::min_element(jobs_.begin(), jobs_.end());
        held.lane = static_cast<std::size_t>(std::distance(jobs_.begin(), least));
    }
    ++held.jobs;
    ++jobs_[held.lane];
    return held.lane;
}

void Lanes::end(const std::string& topology) {
    const auto held = held_.find(topology);
    STORM_CHECK(held != held_.end(), "what ends has begun");
    STORM_CHECK(jobs_[held->second.lane] > 0, "a job counts in the lane that it began in");
    --jobs_[held->second.lane];
    // Forgotten with its last job, so that its next one may choose the lane that is free by then.
    if (--held->second.jobs == 0) held_.erase(held);
}

Downloads::Downloads(base::EventLoop& loop, std::size_t threads, std::size_t waiting_max)
    : lanes_(threads) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.push_back(
            std::make_unique<daemon::Errands>(loop, "downloads-" + std::to_string(i), waiting_max));
    }
}

}  // namespace storm::supervisor
