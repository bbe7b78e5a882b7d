#include "worker/executor/bolt_task.h"

#include <algorithm>
#include <string>
#include <utility>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "base/check.h"
#include "wire/control.h"
#include "worker/executor/bolt_mistakes.h"
#include "worker/executor/tuple_text.h"
#include "worker/queue/source_started.h"

namespace storm::worker {
namespace {

using detail::TupleAccess;

template <typename Use>
void for_each_root(const Tuple& tuple, Use&& use) {
    const std::byte* const row = TupleAccess::row(tuple);
    const std::uint32_t count = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < count; ++i) use(detail::row_anchor(row, i).root);
}

}  // namespace

BoltTask::BoltTask(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index)
    : Task(shared, executor, component, id, index),
      is_basic_(std::holds_alternative<Component::BasicBoltFactory>(
          shared.wiring.topology.components()[component].factory)),
      collector_(*this, nullptr),
      cycle_(shared.cycle_of(component)) {
    const Wiring& wiring = shared.wiring;
    std::vector<std::size_t> sources;
    for (const Subscription& input : wiring.topology.components()[component].inputs) {
        const std::size_t source = component_index(wiring.topology, input.source);
        auto counters = std::make_unique<InputCounters>();
        counters->schema = wiring.schemas[source][wiring.stream_index(source, input.stream)].get();
        inputs_.push_back(std::move(counters));
        // Inside of a cycle nobody announces an end: the cycle ends as a whole. And a source that
        // is subscribed to twice announces its own once.
        if (!wiring.cycles.inside(source, component)) sources.push_back(source);
    }
    auto ticks = std::make_unique<InputCounters>();
    ticks->schema = &wiring.tick_schema;
    inputs_.push_back(std::move(ticks));
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    for (const std::size_t source : sources) {
        outside_sources_ += static_cast<std::size_t>(wiring.plan.components[source].tasks);
    }
    open_inputs_ = outside_sources_;
    for (const auto& counters : inputs_) inputs_by_schema_[counters->schema] = counters.get();
    if (cycle_ != nullptr) {
        cycle_->open_inputs.fetch_add(static_cast<std::int64_t>(open_inputs_));
        cycle_->unfinished_tasks.fetch_add(1);
        if (outside_sources_ > 0) cycle_->tasks_not_ending.fetch_add(1);
    }
}

void BoltTask::prepare() {
    enter();
    const Component& component = shared_.wiring.topology.components()[component_];
    collector_ = BoltCollector(*this, default_stream());
    // Until the object is destroyed, even by an exception.
    const TaskSite::AllMayPost waits(*site_);
    if (const auto* const factory = std::get_if<Component::BoltFactory>(&component.factory)) {
        // Kept only after prepare(): an object whose prepare() has thrown is destroyed here, and
        // gets no cleanup().
        std::unique_ptr<Bolt> bolt = (*factory)();
        bolt->prepare(context_, collector_);
        rich_ = std::move(bolt);
    } else {
        std::unique_ptr<BasicBolt> bolt =
            std::get<Component::BasicBoltFactory>(component.factory)();
        bolt->prepare(context_);
        basic_ = std::move(bolt);
    }
    prepared_ = true;
}

// ---- Acking -------------------------------------------------------------------------------------

void BoltTask::forget(const Tuple& input) {
    TupleAccess::settled(input) = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, FailReason::kForgotten);
    report_error(forgotten_text(input));
}

BoltTask::InputCounters* BoltTask::look_up_counters(const detail::StreamSchema& schema) {
    const auto found = inputs_by_schema_.find(&schema);
    if (found == inputs_by_schema_.end()) return nullptr;
    return last_counters_ = found->second;
}

void BoltTask::ack(const Tuple& input) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) [[unlikely]]
        return report_error(twice_text(input));
    InputCounters* const counters = counters_or_none(TupleAccess::schema(input));
    if (counters == nullptr) [[unlikely]]
        return report_error(unsubscribed_text(input));
    settled = detail::Settled::kAcked;
    counters->acked.add();
    ack_roots(input);
}

void BoltTask::note(std::string_view what, const Tuple& input) {
    for_each_root(input, [&](Root root) { journal_->bolt(what, root); });
}

void BoltTask::fail_as(const Tuple& input, FailReason reason) {
    for_each_root(input, [&](Root root) { acks_.fail(root, reason); });
}

void BoltTask::count_failed(const Tuple& input) {
    counters_of(TupleAccess::schema(input)).failed.add();
    if (input.is_tick()) return;
    if (detail::row_anchor_count(TupleAccess::row(input)) == 0) {
        lost_inputs.add();
    } else {
        await_ending_anew(input.source_task());
    }
}

void BoltTask::fail(const Tuple& input, std::string_view why) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) return report_error(twice_text(input));
    if (counters_or_none(TupleAccess::schema(input)) == nullptr)
        return report_error(unsubscribed_text(input));
    settled = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, FailReason::kBoltFailed);
    if (!why.empty()) report_error(why);
}

// The spout hears of it with the acks of this call. Until then the tuple counts as in flight, as
// does one that is let go again soon.
Kept BoltTask::keep(const Tuple& input) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) reject_keep(input);
    settled = detail::Settled::kKept;
    for_each_root(input, [this](Root root) { acks_.held(root, 1); });
    return site_->keep(input);
}

void BoltTask::ack(Kept&& input) {
    check_caller();
    std::unique_ptr<detail::KeptTuple> kept(TupleAccess::take(std::move(input)));
    if (kept == nullptr) return report_error("ack of a Kept that holds nothing");
    if (is_foreign(*kept)) return settle_foreign(std::move(kept));
    if (!settle(*kept)) return;
    // In either order: the spout applies what lets go after the acks, since these complete most
    // roots.
    ack(kept->tuple);
    let_go(kept->tuple);
}

void BoltTask::fail(Kept&& input, std::string_view why) {
    check_caller();
    std::unique_ptr<detail::KeptTuple> kept(TupleAccess::take(std::move(input)));
    if (kept == nullptr) return report_error("fail of a Kept that holds nothing");
    if (is_foreign(*kept)) return settle_foreign(std::move(kept));
    if (!settle(*kept)) return;
    // It fails, or it was acked by its tuple() before, and is only let go of now.
    if (TupleAccess::settled(kept->tuple) != detail::Settled::kOpen) let_go(kept->tuple);
    fail(kept->tuple, why);
}

// False: the end of the keeper has failed it already, so whatever the caller wants comes too late.
bool BoltTask::settle(detail::KeptTuple& kept) {
    auto& keeper = static_cast<TaskSite&>(*kept.site);
    const bool settled = keeper.settle(kept);
    // It may have waited for this before it could pass an ending on.
    if (kept.site != site_) keeper.wake();
    return settled;
}

bool BoltTask::is_foreign(const detail::KeptTuple& kept) const {
    return kept.site != site_ && kept.site->component() != site_->component();
}

// The keeper's executor fails it, on its own thread, as if it had been destroyed. Its lanes and
// counters are not ours.
void BoltTask::settle_foreign(std::unique_ptr<detail::KeptTuple> kept) {
    report_error(foreign_text(kept->site->component()));
    kept->reported = true;
    const std::shared_ptr<detail::TaskSite> site = kept->site;
    static_cast<TaskSite&>(*site).release(kept.release());
}

void BoltTask::reset_timeout(const Tuple& input) {
    // Output from now on is newer than the input.
    const base::Micros now = shared_.clock.now();
    executor_.output_born = std::max(executor_.output_born, now);
    for_each_root(input, [this](Root root) { acks_.reset_timeout(root); });
    executor_.tell_spouts(now);
}

// ---- Executing ----------------------------------------------------------------------------------

template <typename Call>
bool BoltTask::guarded(const char* what, Call&& call) {
    enter();
    try {
        call();
        return true;
    } catch (...) {
        report_lost_call(what);
        return false;
    }
}

// Called in a catch block, whose exception is thrown again to tell its type. An input that was
// acked before stays acked: its spout may know already.
void BoltTask::handle_exception(const Tuple& input) {
    const bool open = TupleAccess::settled(input) == detail::Settled::kOpen;
    // If an input fails, its failure tells of it; otherwise nothing else does.
    const bool fails = open && !input.is_tick();
    const auto report = [&] { report_thrown("execute of " + origin_text(input)); };
    FailReason reason = FailReason::kException;
    try {
        throw;
    } catch (const FailedError&) {
        reason = FailReason::kBoltFailed;
        if (!fails) report();
    } catch (...) {
        report();
    }
    if (!fails) count_lost_emit();
    if (!open) return;
    TupleAccess::settled(input) = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, reason);
}

void BoltTask::tick(const std::byte* row, const detail::StreamSchema& schema) {
    enter();
    const Tuple tuple =
        TupleAccess::make(row, detail::row_offsets_at(row), schema, detail::kNoTask, true);
    InputCounters& counters = counters_of(schema);
    counters.executed.add();
    if (basic_ != nullptr) {
        execute_basic(*basic_, tuple);
    } else {
        execute_rich(*rich_, tuple);
    }
}

// Rows may come after the end of a task: from inside its cycle, or from a worker that was given up
// and is back. The ends of that one were made up (Inbound::end_sources()), but its rows are still
// passed on.
const std::byte* BoltTask::take_without_object(const std::byte* at, const std::byte* end,
                                               TaskId source) {
    if (wire::is_control(at)) {
        handle_control(at, source);  // This may make the rest executable.
        return at + detail::row_bytes(at);
    }
    for (; at != end && !wire::is_control(at); at += detail::row_bytes(at)) {
        const std::uint32_t count = detail::row_anchor_count(at);
        if (count == 0) dropped.add();
        for (std::uint32_t i = 0; i < count; ++i)
            acks_.fail(detail::row_anchor(at, i).root, FailReason::kRebalanced);
    }
    return at;
}

void BoltTask::fail_abandoned() {
    if (!site_->has_mail()) return;
    for (const auto& kept : site_->take_abandoned()) {
        const bool open = TupleAccess::settled(kept->tuple) == detail::Settled::kOpen;
        fail_kept(kept->tuple, FailReason::kForgotten);
        // After cleanup() a bolt may destroy its remaining tuples.
        if (open && prepared_ && !kept->reported) report_error(destroyed_text(kept->tuple));
    }
}

void BoltTask::let_go(const Tuple& kept) {
    for_each_root(kept, [this](Root root) { acks_.held(root, -1); });
}

void BoltTask::fail_kept(const Tuple& kept, FailReason reason) {
    if (TupleAccess::settled(kept) != detail::Settled::kOpen) return let_go(kept);
    TupleAccess::settled(kept) = detail::Settled::kFailed;
    count_failed(kept);
    fail_as(kept, reason);
}

void BoltTask::handle_control(const std::byte* row, TaskId source) {
    if (is_source_started(row)) return reopen_input(source);
    const wire::ControlRow control = wire::read_control_row(row);
    if (std::holds_alternative<wire::Eos>(control)) {
        end_of_input(source);
    } else if (std::holds_alternative<wire::Ending>(control)) {
        ending_of_input(source);
    } else if (std::holds_alternative<wire::Reopen>(control)) {
        reopen_input(source);
    }
}

// How a task learns of its end. A source that has nothing new, while bolts still keep tuples of it,
// sends ENDING, and takes that back by each tracked row that follows. When all its trees are
// settled it sends EOS, which only REOPEN or a new life of its worker takes back. So each source
// outside of the cycle is in neither set, in ending_sources_ or in ended_sources_, and open_inputs_
// counts those that are not in the last one.
void BoltTask::end_of_input(TaskId source) {
    // A worker that started anew repeats it, to be sure.
    if (!ended_sources_.insert(source).second) return;
    ending_sources_.erase(source);
    STORM_CHECK(open_inputs_ > 0, "each source ends once between two of its starts");
    --open_inputs_;
    look_for_ending();
    if (cycle_ != nullptr && cycle_->open_inputs.fetch_sub(1) == 1) resume_members(*cycle_);
}

void BoltTask::ending_of_input(TaskId source) {
    if (ended_sources_.contains(source)) return;
    ending_sources_.insert(source);
    look_for_ending();
}

void BoltTask::await_ending_anew(TaskId source) {
    // In a cycle the members count together, and what came meanwhile is executed first anyway.
    if (cycle_ != nullptr || ending_sources_.erase(source) == 0) return;
    ending_due_ = owes_ending_ = false;
}

// Each ENDING after the last source's counts: tuples have come again in between.
void BoltTask::look_for_ending() {
    if (ended_sources_.size() + ending_sources_.size() < outside_sources_) return;
    if (cycle_ == nullptr) {
        ending_due_ = !ending_sources_.empty();
        return;
    }
    // In a cycle nothing ends for one task alone: only when all members' outside sources do.
    if (!std::exchange(counted_as_ending_, true)) cycle_->tasks_not_ending.fetch_sub(1);
    if (cycle_->tasks_not_ending.load() > 0) return;
    cycle_->endings.fetch_add(1);
    resume_members(*cycle_);
}

void BoltTask::reopen_input(TaskId source) {
    ending_sources_.erase(source);
    if (ended_sources_.erase(source) != 0) {
        ++open_inputs_;
        STORM_CHECK(open_inputs_ <= outside_sources_, "only a source that has ended is reopened");
        if (cycle_ != nullptr) cycle_->open_inputs.fetch_add(1);
    }
    // Inside of its cycle it learns nothing about its own sources.
    const bool all_end = ended_sources_.size() + ending_sources_.size() >= outside_sources_;
    if (!all_end && std::exchange(counted_as_ending_, false)) cycle_->tasks_not_ending.fetch_add(1);
    if (finished_) {
        reopen();
    } else {
        accept_posts();
    }
}

// A source that had ended begins again, so our own end was none. The new object is made only when a
// row comes: if none does, the task ends once more without any.
void BoltTask::reopen() {
    close();  // In a cycle that has not ended, the object still exists.
    if (std::exchange(ended_, false)) shared_.state.task_reopened();
    if (cycle_ != nullptr) cycle_->unfinished_tasks.fetch_add(1);
    finished_ = false;
    without_object_ = true;
    ending_due_ = owes_ending_ = false;
    // Takes back our EOS, since new rows will follow.
    tell_listeners(wire::Reopen{}, Listeners::kAll);
}

bool BoltTask::revive() {
    STORM_CHECK(without_object_ && !prepared_, "the former object was closed when it was reopened");
    without_object_ = false;
    rich_.reset();  // First, because it may use counters of its site to the end.
    basic_.reset();
    // Contexts and wakers of the former object must have no effect on the new one.
    renew_site();
    const std::string what = "cannot prepare " + detail::quoted(site_->component()) + " anew: ";
    try {
        renew_groupings();
        prepare();
        return true;
    } catch (...) {
        shared_.state.fail(what + detail::what_was_thrown());
        return false;
    }
}

bool BoltTask::ending_is_due() const {
    if (cycle_ == nullptr) return ending_due_;
    if (!cycle_->empty()) return false;
    if (cycle_->endings.load() != endings_seen_) return true;
    // Everything that others emitted at their inputs_ended() has come round.
    return executed_since_ending_ && endings_seen_ > 0 && cycle_->tasks_not_ending.load() == 0 &&
           cycle_->open_inputs.load() > 0;
}

void BoltTask::tell_inputs_ended() {
    ending_due_ = false;
    executed_since_ending_ = false;
    owes_ending_ = true;
    if (cycle_ != nullptr) {
        const std::uint64_t endings = cycle_->endings.load();
        const bool again = std::exchange(endings_seen_, endings) == endings;
        // Otherwise two tasks that always emit something would never end.
        if (again && !site_->keeps_any()) return;
    }
    inputs_since_ended_ = false;
    const TaskSite::AllMayPost waits(*site_);
    if (rich_ != nullptr && !without_object_ && !finished_)
        guarded("inputs_ended", [this] { rich_->inputs_ended(collector_); });
}

void BoltTask::pass_ending_on() {
    // A kept tuple may still be failed, and then come again.
    if (!owes_ending_ || site_->keeps_any()) return;
    owes_ending_ = false;
    tell_listeners(wire::Ending{}, Listeners::kOutsideOfCycle);
}

void BoltTask::finish() {
    STORM_CHECK(!finished_ && inputs_ended(), "finish() is called once per object, at the end");
    // Before user code: ticks stop, and a finish() that throws is not called again.
    finished_ = true;
    ending_due_ = owes_ending_ = false;
    if (!without_object_) call_finish();
    if (cycle_ != nullptr && cycle_->unfinished_tasks.fetch_sub(1) == 1) resume_members(*cycle_);
}

void BoltTask::call_finish() {
    const auto must = [this](const char* what, auto&& call) {
        if (!guarded(what, call))
            shared_.state.fail_at_end(std::string(what) + "() of " +
                                      detail::quoted(site_->component()) + " failed");
    };
    const TaskSite::AllMayPost waits(*site_);
    if (rich_ == nullptr) {
        return must("finish", [this] {
            BasicCollector collector(*this, nullptr, default_stream());
            basic_->finish(collector);
        });
    }
    // Tuples that came since the last time also want it.
    if (std::exchange(inputs_since_ended_, false) || site_->keeps_any())
        must("inputs_ended", [this] { rich_->inputs_ended(collector_); });
    must("finish", [this] { rich_->finish(collector_); });
}

void BoltTask::end() {
    leaves_cycle_ = true;
    close();
    leaves_cycle_ = false;
    // Behind the output of finish() and cleanup(), which precedes it in each lane.
    tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);
    without_object_ = false;
    ended_ = true;
    shared_.state.task_ended();
}

// cleanup() may still settle what it keeps. Tuples that were destroyed meanwhile fail as forgotten,
// and those that are left as rebalanced; the site then refuses all that other threads still hold of
// this life.
void BoltTask::close() {
    if (!prepared_) return;
    prepared_ = false;
    {
        const TaskSite::AllMayPost waits(*site_);
        guarded("cleanup", [this] { basic_ != nullptr ? basic_->cleanup() : rich_->cleanup(); });
    }
    fail_abandoned();
    site_->end([this](const Tuple& kept) { fail_kept(kept, FailReason::kRebalanced); });
    drop_posted();
}

}  // namespace storm::worker
