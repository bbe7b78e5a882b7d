#include "worker/executor/message_timeouts.h"

#include <algorithm>

#include <storm/detail/row.h>

#include "worker/acker/ack_ledger.h"
#include "worker/executor/spout_settings.h"

namespace storm::worker {

MessageTimeouts::MessageTimeouts(const Wiring& wiring) : of_task_(wiring.component_of_task.size()) {
    const std::vector<Component>& components = wiring.topology.components();
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (!components[c].is_spout()) continue;
        const base::Micros timeout =
            message_timeout(cluster::component_config(components[c], wiring.config));
        if (timeout == 0) continue;
        shortest_ = shortest_ == 0 ? timeout : std::min(shortest_, timeout);
        for (const TaskId task : wiring.tasks_of(c))
            of_task_[static_cast<std::size_t>(task)] = timeout;
    }
}

bool MessageTimeouts::are_over(const std::byte* row, base::Micros age) const {
    const std::uint32_t roots = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < roots; ++i) {
        const TaskId spout = task_of(detail::row_anchor(row, i).root);
        // Roots of rows from other workers were checked when they came in, so the index is that of
        // a spout task.
        const base::Micros timeout = of_task_[static_cast<std::size_t>(spout)];
        if (timeout == 0 || age < timeout) return false;
    }
    return roots > 0;
}

}  // namespace storm::worker
