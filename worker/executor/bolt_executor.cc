#include "worker/executor/bolt_executor.h"

#include <algorithm>
#include <cstring>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "base/check.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "worker/executor/spout_settings.h"
#include "worker/queue/source_started.h"

namespace storm::worker {
namespace {

using detail::TupleAccess;

[[noreturn]] void reject_anchor(const Tuple& anchor) {
    const bool kept = TupleAccess::settled(anchor) == detail::Settled::kKept;
    throw EmitError("emit anchored to a tuple from " + detail::quoted(anchor.source_component()) +
                    (kept ? " that was kept; anchor to the Kept's tuple() instead"
                          : " that was already acked or failed; emit first, then ack"));
}

template <typename Use>
void for_each_root(const Tuple& tuple, Use&& use) {
    const std::byte* const row = TupleAccess::row(tuple);
    const std::uint32_t count = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < count; ++i) use(detail::row_anchor(row, i).root);
}

void resume_members(const Cycle& cycle) {
    for (Executor* const member : cycle.members) member->resume();
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
    const Component& component = shared_.wiring.topology.components()[component_];
    collector_ = BoltCollector(*this, default_stream());
    const TaskSite::AllMayPost waits(*site_);  // Until an object that throws is destroyed.
    if (const auto* const factory = std::get_if<Component::BoltFactory>(&component.factory)) {
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

// ---- Emitting ----------------------------------------------------------------------------------

void BoltTask::commit_anchored(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                               const Tuple& anchor) {
    if (TupleAccess::settled(anchor) != detail::Settled::kOpen) [[unlikely]]
        reject_anchor(anchor);
    const std::byte* const row = TupleAccess::row(anchor);
    const std::uint32_t count = detail::row_anchor_count(row);
    std::uint64_t& emitted = TupleAccess::emitted_edges(anchor);
    bool sent = true;
    if (count == 0) {
        sent = send(stream, bytes, direct, [](std::byte*) {});
        if (!sent) dropped.add();
    } else {
        // The same edge id serves all roots of the anchor, as in Storm.
        sent = send(stream, bytes, direct, [&](std::byte* copy) {
            const std::uint64_t edge = random_.next();
            emitted ^= edge;
            // A row that we built has no event time: its anchors follow the header.
            std::byte* at = copy + detail::kRowHeaderBytes + detail::kWord;
            for (std::uint32_t i = 0; i < count; ++i, at += sizeof(detail::Anchor)) {
                detail::store(at, detail::Anchor{detail::row_anchor(row, i).root, edge});
            }
        });
        if (!sent) {
            emitted ^= random_.next();  // An edge that nobody acks: only the fail can settle it.
            fail_as(anchor, FailReason::kOverflow);
        }
    }
    executor_.after_emit();
}

std::size_t BoltTask::union_roots(std::span<const Tuple* const> anchors) {
    roots_.clear();
    for (const Tuple* const anchor : anchors) {
        const std::byte* const row = TupleAccess::row(*anchor);
        for (std::uint32_t i = 0; i < detail::row_anchor_count(row); ++i) {
            roots_.push_back(detail::row_anchor(row, i).root);
        }
    }
    std::sort(roots_.begin(), roots_.end());
    roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
    return roots_.size();
}

void BoltTask::commit_joined(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                             std::span<const Tuple* const> anchors) {
    for (const Tuple* const anchor : anchors) {
        if (TupleAccess::settled(*anchor) != detail::Settled::kOpen) reject_anchor(*anchor);
    }
    const bool sent = send(stream, bytes, direct, [&](std::byte* copy) {
        edges_.assign(roots_.size(), 0);
        for (const Tuple* const anchor : anchors) {
            const std::uint64_t edge = random_.next();
            TupleAccess::emitted_edges(*anchor) ^= edge;
            const std::byte* const row = TupleAccess::row(*anchor);
            for (std::uint32_t i = 0; i < detail::row_anchor_count(row); ++i) {
                const auto root =
                    std::lower_bound(roots_.begin(), roots_.end(), detail::row_anchor(row, i).root);
                edges_[static_cast<std::size_t>(root - roots_.begin())] ^= edge;
            }
        }
        for (std::size_t i = 0; i < roots_.size(); ++i)
            detail::set_row_anchor(copy, i, {roots_[i], edges_[i]});
    });
    if (!sent) {
        if (roots_.empty()) dropped.add();
        for (const Tuple* const anchor : anchors) {
            TupleAccess::emitted_edges(*anchor) ^= random_.next();  // As in commit_anchored().
        }
        for (const Root root : roots_) acks_.fail(root, FailReason::kOverflow);
    }
    executor_.after_emit();
}

void BoltTask::commit_tracked(detail::OutStream&, std::size_t, TaskId, MessageId) {
    STORM_CHECK(false, "a bolt collector has no tracked emit");
}
void BoltTask::finished() {
    STORM_CHECK(false, "a bolt collector has no finished()");
}

// ---- Acking ------------------------------------------------------------------------------------

BoltTask::InputCounters& BoltTask::counters_of(const detail::StreamSchema& schema) {
    if (last_counters_ != nullptr && last_counters_->schema == &schema) [[likely]]
        return *last_counters_;
    const auto found = inputs_by_schema_.find(&schema);
    STORM_CHECK(found != inputs_by_schema_.end(), "rows come from streams that are subscribed to");
    last_counters_ = found->second;
    return *last_counters_;
}

void BoltTask::settle_twice(const Tuple& input) {
    report_error("a tuple from " + detail::quoted(input.source_component()) +
                 " was acked or failed twice; the second one has no effect");
}

void BoltTask::ack(const Tuple& input) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) [[unlikely]]
        return settle_twice(input);
    settled = detail::Settled::kAcked;
    counters_of(TupleAccess::schema(input)).acked.add();
    ack_roots(input);
}

void BoltTask::note(std::string_view what, const Tuple& input) {
    for_each_root(input, [&](Root root) { journal_->bolt(what, root); });
}

void BoltTask::ack_roots(const Tuple& input) {
    if (journal_ != nullptr) [[unlikely]]
        note("bolt_ack", input);
    const std::byte* const row = TupleAccess::row(input);
    const std::uint64_t emitted = TupleAccess::emitted_edges(input);
    const std::uint32_t count = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < count; ++i) {
        const detail::Anchor anchor = detail::row_anchor(row, i);
        acks_.ack(anchor.root, anchor.edge ^ emitted);
    }
}

void BoltTask::fail_as(const Tuple& input, FailReason reason) {
    for_each_root(input, [&](Root root) { acks_.fail(root, reason); });
}

void BoltTask::count_failed(const Tuple& input) {
    counters_of(TupleAccess::schema(input)).failed.add();
    if (!input.is_tick() && detail::row_anchor_count(TupleAccess::row(input)) == 0)
        lost_inputs.add();
}

void BoltTask::fail(const Tuple& input, std::string_view why) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) return settle_twice(input);
    settled = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, FailReason::kBoltFailed);
    if (!why.empty()) report_error(why);
}

Kept BoltTask::keep(const Tuple& input) {
    check_caller();
    detail::Settled& settled = TupleAccess::settled(input);
    if (settled != detail::Settled::kOpen) {
        throw EmitError("keep of a tuple from " + detail::quoted(input.source_component()) +
                        " that was already acked, failed or kept");
    }
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
    ack(kept->tuple);
    let_go(kept->tuple);
}

void BoltTask::fail(Kept&& input, std::string_view why) {
    check_caller();
    std::unique_ptr<detail::KeptTuple> kept(TupleAccess::take(std::move(input)));
    if (kept == nullptr) return report_error("fail of a Kept that holds nothing");
    if (is_foreign(*kept)) return settle_foreign(std::move(kept));
    if (settle(*kept)) fail(kept->tuple, why);
}

bool BoltTask::settle(detail::KeptTuple& kept) {
    auto& keeper = static_cast<TaskSite&>(*kept.site);
    const bool settled = keeper.settle(kept);
    if (kept.site != site_) keeper.wake();  // It may have waited for that, to pass an ending on.
    return settled;
}

bool BoltTask::is_foreign(const detail::KeptTuple& kept) const {
    return kept.site != site_ && kept.site->component() != site_->component();
}

void BoltTask::settle_foreign(std::unique_ptr<detail::KeptTuple> kept) {
    report_error("ack or fail of a tuple that bolt " + detail::quoted(kept->site->component()) +
                 " keeps, which alone may do so; it fails as forgotten");
    const std::shared_ptr<detail::TaskSite> site = kept->site;
    static_cast<TaskSite&>(*site).release(kept.release());
}

void BoltTask::reset_timeout(const Tuple& input) {
    // What is emitted from now on is not as old as the input.
    const base::Micros now = shared_.clock.now();
    executor_.output_born = std::max(executor_.output_born, now);
    for_each_root(input, [this](Root root) { acks_.reset_timeout(root); });
    executor_.tell_spouts(now);
}

// ---- Executing ---------------------------------------------------------------------------------

template <typename Call>
bool BoltTask::guarded(const char* what, Call&& call) {
    try {
        call();
        return true;
    } catch (...) {
        report_lost_call(what);
    }
    return false;
}

void BoltTask::handle_exception(const Tuple& input) {
    FailReason reason = FailReason::kException;
    try {
        throw;
    } catch (const FailedError&) {
        reason = FailReason::kBoltFailed;
    } catch (...) {
        report_thrown(input.is_tick()
                          ? "execute of a tick"
                          : "execute of a tuple from " + detail::quoted(input.source_component()));
    }
    const bool open = TupleAccess::settled(input) == detail::Settled::kOpen;
    // Whose input fails is told by that; else what it was to emit is missing.
    if (!open || input.is_tick()) count_lost_emit();
    if (!open) return;
    TupleAccess::settled(input) = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, reason);
}

inline void BoltTask::execute_basic(BasicBolt& bolt, const Tuple& input) {
    BasicCollector collector(*this, &input, default_stream());
    try {
        bolt.execute(input, collector);
    } catch (...) {
        return handle_exception(input);
    }
    // An emit that overflowed has failed the roots; acking them then has no effect.
    ack_roots(input);
}

inline void BoltTask::execute_rich(Bolt& bolt, const Tuple& input) {
    try {
        bolt.execute(input, collector_);
    } catch (...) {
        return handle_exception(input);
    }
    if (TupleAccess::settled(input) != detail::Settled::kOpen || input.is_tick()) [[likely]]
        return;
    TupleAccess::settled(input) = detail::Settled::kFailed;
    count_failed(input);
    fail_as(input, FailReason::kForgotten);
    report_error("execute() neither acked, failed nor kept a tuple from " +
                 detail::quoted(input.source_component()) + ": it fails as forgotten");
}

template <typename Stop>
const std::byte* BoltTask::execute(const std::byte* at, const std::byte* end, TaskId source,
                                   const Schemas& schemas, Stop&& stop) {
    const detail::StreamSchema* schema = nullptr;
    InputCounters* counters = nullptr;
    std::uint32_t stream = ~0U;
    while (at != end) {
        const std::size_t bytes = detail::row_bytes(at);
        if ((detail::row_flags(at) & detail::kRowControl) != 0) [[unlikely]] {
            handle_control(at, source);
            if (!has_object()) return at + bytes;  // It was reopened: the rest is for a new one.
        } else {
            if (detail::row_stream(at) != stream) [[unlikely]] {
                stream = detail::row_stream(at);
                schema = schemas[stream].get();
                counters = &counters_of(*schema);
            }
            const Tuple tuple = TupleAccess::make(at, detail::row_offsets_at(at), *schema, source);
            if (journal_ != nullptr) [[unlikely]]
                note("execute", tuple);
            // Counted one by one, not run by run: the next call may never return.
            if (basic_ != nullptr) {
                execute_basic(*basic_, tuple);
            } else {
                execute_rich(*rich_, tuple);
            }
            counters->executed.add();
        }
        at += bytes;
        if (stop()) break;
    }
    return at;
}

void BoltTask::tick(const std::byte* row, const detail::StreamSchema& schema) {
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

template <typename Stop>
const std::byte* BoltTask::expire(const std::byte* at, const std::byte* end, TaskId source,
                                  const Schemas& schemas, Stop&& stop) {
    while (at != end) {
        const std::byte* const next = at + detail::row_bytes(at);
        const std::uint32_t anchors = detail::row_anchor_count(at);
        if (anchors == 0) {
            execute(at, next, source, schemas, [] { return true; });
            if (stop() || !has_object()) return next;
        } else {
            expired.add();
            // Its spout has long given it up, or it was reset, and fails now.
            for (std::uint32_t i = 0; i < anchors; ++i)
                acks_.fail(detail::row_anchor(at, i).root, FailReason::kTimedOut);
        }
        at = next;
    }
    return at;
}

const std::byte* BoltTask::take_without_object(const std::byte* at, const std::byte* end,
                                               TaskId source) {
    if (wire::is_control(at)) {
        handle_control(at, source);  // After which it may have to be executed.
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
    for (const auto& kept : site_->take_abandoned()) fail_kept(kept->tuple, FailReason::kForgotten);
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

void BoltTask::end_of_input(TaskId source) {
    // A worker that started anew is told again, to be sure.
    if (!ended_sources_.insert(source).second) return;
    ending_sources_.erase(source);
    --open_inputs_;
    look_for_ending();
    if (cycle_ != nullptr && cycle_->open_inputs.fetch_sub(1) == 1) resume_members(*cycle_);
}

void BoltTask::ending_of_input(TaskId source) {
    if (ended_sources_.contains(source)) return;
    ending_sources_.insert(source);
    look_for_ending();
}

// Each ENDING after that of the last source counts: something has come once more meanwhile.
void BoltTask::look_for_ending() {
    if (ended_sources_.size() + ending_sources_.size() < outside_sources_) return;
    if (cycle_ == nullptr) {
        ending_due_ = !ending_sources_.empty();
        return;
    }
    if (!std::exchange(counted_as_ending_, true)) cycle_->tasks_not_ending.fetch_sub(1);
    if (cycle_->tasks_not_ending.load() > 0) return;
    cycle_->endings.fetch_add(1);
    resume_members(*cycle_);
}

void BoltTask::reopen_input(TaskId source) {
    ending_sources_.erase(source);
    if (ended_sources_.erase(source) != 0) {
        ++open_inputs_;
        if (cycle_ != nullptr) cycle_->open_inputs.fetch_add(1);
    }
    // From inside of its cycle it learns nothing of its own sources.
    const bool all_end = ended_sources_.size() + ending_sources_.size() >= outside_sources_;
    if (!all_end && std::exchange(counted_as_ending_, false)) cycle_->tasks_not_ending.fetch_add(1);
    if (finished_) reopen();
}

void BoltTask::reopen() {
    close();  // In a cycle that has not ended, it is still there.
    if (std::exchange(ended_, false)) shared_.state.task_reopened();
    if (cycle_ != nullptr) cycle_->unfinished_tasks.fetch_add(1);
    finished_ = false;
    without_object_ = true;
    ending_due_ = owes_ending_ = false;
    tell_listeners(wire::Reopen{}, Listeners::kAll);
}

bool BoltTask::revive() {
    without_object_ = false;
    rich_.reset();  // First: it may use counters of its site to its end.
    basic_.reset();
    renew_site();
    const std::string what = "cannot prepare " + detail::quoted(site_->component()) + " anew: ";
    try {
        prepare();
        return true;
    } catch (...) {
        shared_.state.fail(what + detail::what_was_thrown());
    }
    return false;
}

bool BoltTask::ending_is_due() const {
    if (cycle_ == nullptr) return ending_due_;
    if (!cycle_->empty()) return false;
    if (cycle_->endings.load() != endings_seen_) return true;
    // What others emitted when they were told has come round.
    return executed_since_ending_ && endings_seen_ > 0 && cycle_->tasks_not_ending.load() == 0 &&
           cycle_->open_inputs.load() > 0;
}

void BoltTask::tell_inputs_ended() {
    ending_due_ = false;
    executed_since_ending_ = false;
    owes_ending_ = true;
    if (cycle_ != nullptr) {
        const bool again = std::exchange(endings_seen_, cycle_->endings.load()) == endings_seen_;
        // Else two that always emit something would never come to an end.
        if (again && !site_->keeps_any()) return;
    }
    const TaskSite::AllMayPost waits(*site_);
    if (rich_ != nullptr && !without_object_ && !finished_)
        guarded("inputs_ended", [this] { rich_->inputs_ended(collector_); });
}

void BoltTask::pass_ending_on() {
    if (!owes_ending_ || site_->keeps_any()) return;
    owes_ending_ = false;
    tell_listeners(wire::Ending{}, Listeners::kOutsideOfCycle);
}

void BoltTask::finish() {
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
    // What has come since the last time is due as well.
    must("inputs_ended", [this] { rich_->inputs_ended(collector_); });
    must("finish", [this] { rich_->finish(collector_); });
}

void BoltTask::end() {
    tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);
    close();
    without_object_ = false;
    ended_ = true;
    shared_.state.task_ended();
}

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

// ---- The executor ------------------------------------------------------------------------------

BoltExecutor::BoltExecutor(Shared& shared, std::size_t number)
    : Executor(shared, number),
      first_task_(shared.wiring.plan.executors[number].first_task),
      cycle_(shared.cycle_of(component())),
      expire_after_(longest_message_timeout(shared.wiring)),
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
void BoltExecutor::accept_fail(const FailRecord&) {
    STORM_CHECK(false, "fails go to spouts");
}

void BoltExecutor::handle(const PeerEvent& event) {
    if (event.kind != PeerEvent::Kind::kStarted) return;
    // Where something runs that our rows come of, it begins anew: we are reopened and end again.
    const Wiring& wiring = shared_.wiring;
    const std::vector<std::uint32_t>& above = wiring.workers_above[component()];
    if (std::binary_search(above.begin(), above.end(), event.worker)) return;
    for (const auto& bolt : bolts_) {
        if (!bolt->ended()) continue;
        bolt->tell_listeners(wire::Eos{}, Task::Listeners::kOutsideOfCycle,
                             wiring.first_peer() + event.worker);
    }
}

bool BoltExecutor::step(base::Micros now) {
    clock_.start(now);
    handle_peer_events();
    for (const auto& bolt : bolts_) {
        if (!bolt->ended()) bolt->fail_abandoned();
    }
    if (!outbox.refresh()) return false;  // Credit wakes us; all that calls user code waits for it.
    bool more = run_posted(now);
    more = run_ticks(now) || more;
    if (outbox.refresh()) more = run_inputs(now) || more;
    end_inputs(now);
    end_tasks(now);
    return more && !outbox.blocked();
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
        tick_due_ = std::max(tick_due_ + tick_every_, now + 1);  // Late ticks are not made up for.
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

Ring<RunRef>* BoltExecutor::next_queue() {
    if (!inner_.empty()) return &inner_;
    if (outer_.empty() || (cycle_ != nullptr && cycle_->above_high_water())) return nullptr;
    return &outer_;
}

// Out of line: what stops a step, beside time, is rare.
bool BoltExecutor::interrupted() {
    return !outbox.closed().empty() || !outbox.refresh();
}

bool BoltExecutor::is_stale(const Batch& batch, base::Micros now) const {
    if (expire_after_ == 0) return false;
    return now - batch.born >= expire_after_;
}

void BoltExecutor::warn_of_waits(base::Micros waited, base::Micros now) {
    std::uint64_t held_back = 0;
    if (!wait_warnings_.admit(now, held_back)) return;
    const std::string& id = shared_.wiring.topology.components()[component()].id;
    base::log::warn("tuples have waited for " + std::to_string(waited / base::kMicrosPerSecond) +
                        " s for bolt " + detail::quoted(id) +
                        " and timed out; give it more executors with parallelism(), or let its "
                        "execute() do less",
                    {{"component", id}});
}

bool BoltExecutor::run_inputs(base::Micros now) {
    while (Ring<RunRef>* const queue = next_queue()) {
        // By value, and out of the queue: what user code emits may come right back into it.
        RunRef ref = queue->front();
        queue->pop();
        Batch& batch = *ref.batch;
        const wire::RunHeader run = wire::read_run_header(batch.bytes() + ref.run);
        const std::uint32_t end =
            ref.run + static_cast<std::uint32_t>(sizeof(wire::RunHeader)) + run.bytes;
        const auto source = static_cast<TaskId>(run.source_task);
        BoltTask& bolt =
            *bolts_[static_cast<std::size_t>(static_cast<TaskId>(run.target_task) - first_task_)];
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
        if (!bolt.has_object()) [[unlikely]] {
            const bool row_to_execute = !bolt.ended() && !wire::is_control(rows);
            if (row_to_execute && !bolt.revive()) {
                queue->push_front(ref);
                return false;
            }
            stopped = row_to_execute ? rows : bolt.take_without_object(rows, rows_end, source);
        } else if (is_stale(batch, now)) [[unlikely]] {
            const std::uint64_t before = bolt.expired.value();
            stopped = bolt.expire(rows, rows_end, source, from.schemas, stop);
            if (bolt.expired.value() != before) warn_of_waits(now - batch.born, now);
        } else {
            stopped = bolt.execute(rows, rows_end, source, from.schemas, stop);
        }
        ref.row = static_cast<std::uint32_t>(stopped - batch.bytes());

        const auto consumed = static_cast<std::uint32_t>(stopped - rows);
        if (!from.inner) {
            grant(from, consumed);
        } else {
            bolt.executed_from_inside();
            if (cycle_->remove(consumed)) resume_members(*cycle_);
        }
        if (ref.row == end) {
            release(&batch);
        } else {
            queue->push_front(ref);
        }
        if (!outbox.refresh()) return false;  // Credit wakes us.
        if (over || entry.prompt || !outbox.closed().empty()) return next_queue() != nullptr;
    }
    return false;
}

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

void BoltExecutor::end_tasks(base::Micros now) {
    for (const auto& bolt : bolts_) {
        if (bolt->ended() || !bolt->inputs_ended()) continue;
        // What comes back inside of a cycle may have to post.
        const auto late = cycle_ == nullptr ? Task::LatePosts::kRefused : Task::LatePosts::kDropped;
        if (!bolt->has_finished() && !bolt->ran_what_was_posted(late)) continue;
        output_born = now;
        if (cycle_ == nullptr) {
            if (!outbox.refresh()) return;
            bolt->finish();
            bolt->end();
            continue;
        }
        if (cycle_->open_inputs.load() != 0 || !cycle_->empty()) continue;
        if (!bolt->has_finished()) {
            if (!outbox.refresh()) return;
            bolt->finish();
        }
        if (cycle_->unfinished_tasks.load() == 0 && cycle_->empty()) bolt->end();
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
    // While it waits for credit, that comes first; a tick that is due then follows.
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
