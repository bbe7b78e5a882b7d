#include "worker/executor/spout_settings.h"

#include <algorithm>

namespace storm::worker {

std::uint32_t max_spout_pending(const Config& config) {
    const std::int64_t set = config.int64("topology.max.spout.pending", 0);
    return set <= 0 ? kPendingMax
                    : static_cast<std::uint32_t>(std::min<std::int64_t>(set, kPendingMax));
}

base::Micros message_timeout(const Config& config) {
    if (!config.boolean("topology.enable.message.timeouts")) return 0;
    return config.int64("topology.message.timeout.secs") * base::kMicrosPerSecond;
}

}  // namespace storm::worker
