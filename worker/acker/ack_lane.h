// Acks, fails and credits on their way: one buffer per destination, which is a loop with spouts or
// another worker.
//
// Neighbouring acks of one root are combined into one record. Order does not matter: XOR commutes,
// and a fail that overtakes an ack settles the root either way.
//
// Threads: an AckLane belongs to its executor; a ControlBatch moves from loop to loop.
// Cost:    16 bytes and about 2 ns per acked tuple.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <storm/spout.h>

#include "worker/acker/ack_ledger.h"

namespace storm::worker {

struct Batch;
class Executor;

struct AckRecord {
    Root root;
    EdgeXor edges;
};

/// Anything else that bolts report about a root; rare, compared with acks.
struct FailRecord {
    enum class Kind : std::uint8_t {
        kFail,
        kReset,  // No failure: the root's timeout starts again.
        kHeld,   // No failure: a bolt keeps a tuple of the root, or has let it go.
    };
    Root root = {};
    FailReason reason = {};  // Used by kFail.
    Kind kind = Kind::kFail;
    std::int32_t held = 0;  // kHeld: how many more of its tuples are kept; negative: fewer.
};

/// The limit of a channel from another worker has moved: its sender may send up to this byte.
struct CreditRecord {
    std::uint64_t channel;  // channel_id()
    std::uint64_t limit;    // Bytes since the receiver started.
};

/// News about another worker, for one executor.
struct PeerEvent {
    enum class Kind : std::uint8_t {
        kLost,  // Everything it held is lost: trees that reach it fail.
        // A new life begins; it has announced no end of a stream, and will announce its own.
        kStarted,
    };
    Kind kind;
    std::uint32_t worker;
    Executor* executor;
};

struct ControlBatch {
    std::vector<AckRecord> acks;
    std::vector<FailRecord> fails;
    // Batches of the receiving loop, once for each of their runs that was consumed elsewhere.
    std::vector<Batch*> released;
    std::vector<CreditRecord> credits;  // For another worker only.
    std::vector<PeerEvent> peer_events;
    std::vector<Executor*> resumed;  // Executors that are in an annex; sent by their home.

    bool empty() const {
        return acks.empty() && fails.empty() && released.empty() && credits.empty() &&
               peer_events.empty() && resumed.empty();
    }
    void clear() {
        acks.clear();
        fails.clear();
        released.clear();
        credits.clear();
        peer_events.clear();
        resumed.clear();
    }
};

class AckLane {
public:
    /// `destination_of_task` maps a task id to the destination of its acks. Must outlive this.
    AckLane(const std::vector<std::uint32_t>& destination_of_task, std::size_t destinations)
        : destination_of_task_(destination_of_task), by_destination_(destinations) {}

    void ack(Root root, EdgeXor edges) {
        std::vector<AckRecord>& acks = towards(root).acks;
        if (!acks.empty() && acks.back().root == root) {
            acks.back().edges ^= edges;
        } else {
            acks.push_back({root, edges});
        }
    }
    void fail(Root root, FailReason reason) {
        towards(root).fails.push_back({root, reason, FailRecord::Kind::kFail, 0});
    }
    void reset_timeout(Root root) {
        towards(root).fails.push_back({root, {}, FailRecord::Kind::kReset, 0});
    }
    /// `more`: 1 if a bolt keeps a tuple of the root, -1 if it has acked that one.
    void held(Root root, std::int32_t more) {
        towards(root).fails.push_back({root, {}, FailRecord::Kind::kHeld, more});
    }

    /// Only the last record of a channel counts.
    void credit(std::uint32_t destination, CreditRecord record) {
        std::vector<CreditRecord>& credits = by_destination_[destination].credits;
        if (!credits.empty() && credits.back().channel == record.channel) {
            credits.back() = record;
        } else {
            credits.push_back(record);
        }
    }

    std::vector<ControlBatch>& by_destination() { return by_destination_; }

private:
    ControlBatch& towards(Root root) {
        const TaskId task = task_of(root);
        if (task != last_task_) {
            last_task_ = task;
            last_ = &by_destination_[destination_of_task_[static_cast<std::size_t>(task)]];
        }
        return *last_;
    }

    const std::vector<std::uint32_t>& destination_of_task_;
    std::vector<ControlBatch> by_destination_;
    TaskId last_task_ = 0;  // No task has this number.
    ControlBatch* last_ = nullptr;
};

/// Combines all records of a root, even if they are far apart: a spout that falls behind with its
/// acks has one record per pending root, not one per ack.
void merge_by_root(std::vector<AckRecord>& acks);
/// The same with everything else: one record for each root, kind and reason; for kept tuples with
/// the sum, or none if that is 0.
void merge_by_root(std::vector<FailRecord>& fails);

}  // namespace storm::worker
