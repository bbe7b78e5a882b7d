#include "worker/acker/ack_lane.h"

#include <algorithm>

namespace storm::worker {

void merge_by_root(std::vector<AckRecord>& acks) {
    std::sort(acks.begin(), acks.end(),
              [](const AckRecord& a, const AckRecord& b) { return a.root < b.root; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < acks.size(); ++i) {
        if (acks[i].root == acks[kept].root) {
            acks[kept].edges ^= acks[i].edges;
        } else {
            acks[++kept] = acks[i];
        }
    }
    if (!acks.empty()) acks.resize(kept + 1);
}

}  // namespace storm::worker
