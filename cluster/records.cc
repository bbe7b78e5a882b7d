#include "cluster/records.h"

#include <algorithm>
#include <utility>

namespace storm::cluster {

bool is_running(Status status) {
    return status == Status::kActive || status == Status::kInactive;
}

bool is_draining(Status status) {
    return status == Status::kKilled || status == Status::kRebalancing;
}

std::string_view to_string(Status status) {
    switch (status) {
        case Status::kActive:
            return "ACTIVE";
        case Status::kInactive:
            return "INACTIVE";
        case Status::kKilled:
            return "KILLED";
        case Status::kRebalancing:
            return "REBALANCING";
        case Status::kFinished:
            return "FINISHED";
    }
    return "UNKNOWN";
}

void merge_errors(std::vector<TopologyError>& known, const std::vector<TopologyError>& fresh) {
    const auto first_of = [](const TopologyError& error) {
        return error.first_ms == 0 ? error.time_ms : error.first_ms;
    };
    for (TopologyError error : fresh) {
        const auto same =
            std::find_if(known.begin(), known.end(), [&error](const TopologyError& each) {
                return each.component == error.component && each.error == error.error;
            });
        // Records of older versions have no first time.
        error.first_ms = first_of(error);
        if (same != known.end()) {
            error.first_ms = std::min(error.first_ms, first_of(*same));
            error.time_ms = std::max(error.time_ms, same->time_ms);
            error.count += same->count;
            known.erase(same);
        }
        known.push_back(std::move(error));
    }
    // The oldest go. Each repetition moves an error to the end, so one that still comes stays.
    if (known.size() > kTopologyErrorsMax) {
        known.erase(known.begin(), known.end() - std::ptrdiff_t{kTopologyErrorsMax});
    }
}

}  // namespace storm::cluster
