#include "worker/acker/ack_lane.h"

#include <algorithm>
#include <tuple>

namespace storm::worker {

// Sorting 64 Ki records takes some ms, so each caller merges only when as many wait, and then each
// time that they have doubled: in a pusher (ControlInbox), in the links' thread (Outbound), in a
// spout's step. XOR commutes, so the order in which the acks of a root came does not matter.
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

// Kinds stay apart: a fail settles its root, and whatever else of that root is applied later
// matches nothing. Of keeping and letting go only the sum matters. A sum of 0 is left out: the root
// was kept and let go between two looks of its spout, so it never counts as held.
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
