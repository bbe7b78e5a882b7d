#include "worker/acker/ack_lane.h"

#include <algorithm>
#include <tuple>

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

void merge_by_root(std::vector<FailRecord>& fails) {
    const auto key = [](const FailRecord& record) {
        return std::tuple(record.root, record.kind, record.reason);
    };
    std::sort(fails.begin(), fails.end(), [&](const FailRecord& one, const FailRecord& other) {
        return key(one) < key(other);
    });
    std::size_t merged = 0;
    for (const FailRecord& record : fails) {
        if (merged > 0 && key(fails[merged - 1]) == key(record)) {
            fails[merged - 1].held += record.held;
        } else {
            fails[merged++] = record;
        }
    }
    fails.resize(merged);
    std::erase_if(fails, [](const FailRecord& record) {
        return record.kind == FailRecord::Kind::kHeld && record.held == 0;
    });
}

}  // namespace storm::worker
