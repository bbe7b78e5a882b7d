#include "worker/transport/outbound.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "wire/batch.h"
#include "wire/frame.h"
#include "worker/wiring/limits.h"

namespace storm::worker {
namespace {

constexpr auto kRunHeader = sizeof(wire::RunHeader);

std::span<const std::byte> runs_of(Batch& batch) {
    return {batch.bytes(), batch.used};
}

// A channel's limit only grows. An older record may arrive later, when an executor changes its
// thread.
void raise(std::unordered_map<std::uint64_t, std::uint64_t>& limits, const CreditRecord& record) {
    std::uint64_t& limit = limits[record.channel];
    limit = std::max(limit, record.limit);
}

wire::ControlRecord make_record(const FailRecord& fail) {
    switch (fail.kind) {
        case FailRecord::Kind::kFail:
            return wire::make_fail(fail.root, fail.reason);
        case FailRecord::Kind::kReset:
            return wire::make_reset(fail.root);
        case FailRecord::Kind::kHeld:
            return wire::make_held(fail.root, fail.held);
    }
    STORM_CHECK(false, "all kinds are told above");
}

std::uint64_t untracked_rows(std::span<const std::byte> rows) {
    std::uint64_t count = 0;
    for (std::size_t at = 0; at < rows.size(); at += detail::row_bytes(rows.data() + at))
        count += wire::is_untracked(rows.data() + at) ? 1U : 0U;
    return count;
}

}  // namespace

Outbound::Outbound(Shared& shared, std::uint32_t worker, std::uint64_t incarnation)
    : shared_(shared),
      wiring_(shared.wiring),
      outbox_(*shared.peers[worker]),
      incarnation_(incarnation),
      window_(window_bytes_of(shared.wiring, worker)),
      to_(channels_to(shared, worker)) {}

std::vector<Outbound::To> Outbound::channels_to(Shared& shared, std::uint32_t worker) {
    std::vector<To> all;
    for (Executor* const source : shared.executors) {
        if (source == nullptr) continue;
        for (const auto& [channel, receiver] : source->receivers_elsewhere()) {
            const std::size_t target = channel & 0xffff'ffff;
            if (shared.wiring.share.worker_of(target) == worker)
                all.push_back({.id = channel, .receiver = receiver, .source = source});
        }
    }
    return all;
}

Outbound::~Outbound() {
    for (Batch* const batch : batches_) free_batch(batch);
    for (ControlBatch* const control : controls_) shared_.controls.give(control);
}

Outbound::To& Outbound::to(const wire::RunHeader& run) {
    To* const found = to_.find(channel_id(wiring_.executor_of_task[run.source_task],
                                          wiring_.executor_of_task[run.target_task]));
    STORM_CHECK(found != nullptr, "executors send only where they are wired to");
    return *found;
}

void Outbound::collect() {
    // First: a push from here on wakes this thread again, and an earlier one is found below.
    outbox_.begin_taking();
    outbox_.batches.take_all([this](Batch* batch) {
        // Executors may push until they learn of it.
        if (gone_) [[unlikely]]
            return drop(batch);
        batches_.push_back(batch);
    });
    outbox_.control.take_all([this](ControlBatch* taken) {
        for (const CreditRecord& record : taken->credits) raise(credits_, record);
        taken->credits.clear();
        acks_ += taken->acks.size() + taken->fails.size();
        if (taken->empty()) {
            shared_.controls.give(taken);
        } else {
            controls_.push_back(taken);
        }
    });
    if (acks_ >= merge_at_) [[unlikely]]
        merge_controls();
}

void Outbound::merge_controls() {
    STORM_CHECK(!controls_.empty(), "acks are counted as long as their batch is here");
    ControlBatch& all = *controls_.front();
    while (controls_.size() > 1) {
        ControlBatch* const next = controls_.back();
        controls_.pop_back();
        all.acks.insert(all.acks.end(), next->acks.begin(), next->acks.end());
        all.fails.insert(all.fails.end(), next->fails.begin(), next->fails.end());
        next->clear();
        shared_.controls.give(next);
    }
    merge_by_root(all.acks);
    merge_by_root(all.fails);
    acks_ = all.acks.size() + all.fails.size();
    merge_at_ = std::max(kAckMergeMin, 2 * acks_);
}

Shipment Outbound::control_frame(std::uint64_t sequence, const Inbound& inbound) {
    Shipment shipment;
    shipment.sequence = sequence;
    std::vector<wire::ControlRecord>& records = shipment.records;
    // Fences and the like first. They are few, and other workers decide by them.
    const auto first = others_.begin();
    const auto some =
        first + static_cast<std::ptrdiff_t>(std::min(others_.size(), wire::kControlRecordsMax));
    records.assign(first, some);
    others_.erase(first, some);
    // Credit before acks: executors of the peer may be waiting for it.
    while (!credits_.empty() && records.size() < wire::kControlRecordsMax) {
        const CreditRecord record =
            inbound.credit({credits_.begin()->first, credits_.begin()->second});
        records.push_back(wire::make_credit(record.channel, record.limit));
        credits_.erase(credits_.begin());
    }
    // Taken from the back, which is cheapest; the order of acks and fails does not matter.
    const auto take = [&records](auto& from, auto&& make) {
        for (; !from.empty() && records.size() < wire::kControlRecordsMax; from.pop_back())
            records.push_back(make(from.back()));
    };
    // Credit and the like are of no use to a worker that has ended; acks and fails are.
    shipment.matters = !controls_.empty() && records.size() < wire::kControlRecordsMax;
    while (!controls_.empty() && records.size() < wire::kControlRecordsMax) {
        ControlBatch& next = *controls_.front();
        records.reserve(std::min(records.size() + next.acks.size() + next.fails.size(),
                                 wire::kControlRecordsMax));
        const std::size_t before = next.acks.size() + next.fails.size();
        take(next.fails, make_record);
        take(next.acks, [](const AckRecord& ack) { return wire::make_ack(ack.root, ack.edges); });
        const std::size_t taken = before - next.acks.size() - next.fails.size();
        STORM_CHECK(taken <= acks_, "collect() has counted them");
        acks_ -= taken;
        // The frame is full; the rest of this batch goes into the next one.
        if (!next.acks.empty() || !next.fails.empty()) break;
        next.clear();
        shared_.controls.give(&next);
        controls_.pop_front();
    }
    const std::span<const std::byte> bytes = std::as_bytes(std::span(records));
    shipment.head = wire::write_control_head(sequence, bytes);
    shipment.bytes = shipment.head.size() + bytes.size();
    return shipment;
}

Shipment Outbound::batch_frame(std::uint64_t sequence) {
    STORM_CHECK(!batches_.empty(), "to be called while there is one");
    Batch* const batch = batches_.front();
    batches_.pop_front();
    const std::span<const std::byte> runs = runs_of(*batch);
    for (std::size_t at = 0; at < runs.size();) {
        const wire::RunHeader run = wire::read_run_header(runs.data() + at);
        To& target = to(run);
        const std::uint64_t begin = target.shipped;
        target.shipped += run.bytes;
        const RowKinds& kinds = target.source->sent_kinds;
        if (kinds.has_untracked()) {
            const std::uint64_t rows =
                kinds.has_other() ? untracked_rows(runs.subspan(at + kRunHeader, run.bytes))
                                  : run.count;
            target.unexecuted.shipped(begin, target.shipped, rows);
        }
        at += kRunHeader + run.bytes;
    }
    const wire::BatchHeader header = wire::make_batch_header(
        {.schema_version = 0, .source_incarnation = incarnation_, .sequence = sequence}, runs);
    std::string head = wire::write_batch_head(sizeof(header) + runs.size());
    head.append(reinterpret_cast<const char*>(&header), sizeof(header));
    const std::size_t bytes = head.size() + runs.size();
    return {.sequence = sequence,
            .head = std::move(head),
            .batch = batch,
            .records = {},
            .bytes = bytes,
            .matters = true};
}

void Outbound::granted(std::uint64_t channel, std::uint64_t limit) {
    if (gone_) return;
    To& to = *to_.find(channel);
    // The peer cannot have consumed more than was shipped to it.
    const std::uint64_t most = to.shipped - to.base + kWindowBytesMaxElsewhere;
    const std::uint64_t granted = to.base + std::min(limit, most);
    // Repeated, or overtaken by a later one.
    if (granted <= to.granted) return;
    to.granted = granted;
    // It grants a window beyond what it has executed. At first less, while rows of this worker's
    // former life wait there.
    to.unexecuted.executed(std::max(granted, to.base + window_) - window_);
    if (to.receiver->announced(granted)) to.source->resume();
}

// Batches stay: they have not been sent, so they go to the next life.
void Outbound::end_life() {
    // The roots of the peer's spouts died with it.
    drop_controls();
    revoke_credit();
}

void Outbound::drop_controls() {
    for (ControlBatch* const control : controls_) {
        control->clear();
        shared_.controls.give(control);
    }
    controls_.clear();
    acks_ = 0;
    merge_at_ = kAckMergeMin;
}

void Outbound::revoke_credit() {
    if (gone_) return;
    for (const To& to : to_) to.receiver->revoke();
}

void Outbound::start_life(const std::vector<CreditRecord>& credits) {
    revoke_credit();
    others_.clear();  // Whatever they said, the new life is told anew.
    for (To& to : to_) {
        to.base = to.shipped;
        to.granted = 0;
        to.unexecuted.clear();
    }
    for (const CreditRecord& record : credits) raise(credits_, record);
}

void Outbound::count_unexecuted() {
    for (To& to : to_) {
        const std::uint64_t lost = to.unexecuted.count();
        if (lost > 0) to.source->dropped_elsewhere.fetch_add(lost, std::memory_order_relaxed);
        to.unexecuted.clear();
    }
}

bool Outbound::has_unexecuted() const {
    return std::any_of(to_.begin(), to_.end(),
                       [](const To& to) { return to.unexecuted.count() > 0; });
}

// Nobody knows whether a frame that was sent, and not receipted, was executed. Its trees fail in
// any case: a replay may double something, but nothing stays silent.
void Outbound::release(Shipment& shipment, bool lost) {
    Batch* const batch = std::exchange(shipment.batch, nullptr);
    if (batch == nullptr) return;
    if (lost) fail_rows(*batch, false);
    free(batch);
}

void Outbound::free(Batch* batch) {
    shared_.pool.bytes_in_flight.fetch_sub(batch->used, std::memory_order_relaxed);
    shared_.pool.give(batch);
}

void Outbound::give_up() {
    // First, so that batches which executors push from here on are dropped as well. They learn of
    // it by their credit.
    gone_ = true;
    for (Batch* const batch : std::exchange(batches_, {})) drop(batch);
    for (const To& to : to_) {
        to.receiver->give_up();
        to.source->resume();
    }
}

void Outbound::drop(Batch* batch) {
    dropped_ = true;
    fail_rows(*batch, true);
    free(batch);
}

// The spouts of these roots may be here or in a third worker, so the records take the same ways as
// acks.
void Outbound::fail_rows(Batch& batch, bool count) {
    const std::span<const std::byte> runs = runs_of(batch);
    std::vector<ControlBatch*> to(wiring_.destinations());
    for (std::size_t at = 0; at < runs.size();) {
        const wire::RunHeader run = wire::read_run_header(runs.data() + at);
        const std::byte* row = runs.data() + at + kRunHeader;
        Executor& source = shared_.executor_of(static_cast<TaskId>(run.source_task));
        for (std::uint32_t i = 0; i < run.count; ++i, row += detail::row_bytes(row)) {
            // Nobody is told about an untracked row, so it is at least counted.
            if (count && wire::is_untracked(row))
                source.dropped_elsewhere.fetch_add(1, std::memory_order_relaxed);
            for (std::uint32_t a = 0; a < detail::row_anchor_count(row); ++a) {
                const Root root = detail::row_anchor(row, a).root;
                const std::uint32_t destination = wiring_.destination_of(task_of(root));
                if (to[destination] == nullptr) to[destination] = shared_.controls.take();
                to[destination]->fails.push_back({root, FailReason::kWorkerLost});
            }
        }
        at += kRunHeader + run.bytes;
    }
    for (std::uint32_t i = 0; i < to.size(); ++i) {
        if (to[i] == nullptr) continue;
        shared_.entrance(i).control.push(to[i]);
        shared_.entrance(i).notify();
    }
}

}  // namespace storm::worker
