// Acks and fails on their way to the spouts: one buffer for each loop that runs spouts.
//
// Neighbouring acks of one root are combined into one record. Order does not matter: XOR commutes,
// and a fail that overtakes an ack settles the root either way.
//
// Threads: an AckLane is its executor's; a ControlBatch moves from loop to loop.
// Cost:    16 bytes and about 2 ns per acked tuple.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <storm/spout.h>

#include "worker/acker/ack_ledger.h"

namespace storm::worker {

struct Batch;

struct AckRecord {
    Root root;
    EdgeXor edges;
};

struct FailRecord {
    Root root;
    FailReason reason;
    bool reset;  // Not a fail at all: the root's timeout starts again.
};

struct ControlBatch {
    std::vector<AckRecord> acks;
    std::vector<FailRecord> fails;
    std::vector<Batch*> released;  // Runs of these, which belong to the receiving loop, have been
                                   // consumed elsewhere.

    bool empty() const { return acks.empty() && fails.empty() && released.empty(); }
};

class AckLane {
public:
    /// `loop_of_task` maps a task id to the loop that its acks go to; outlives this.
    AckLane(const std::vector<std::uint32_t>& loop_of_task, std::size_t loops)
        : loop_of_task_(loop_of_task), by_loop_(loops) {}

    void ack(Root root, EdgeXor edges) {
        std::vector<AckRecord>& acks = towards(root).acks;
        if (!acks.empty() && acks.back().root == root) {
            acks.back().edges ^= edges;
        } else {
            acks.push_back({root, edges});
        }
    }
    void fail(Root root, FailReason reason) {
        towards(root).fails.push_back({root, reason, false});
    }
    void reset_timeout(Root root) { towards(root).fails.push_back({root, {}, true}); }

    std::vector<ControlBatch>& by_loop() { return by_loop_; }

private:
    ControlBatch& towards(Root root) {
        const TaskId task = task_of(root);
        if (task != last_task_) {
            last_task_ = task;
            last_ = &by_loop_[loop_of_task_[static_cast<std::size_t>(task)]];
        }
        return *last_;
    }

    const std::vector<std::uint32_t>& loop_of_task_;
    std::vector<ControlBatch> by_loop_;
    TaskId last_task_ = 0;  // Tasks are numbered from 1.
    ControlBatch* last_ = nullptr;
};

/// Combines records of the same root, however far apart: a spout that does not get to its acks owes
/// one record for each pending root, not one for each ack.
void merge_by_root(std::vector<AckRecord>& acks);

}  // namespace storm::worker
