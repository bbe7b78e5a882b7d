// What goes to one other worker: taken from its outbox, counted against the channels' credit, made
// into frames.
//
// Control records wait here until they can be sent, merged by root: what an unreachable peer is
// owed is bounded by its pending roots; so are fails and resets.
//
// Threads: the links' thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "worker/executor/executor.h"
#include "worker/executor/shared.h"
#include "worker/transport/inbound.h"
#include "worker/transport/link.h"

namespace storm::worker {

class Outbound {
public:
    /// `incarnation`: this worker's own.
    Outbound(Shared& shared, std::uint32_t worker, std::uint64_t incarnation);
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;
    ~Outbound();

    /// Takes what is in the outbox.
    void collect();
    bool has_control() const { return !controls_.empty() || !credits_.empty() || !others_.empty(); }
    bool has_batches() const { return !batches_.empty(); }
    /// What became of the peer's rows is still to be said.
    bool has_answers() const { return !controls_.empty(); }

    /// The next frame of control records. `inbound`: what credits are counted by.
    Shipment control_frame(std::uint64_t sequence, const Inbound& inbound);
    /// The next batch. REQUIRES: has_batches().
    Shipment batch_frame(std::uint64_t sequence);

    void add(const wire::ControlRecord& record) { others_.push_back(record); }
    bool has_channel(std::uint64_t channel) const { return by_channel_.contains(channel); }
    /// The peer lets a channel send up to here, as it counts: within its window, whatever it says.
    /// REQUIRES: has_channel(channel).
    void granted(std::uint64_t channel, std::uint64_t limit);

    /// A life of the peer has ended, and no other has begun: what it was owed is nobody's, and
    /// nothing more may be sent to it.
    void end_life();
    /// A new life of the peer: its credits are counted from here. `credits`: what it may send, as
    /// we count.
    void start_life(const std::vector<CreditRecord>& credits);
    /// What the peer has taken, or what is lost with it: the rows' memory is free again. `lost`:
    /// their trees fail.
    void release(Shipment& shipment, bool lost);
    /// The peer is gone for good, in this life and all others: nobody waits for credit of it any
    /// more, and what is for it is lost.
    void give_up();
    /// Something was, that had not been shipped.
    bool has_dropped() const { return dropped_; }

private:
    struct To {
        CreditReceiver* receiver = nullptr;  // Null: no such channel.
        Executor* source = nullptr;
        std::uint64_t shipped = 0;  // Bytes, in all lives.
        std::uint64_t base = 0;     // Of these, before this life.
        std::uint64_t granted = 0;  // The limit, as we count, in this life.
    };

    To& to(const wire::RunHeader& run);
    void merge_controls();
    void fail_rows(Batch& batch);
    void free(Batch* batch);
    void drop(Batch* batch);
    void drop_controls();
    void revoke_credit();

    Shared& shared_;
    const Wiring& wiring_;
    PeerOutbox& outbox_;
    const std::uint64_t incarnation_;
    std::vector<std::size_t> source_index_;  // By executor: its row in to_.
    std::vector<std::size_t> target_index_;  // By executor: its column.
    std::size_t targets_ = 0;
    std::vector<To> to_;
    std::unordered_map<std::uint64_t, To*> by_channel_;

    std::deque<Batch*> batches_;
    std::deque<ControlBatch*> controls_;  // Not empty ones; their credits are in credits_.
    std::size_t acks_ = 0;                // In all of them; fails and resets, too.
    std::size_t merge_at_ = kAckMergeMin;
    std::unordered_map<std::uint64_t, std::uint64_t> credits_;  // Limit, as we count, by channel.
    std::vector<wire::ControlRecord> others_;
    bool gone_ = false;
    bool dropped_ = false;
};

}  // namespace storm::worker
