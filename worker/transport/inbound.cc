#include "worker/transport/inbound.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "base/check.h"
#include "cluster/plan.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "wire/row_codec.h"
#include "worker/queue/source_started.h"
#include "worker/transport/limits.h"

namespace storm::worker {
namespace {

constexpr std::uint16_t kNotSubscribed = std::numeric_limits<std::uint16_t>::max();
constexpr auto kRunHeader = sizeof(wire::RunHeader);

base::Error refused(const std::string& why) {
    return {"cannot accept what a worker sent: " + why};
}

/// A component may set its own.
std::uint64_t tuple_bytes_max(const Wiring& wiring) {
    std::uint64_t most = 0;
    for (const Component& component : wiring.topology.components()) {
        const Config own = cluster::component_config(component, wiring.config);
        most = std::max(most, static_cast<std::uint64_t>(own.int64("topology.max.tuple.bytes")));
    }
    return most;
}

bool names_root(const wire::ControlRecord& record) {
    const auto kind = static_cast<wire::ControlKind>(record.kind);
    return kind == wire::ControlKind::kAck || kind == wire::ControlKind::kFail ||
           kind == wire::ControlKind::kReset || kind == wire::ControlKind::kHeld;
}

FailRecord::Kind fail_kind(wire::ControlKind kind) {
    if (kind == wire::ControlKind::kReset) return FailRecord::Kind::kReset;
    return kind == wire::ControlKind::kHeld ? FailRecord::Kind::kHeld : FailRecord::Kind::kFail;
}

// The number of values that a row must have, indexed by the source's stream.
std::vector<std::uint16_t> subscribed_fields(const Wiring& wiring, std::size_t source,
                                             std::size_t target) {
    const std::vector<Component>& components = wiring.topology.components();
    std::vector<std::uint16_t> fields(wiring.schemas[source].size(), kNotSubscribed);
    for (const Subscription& input : components[target].inputs) {
        if (input.source != components[source].id) continue;
        const std::size_t stream = wiring.stream_index(source, input.stream);
        fields[stream] = static_cast<std::uint16_t>(wiring.schemas[source][stream]->fields.size());
    }
    return fields;
}

}  // namespace

Inbound::Inbound(Shared& shared, std::uint32_t worker)
    : shared_(shared),
      wiring_(shared.wiring),
      destination_(wiring_.peer(worker)),
      from_(channels_from(shared, worker)),
      is_spout_task_(wiring_.destination_of_task.size()),
      // A sender notices its limit late: after the batch that it closes, the one that is open, and
      // the row itself.
      allowance_(shared.limits.overshoot_bytes + 3 * tuple_bytes_max(wiring_)),
      open_(wiring_.placement.loops),
      bytes_(wiring_.placement.loops) {
    for (const From& from : from_) open_ends_ += from.ended.size();
    for (std::size_t task = 1; task < is_spout_task_.size(); ++task) {
        is_spout_task_[task] =
            wiring_.topology.components()[wiring_.component_of_task[task]].is_spout();
    }
    // One token for each loop: rows, ends and marks of this peer stay in the order in which they
    // are pushed.
    for (std::uint32_t loop = 0; loop < wiring_.first_peer(); ++loop)
        tokens_.push_back(shared.entrance(loop).batches.token());
}

std::vector<Inbound::From> Inbound::channels_from(Shared& shared, std::uint32_t worker) {
    const Wiring& wiring = shared.wiring;
    std::vector<From> all;
    for (std::size_t t = 0; t < shared.executors.size(); ++t) {
        if (shared.executors[t] == nullptr) continue;
        const cluster::ExecutorPlan& target = wiring.plan.executors[t];
        for (Channel& channel : shared.executors[t]->channels()) {
            if (channel.source != nullptr || channel.destination != wiring.peer(worker)) continue;
            const cluster::ExecutorPlan& source = wiring.plan.executors[channel.id >> 32];
            From& from = all.emplace_back();
            from.id = channel.id;
            from.channel = &channel;
            from.fields = subscribed_fields(wiring, source.component, target.component);
            from.first_source = source.first_task;
            from.first_target = target.first_task;
            from.sources = static_cast<std::size_t>(source.tasks);
            from.targets = static_cast<std::size_t>(target.tasks);
            from.ended.resize(from.sources * from.targets);
        }
    }
    return all;
}

// Any number may come: it is compared with the tables before it is an index into them.
Inbound::From* Inbound::from(TaskId source, TaskId target) {
    const auto s = static_cast<std::size_t>(source);
    const auto t = static_cast<std::size_t>(target);
    const std::size_t tasks = wiring_.executor_of_task.size();
    if (s == 0 || s >= tasks || t == 0 || t >= tasks) return nullptr;
    return from_.find(channel_id(wiring_.executor_of_task[s], wiring_.executor_of_task[t]));
}

const char* Inbound::fault_in_row(const std::byte* row, const From& from) const {
    if (wire::is_control(row)) {
        const wire::ControlRow control = wire::read_control_row(row);
        const bool known = std::holds_alternative<wire::Eos>(control) ||
                           std::holds_alternative<wire::Ending>(control) ||
                           std::holds_alternative<wire::Reopen>(control);
        return known ? nullptr : "a control row that nobody has agreed on";
    }
    const std::uint16_t stream = detail::row_stream(row);
    if (stream >= from.fields.size() || from.fields[stream] == kNotSubscribed)
        return "a stream that the target does not subscribe to";
    if (detail::row_values(row) != from.fields[stream])
        return "another number of values than the stream has fields";
    const std::uint32_t anchors = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < anchors; ++i) {
        const auto task = static_cast<std::size_t>(task_of(detail::row_anchor(row, i).root));
        if (task >= is_spout_task_.size() || !is_spout_task_[task])
            return "a root of no spout task";
    }
    return nullptr;
}

base::Result<base::Done> Inbound::check(std::span<const std::byte> runs) {
    // Only well-formed rows may be read in place.
    auto well_formed = wire::check_runs(runs);
    if (!well_formed) return well_formed;
    std::fill(bytes_.begin(), bytes_.end(), 0);
    ends_.clear();
    for (std::size_t at = 0; at < runs.size();) {
        const wire::RunHeader run = wire::read_run_header(runs.data() + at);
        From* const from =
            this->from(static_cast<TaskId>(run.source_task), static_cast<TaskId>(run.target_task));
        if (from == nullptr) {
            return refused("a run from task " + std::to_string(run.source_task) + " to task " +
                           std::to_string(run.target_task));
        }
        const std::byte* row = runs.data() + at + kRunHeader;
        const std::byte* const end = row + run.bytes;
        bool untracked = false;
        for (; row != end; row += detail::row_bytes(row)) {
            if (const char* const fault = fault_in_row(row, *from)) return refused(fault);
            if (wire::is_control(row)) [[unlikely]] {
                note_end(run, *from, row);
            } else {
                untracked = untracked || wire::is_untracked(row);
            }
        }
        // The only effect of a batch that may yet be refused: credit is announced a little sooner.
        // Stored once, since the consumer's thread writes to the same cache line.
        if (untracked && !from->channel->untracked.load(std::memory_order_relaxed))
            from->channel->untracked.store(true, std::memory_order_relaxed);
        // The limit only grows while we look, so the check errs in the peer's favour.
        const std::uint64_t limit = from->channel->credit.limit();
        if (from->received + run.bytes > limit + allowance_ + kBeyondCreditBytesMax)
            return refused("more than its credit allows");
        bytes_[wiring_.destination_of(static_cast<TaskId>(run.target_task))] +=
            kRunHeader + run.bytes;
        at += kRunHeader + run.bytes;
    }
    return base::Done{};
}

base::Result<base::Done> Inbound::take_batch(std::span<const std::byte> runs) {
    auto checked = check(runs);
    if (!checked) return checked;
    // Rows of a peer that is gone are still executed, but the ends of its streams have been made up
    // already.
    if (!gone_)
        std::for_each(ends_.begin(), ends_.end(), [this](const End& end) { set_ended(end); });
    for (std::size_t at = 0; at < runs.size();) {
        const wire::RunHeader run = wire::read_run_header(runs.data() + at);
        const auto target = static_cast<TaskId>(run.target_task);
        From& from = *this->from(static_cast<TaskId>(run.source_task), target);
        // Rows without the headers of their runs, as the sender and the consumer count them too.
        from.received += run.bytes;
        if (is_overfull(from)) overfull_.push_back(&from);
        const std::uint32_t loop = wiring_.destination_of(target);
        Batch*& batch = open_[loop];
        if (batch == nullptr) batch = shared_.pool.take(bytes_[loop]);
        const std::size_t bytes = kRunHeader + run.bytes;
        STORM_CHECK(bytes <= batch->capacity - batch->used, "check() has added them up");
        std::memcpy(batch->bytes() + batch->used, runs.data() + at, bytes);
        batch->used += static_cast<std::uint32_t>(bytes);
        at += bytes;
    }
    for (std::uint32_t loop = 0; loop < open_.size(); ++loop) {
        if (open_[loop] != nullptr) push(loop, std::exchange(open_[loop], nullptr));
    }
    return base::Done{};
}

void Inbound::note_end(const wire::RunHeader& run, From& from, const std::byte* row) {
    const wire::ControlRow control = wire::read_control_row(row);
    // An Ending is not an end: it may be taken back.
    if (std::holds_alternative<wire::Ending>(control)) return;
    ends_.push_back({&from, static_cast<TaskId>(run.source_task),
                     static_cast<TaskId>(run.target_task),
                     std::holds_alternative<wire::Eos>(control)});
}

void Inbound::set_ended(const End& end) {
    const From& from = *end.from;
    const auto source = static_cast<std::size_t>(end.source - from.first_source);
    const auto target = static_cast<std::size_t>(end.target - from.first_target);
    STORM_CHECK(source < from.sources && target < from.targets, "check() has found their channel");
    auto&& ended = end.from->ended[source * from.targets + target];
    if (ended == end.ended) return;
    ended = end.ended;
    STORM_CHECK(!end.ended || open_ends_ > 0, "those that have not ended are counted");
    open_ends_ += end.ended ? static_cast<std::size_t>(-1) : 1;
}

// Compared with the limit that was announced, not with what was consumed: up to that the peer may
// send.
bool Inbound::is_overfull(const From& from) const {
    return from.received > from.channel->credit.limit() + allowance_;
}

bool Inbound::overfull() {
    std::erase_if(overfull_, [this](const From* from) { return !is_overfull(*from); });
    return !overfull_.empty();
}

void Inbound::push(std::uint32_t loop, Batch* batch) {
    shared_.pool.bytes_in_flight.fetch_add(batch->used, std::memory_order_relaxed);
    shared_.entrance(loop).batches.push(tokens_[loop], batch);
    shared_.entrance(loop).notify();
}

// An ack for a spout of another worker would be routed to a loop that does not run it.
base::Result<base::Done> Inbound::check_control(std::span<const std::byte> records) const {
    TaskId last_task = -1;
    for (std::size_t i = 0; i < records.size() / sizeof(wire::ControlRecord); ++i) {
        const wire::ControlRecord record = wire::control_record(records, i);
        if (!names_root(record) || task_of(record.subject) == last_task) continue;
        last_task = task_of(record.subject);
        if (!is_own_spout(last_task)) return refused("an ack of a root that is not of this worker");
    }
    return base::Done{};
}

void Inbound::take_control(std::span<const std::byte> records) {
    std::vector<ControlBatch*> to(wiring_.placement.loops);
    TaskId last_task = 0;
    ControlBatch* last = nullptr;
    const auto batch_for = [&](std::uint64_t root) -> ControlBatch& {
        if (last != nullptr && task_of(root) == last_task) [[likely]]
            return *last;
        last_task = task_of(root);
        const std::uint32_t loop = wiring_.destination_of(last_task);
        if (to[loop] == nullptr) {
            to[loop] = shared_.controls.take();
            to[loop]->acks.reserve(records.size() / sizeof(wire::ControlRecord));
        }
        last = to[loop];
        return *last;
    };
    for (std::size_t i = 0; i < records.size() / sizeof(wire::ControlRecord); ++i) {
        const wire::ControlRecord record = wire::control_record(records, i);
        if (!names_root(record)) continue;
        ControlBatch& batch = batch_for(record.subject);
        const auto kind = static_cast<wire::ControlKind>(record.kind);
        if (kind == wire::ControlKind::kAck) {
            batch.acks.push_back({record.subject, record.amount});
        } else {
            batch.fails.push_back({record.subject, static_cast<FailReason>(record.reason),
                                   fail_kind(kind),
                                   kind == wire::ControlKind::kHeld ? wire::held_more(record) : 0});
        }
    }
    for (std::uint32_t loop = 0; loop < to.size(); ++loop) {
        if (to[loop] == nullptr) continue;
        shared_.entrance(loop).control.push(to[loop]);
        shared_.entrance(loop).notify();
    }
}

template <typename F>
void Inbound::for_each_pair_of_tasks(F&& f) {
    for (From& from : from_) {
        for (std::size_t s = 0; s < from.sources; ++s)
            for (std::size_t t = 0; t < from.targets; ++t)
                f(from, from.first_source + static_cast<TaskId>(s),
                  from.first_target + static_cast<TaskId>(t));
    }
}

// Pushes a row as if the peer had sent it; consumers count it as consumed like any other.
void Inbound::push_control_row(From& from, TaskId source, TaskId target,
                               std::span<const std::byte> row) {
    Batch* const batch = make_batch(kRunHeader + row.size());
    wire::write_run_header(
        batch->bytes(), {static_cast<std::uint32_t>(source), static_cast<std::uint32_t>(target), 1,
                         static_cast<std::uint32_t>(row.size())});
    std::memcpy(batch->bytes() + kRunHeader, row.data(), row.size());
    batch->used = static_cast<std::uint32_t>(kRunHeader + row.size());
    push(wiring_.destination_of(target), batch);
    from.received += row.size();
}

void Inbound::end_sources() {
    gone_ = true;
    alignas(8) std::array<std::byte, wire::kControlRowBytesMax> row{};
    const std::size_t bytes = wire::write_control_row(wire::Eos{}, row.data());
    for_each_pair_of_tasks([&](From& from, TaskId source, TaskId target) {
        // Also where an end has come already: a bolt takes the second one for nothing.
        set_ended({&from, source, target, true});
        push_control_row(from, source, target, std::span(row).first(bytes));
    });
}

void Inbound::start_life() {
    overfull_.clear();
    if (!gone_) mark_start();
    // Behind the marks: the peer has not sent these bytes, but its bolts here consume them like its
    // rows.
    for (From& from : from_) from.base = from.received;
}

// The mark travels in the data lane, behind the rows of the former life.
void Inbound::mark_start() {
    alignas(8) std::array<std::byte, kSourceStartedBytes> mark{};
    write_source_started(mark.data());
    for_each_pair_of_tasks([&](From& from, TaskId source, TaskId target) {
        set_ended({&from, source, target, false});
        push_control_row(from, source, target, mark);
    });
}

// Rows of the former life may still wait here. They use up the window first, so the new life may
// have no credit until they are executed.
CreditRecord Inbound::credit(const CreditRecord& record) const {
    const From* const from = from_.find(record.channel);
    STORM_CHECK(from != nullptr, "an executor grants credit for its own channels");
    return {record.channel, record.limit - std::min(record.limit, from->base)};
}

std::vector<CreditRecord> Inbound::all_credits() const {
    std::vector<CreditRecord> all;
    for (const From& from : from_) all.push_back({from.id, from.channel->credit.limit()});
    return all;
}

}  // namespace storm::worker
