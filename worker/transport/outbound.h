// The way to one other worker: takes its outbox, counts against the credit of the channels, and
// makes frames.
//
// Control records wait here until they can be sent, merged by root, so what is kept for an
// unreachable peer is bounded by its pending roots.
//
// Channels count bytes over all lives of the peer (`shipped`); `base` is the count at the start of
// the present life, at which the peer's own count is 0.
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
#include "worker/transport/channel_table.h"
#include "worker/transport/inbound.h"
#include "worker/transport/link.h"
#include "worker/transport/unexecuted.h"

namespace storm::worker {

class Outbound {
public:
    /// `incarnation` is this worker's own.
    Outbound(Shared& shared, std::uint32_t worker, std::uint64_t incarnation);
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;
    ~Outbound();

    /// Empties the outbox.
    void collect();
    bool has_control() const { return !controls_.empty() || !credits_.empty() || !others_.empty(); }
    bool has_batches() const { return !batches_.empty(); }
    /// Whether some fate of the peer's rows (acks, fails) is still unsent.
    bool has_answers() const { return !controls_.empty(); }

    /// The next frame of control records. `inbound` translates credits into the peer's count.
    Shipment control_frame(std::uint64_t sequence, const Inbound& inbound);
    /// The next batch. REQUIRES: has_batches().
    Shipment batch_frame(std::uint64_t sequence);

    void add(const wire::ControlRecord& record) { others_.push_back(record); }
    bool has_channel(std::uint64_t channel) const { return to_.find(channel) != nullptr; }
    /// The peer lets a channel send up to `limit`, in its own count. Larger claims than the window
    /// allows are cut. REQUIRES: has_channel(channel).
    void granted(std::uint64_t channel, std::uint64_t limit);

    /// A life of the peer has ended, and no other has begun: records for it are dropped, and
    /// nothing more may be sent.
    void end_life();
    /// A life of the peer did not end in order: counts as dropped the untracked rows that it has
    /// not executed, as far as its credit tells.
    void count_unexecuted();
    bool has_unexecuted() const;
    /// A new life of the peer has begun: its credits count from here. `credits`: what the peer may
    /// send, in our count.
    void start_life(const std::vector<CreditRecord>& credits);
    /// Frees the memory of a frame that the peer has taken, or that is lost with the peer. `lost`:
    /// the trees of its rows fail; for the others see count_unexecuted().
    void release(Shipment& shipment, bool lost);
    /// The peer will not come back in any incarnation: no executor waits for its credit any more,
    /// and rows for it are lost.
    void give_up();
    /// Whether rows were dropped that had never been sent.
    bool has_dropped() const { return dropped_; }

private:
    struct To {
        std::uint64_t id = 0;
        CreditReceiver* receiver = nullptr;
        Executor* source = nullptr;
        std::uint64_t shipped = 0;  // Bytes, over all lives.
        std::uint64_t base = 0;     // The part of `shipped` that belongs to former lives.
        std::uint64_t granted = 0;  // The credit limit of this life, in our count.
        Unexecuted unexecuted = {};
    };

    static std::vector<To> channels_to(Shared& shared, std::uint32_t worker);
    To& to(const wire::RunHeader& run);
    void merge_controls();
    /// `count`: untracked rows are counted as dropped.
    void fail_rows(Batch& batch, bool count);
    void free(Batch* batch);
    void drop(Batch* batch);
    void drop_controls();
    void revoke_credit();

    Shared& shared_;
    const Wiring& wiring_;
    PeerOutbox& outbox_;
    const std::uint64_t incarnation_;
    const std::uint64_t window_;  // Bytes that the peer grants beyond what it has executed.
    ChannelTable<To> to_;

    std::deque<Batch*> batches_;
    std::deque<ControlBatch*> controls_;  // Without empty ones; their credits are in credits_.
    std::size_t acks_ = 0;                // Acks, fails, resets and holds in controls_.
    std::size_t merge_at_ = kAckMergeMin;
    std::unordered_map<std::uint64_t, std::uint64_t> credits_;  // Channel -> limit in our count.
    std::vector<wire::ControlRecord> others_;
    bool gone_ = false;
    bool dropped_ = false;
};

}  // namespace storm::worker
