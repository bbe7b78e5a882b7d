#include "worker/executor/bolt_executor.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <storm/detail/suggest.h>

#include "base/check.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "worker/wiring/cycles.h"

namespace storm::worker {

BoltExecutor::BoltExecutor(Shared& shared, std::size_t number)
    : Executor(shared, number),
      first_task_(shared.wiring.plan.executors[number].first_task),
      cycle_(shared.cycle_of(component())),
      wait_warnings_(1, kWaitWarningMicros) {
    const Wiring& wiring = shared.wiring;
    const cluster::ExecutorPlan& plan = wiring.plan.executors[number];
    for (TaskId id = plan.first_task; id < plan.first_task + plan.tasks; ++id) {
        const int index = id - wiring.plan.components[plan.component].first_task;
        bolts_.push_back(std::make_unique<BoltTask>(shared, *this, plan.component, id, index));
        tasks_.push_back(bolts_.back().get());
    }
    ticked_ = bolts_.size();
    const Component& component = wiring.topology.components()[plan.component];
    const Config& config = bolts_.front()->site()->config();
    tick_every_ = cluster::tick_interval(component, config);
    if (tick_every_ > 0) {
        // A tick is a row as emit() would build it, with one value and no anchors. Made once: all
        // tasks get this one, and what a bolt does with a tick is kept in its Tuple, not in the
        // row.
        const std::int64_t every_ms = tick_every_ / base::kMicrosPerMilli;
        tick_row_.resize(detail::kRowHeaderBytes + detail::kWord + detail::encoded_bytes(every_ms));
        detail::store(tick_row_.data(), std::uint64_t{tick_row_.size()} | std::uint64_t{1} << 48);
        detail::store(tick_row_.data() + detail::kRowHeaderBytes,
                      std::uint64_t{2});  // The value is in word 2.
        detail::encode(every_ms, tick_row_.data() + 2 * detail::kWord);
    }
}

void BoltExecutor::open() {
    for (const auto& bolt : bolts_) bolt->prepare();
    if (tick_every_ > 0) tick_due_ = shared_.clock.now() + tick_every_;
}

void BoltExecutor::accept(const RunRef& run) {
    if (cycle_ != nullptr) [[unlikely]] {
        const wire::RunHeader header = wire::read_run_header(run.batch->bytes() + run.run);
        if (channel(static_cast<TaskId>(header.source_task)).inner) return inner_.push(run);
    }
    outer_.push(run);
}

void BoltExecutor::accept_acks(std::span<const AckRecord>) {
    STORM_CHECK(false, "acks go to spouts");
}
void BoltExecutor::accept_fails(std::span<const FailRecord>) {
    STORM_CHECK(false, "fails go to spouts");
}

void BoltExecutor::handle(const PeerEvent& event) {
    if (event.kind != PeerEvent::Kind::kStarted) return;
    // If the other worker runs something upstream of us, it starts anew: we are reopened and end
    // again.
    const Wiring& wiring = shared_.wiring;
    const std::vector<std::uint32_t>& above = wiring.workers_above[component()];
    if (std::binary_search(above.begin(), above.end(), event.worker)) return;
    for (const auto& bolt : bolts_) {
        if (!bolt->ended()) continue;
        bolt->tell_listeners(wire::Eos{}, Task::Listeners::kOutsideOfCycle,
                             wiring.peer(event.worker));
    }
}

// False means: sleep until something arrives, credit included, or a tick is due. So when it returns
// false with work left, a wake-up must have been asked for (Outbox::refresh()), or somebody else
// must bring one: resume_members() for a cycle, wake() for kept tuples.
bool BoltExecutor::step(base::Micros now) {
    clock_.start(now);
    if (std::exchange(idle_, false)) busy_since_ = now;
    handle_peer_events();
    for (const auto& bolt : bolts_) {
        // Needs no credit, since it only tells spouts; and they may wait for just that.
        if (!bolt->ended()) bolt->fail_abandoned();
    }
    // All calls of user code wait for credit, and its arrival wakes us.
    if (!outbox.refresh()) return false;
    bool more = run_posted(now);
    more = run_ticks(now) || more;
    if (outbox.refresh()) more = run_inputs(now) || more;
    if (grants_all_ && next_queue() == nullptr) [[unlikely]] {
        grants_all_ = false;
        grant_all_untracked();
    }
    idle_ = outer_.empty() && inner_.empty();
    end_inputs(now);
    end_tasks(now);
    // They have called user code since the last look. Without another one nobody would wake us when
    // there is credit again for what waits, and for ticks.
    return outbox.refresh() && more;
}

bool BoltExecutor::run_posted(base::Micros now) {
    for (const auto& bolt : bolts_) {
        if (bolt->ended() || !bolt->has_posted()) continue;
        output_born = now;
        if (!bolt->run_posted([this] { return clock_.over() || must_pause(); })) return true;
    }
    return false;
}

bool BoltExecutor::run_ticks(base::Micros now) {
    if (now >= tick_due_) {
        // Missed ticks are not made up for, and the next one keeps its time.
        tick_due_ += ((now - tick_due_) / tick_every_ + 1) * tick_every_;
        ticked_ = 0;
    }
    while (ticked_ < bolts_.size()) {
        if (must_pause()) return true;
        output_born = now;
        BoltTask& bolt = *bolts_[ticked_++];
        if (bolt.takes_ticks()) bolt.tick(tick_row_.data(), shared_.wiring.tick_schema);
    }
    return false;
}

// The inside of a cycle first: above the high-water mark only that makes room. cycle_->remove()
// wakes those that stop here.
Ring<RunRef>* BoltExecutor::next_queue() {
    if (!inner_.empty()) return &inner_;
    if (outer_.empty() || (cycle_ != nullptr && cycle_->above_high_water())) return nullptr;
    return &outer_;
}

// Out of line, because apart from time a step is rarely interrupted.
bool BoltExecutor::interrupted() {
    return !outbox.closed().empty() || !outbox.refresh();
}

// `born` is that of the youngest row, so for the older ones the age is too short: a row may be
// executed in vain, but none fails before its time.
bool BoltExecutor::is_stale(const Batch& batch, base::Micros now) const {
    const base::Micros shortest = shared_.timeouts.shortest();
    return shortest != 0 && now - batch.born >= shortest;
}

void BoltExecutor::warn_of_waits(base::Micros age, base::Micros now) {
    std::uint64_t held_back = 0;
    if (!wait_warnings_.admit(now, held_back)) return;
    const std::vector<Component>& components = shared_.wiring.topology.components();
    const Component& own = components[component()];
    std::set<std::string_view> bolts_before;
    for (const Subscription& input : own.inputs) {
        const Component& source =
            components[component_index(shared_.wiring.topology, input.source)];
        if (!source.is_spout()) bolts_before.insert(source.id);
    }
    const bool waited_here = now - busy_since_ >= age / 2;
    const std::string why =
        waited_here || bolts_before.empty()
            ? "give it more executors with parallelism(), or let its execute() do less"
            : "they came late; look at " +
                  detail::list_of({bolts_before.begin(), bolts_before.end()}) + " before it";
    base::log::warn("tuples for bolt " + detail::quoted(own.id) + " timed out, " +
                        std::to_string(age / base::kMicrosPerSecond) +
                        " s old, before it executed them; " + why,
                    {{"component", own.id}});
}

bool BoltExecutor::run_inputs(base::Micros now) {
    while (Ring<RunRef>* const queue = next_queue()) {
        // A copy, taken off the queue first: user code may emit right back into the queue.
        RunRef ref = queue->front();
        queue->pop();
        Batch& batch = *ref.batch;
        const wire::RunHeader run = wire::read_run_header(batch.bytes() + ref.run);
        const std::uint32_t end =
            ref.run + static_cast<std::uint32_t>(sizeof(wire::RunHeader)) + run.bytes;
        const auto source = static_cast<TaskId>(run.source_task);
        const auto index =
            static_cast<std::size_t>(static_cast<TaskId>(run.target_task) - first_task_);
        STORM_CHECK(index < bolts_.size(), "a run comes to the executor of its task");
        BoltTask& bolt = *bolts_[index];
        Channel& from = channel(source);
        output_born = std::max(output_born, batch.born);

        bool over = false;
        const bool once = entry.prompt;
        const auto stop = [&, once] {
            over = clock_.over();
            return over || once || (outbox.interrupted() && interrupted());
        };
        const std::byte* const rows = batch.bytes() + ref.row;
        const std::byte* const rows_end = batch.bytes() + end;
        const std::byte* stopped = rows_end;
        // User code may take long, and the loop may be taken over meanwhile. The bytes of the batch
        // stay all the same: this run is not released yet, and the loop's new thread frees no batch
        // with an open run.
        if (!bolt.has_object()) [[unlikely]] {
            const bool row_to_execute = !bolt.ended() && !wire::is_control(rows);
            if (row_to_execute && !bolt.revive()) {
                queue->push_front(ref);
                return false;
            }
            stopped = row_to_execute ? rows : bolt.take_without_object(rows, rows_end, source);
        } else if (is_stale(batch, now)) [[unlikely]] {
            const std::uint64_t before = bolt.expired.value();
            const base::Micros age = now - batch.born;
            const auto timed_out = [&](const std::byte* row) {
                return shared_.timeouts.are_over(row, age);
            };
            stopped = bolt.expire(rows, rows_end, source, from.schemas, timed_out, stop);
            if (bolt.expired.value() != before) warn_of_waits(age, now);
        } else {
            stopped = bolt.execute(rows, rows_end, source, from.schemas, stop);
        }
        STORM_CHECK(rows <= stopped && stopped <= rows_end, "a run is executed row by row");
        ref.row = static_cast<std::uint32_t>(stopped - batch.bytes());

        // Only now: what a row has emitted was counted in the cycle before the row itself is taken
        // off, so the cycle never looks empty in between.
        const auto consumed = static_cast<std::uint32_t>(stopped - rows);
        if (!from.inner) {
            grant(from, consumed);
            grants_all_ = grants_all_ || from.untracked.load(std::memory_order_relaxed);
        } else {
            bolt.executed_from_inside();
            if (cycle_->remove(consumed)) resume_members(*cycle_);
        }
        if (ref.row == end) {
            release(&batch);
        } else {
            queue->push_front(ref);
        }
        if (!outbox.refresh()) return false;  // Its arrival wakes us.
        if (over || entry.prompt || !outbox.closed().empty()) return next_queue() != nullptr;
    }
    return false;
}

// User code runs in here and in end_tasks(), behind all inputs of the step. It needs credit like
// any other call, and if there is none, the flags stay as they are until its arrival brings the
// next step.
void BoltExecutor::end_inputs(base::Micros now) {
    for (const auto& bolt : bolts_) {
        if (bolt->ended()) continue;
        if (bolt->ending_is_due()) {
            if (!outbox.refresh()) return;
            output_born = now;
            bolt->tell_inputs_ended();
        }
        bolt->pass_ending_on();
    }
}

bool BoltExecutor::may_finish(BoltTask& bolt) {
    if (cycle_ == nullptr) return bolt.ran_what_was_posted(Task::LatePosts::kRefused);
    // Rows that still circulate may have to post.
    return cycle_->open_inputs.load() == 0 && bolt.ran_what_was_posted(Task::LatePosts::kDropped) &&
           cycle_->empty();
}

void BoltExecutor::end_tasks(base::Micros now) {
    for (const auto& bolt : bolts_) {
        if (bolt->ended() || !bolt->inputs_ended()) continue;
        // Waits before it refuses posts, because a source may start anew meanwhile.
        if (!outbox.refresh()) return;
        if (!bolt->has_finished()) {
            if (!may_finish(*bolt)) continue;
            output_born = now;
            bolt->finish();
            if (!outbox.refresh()) return;
        }
        // In a cycle nobody is cleaned up before all have finished, and what their finish() emitted
        // is executed.
        if (cycle_ != nullptr && (cycle_->unfinished_tasks.load() != 0 || !cycle_->empty()))
            continue;
        output_born = now;
        bolt->end();
    }
}

void BoltExecutor::close() {
    for (const auto& bolt : bolts_) {
        if (!bolt->ended()) bolt->close();
    }
}

void BoltExecutor::drop_queued() {
    for (Ring<RunRef>* const queue : {&outer_, &inner_}) {
        for (; !queue->empty(); queue->pop()) release(queue->front().batch);
    }
}

base::Micros BoltExecutor::next_due() const {
    // Credit comes before a tick that is due.
    if (tick_due_ == kNever || outbox.blocked()) return kNever;
    const bool any = std::any_of(bolts_.begin(), bolts_.end(),
                                 [](const auto& bolt) { return bolt->takes_ticks(); });
    return any ? tick_due_ : kNever;
}

void BoltExecutor::leave_batches(std::vector<Batch*>& left) {
    for (Batch* const batch : released()) left.push_back(batch);
    released().clear();
    for (Ring<RunRef>* const queue : {&outer_, &inner_}) {
        const std::size_t count = queue->size();
        for (std::size_t i = 0; i < count; ++i) {
            const RunRef ref = queue->front();
            queue->pop();
            const std::byte* const run = ref.batch->bytes() + ref.run;
            const std::size_t bytes = sizeof(wire::RunHeader) + wire::read_run_header(run).bytes;
            // Counted in bytes_in_flight beside the original, which the home loop takes off when it
            // releases that.
            Batch* const own = make_batch(bytes);
            shared_.pool.bytes_in_flight.fetch_add(static_cast<std::int64_t>(bytes),
                                                   std::memory_order_relaxed);
            std::memcpy(own->bytes(), run, bytes);
            own->used = static_cast<std::uint32_t>(bytes);
            own->open_runs = 1;
            own->born = ref.batch->born;
            queue->push({own, 0, ref.row - ref.run});
            left.push_back(ref.batch);
        }
    }
}

}  // namespace storm::worker
