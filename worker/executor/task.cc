#include "worker/executor/task.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "base/check.h"
#include "base/log.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "worker/executor/executor.h"
#include "worker/executor/shared.h"
#include "worker/executor/tuple_text.h"

namespace storm::worker {
namespace {

std::unique_ptr<Journal> make_journal(const Shared& shared, std::size_t component, TaskId task) {
    const Wiring& wiring = shared.wiring;
    const std::string dir = wiring.config.string("topology.journal.dir", "");
    if (dir.empty()) return nullptr;
    // A local run has no incarnation; its time will do.
    const std::uint64_t epoch = wiring.share.incarnation != 0
                                    ? wiring.share.incarnation
                                    : static_cast<std::uint64_t>(shared.clock.now());
    return std::make_unique<Journal>(dir, wiring.topology.components()[component].id, task, epoch,
                                     shared.clock);
}

}  // namespace

Task::Task(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index)
    : shared_(shared),
      executor_(executor),
      sent_kinds_(executor.sent_kinds),
      in_task_(executor.in_task),
      outbox_(executor.outbox),
      acks_(executor.acks),
      random_(base::kernel_seed()),
      component_(component),
      id_(id),
      index_(index),
      site_(std::make_shared<TaskSite>(
          shared, executor, component, id, index,
          cluster::component_config(shared.wiring.topology.components()[component],
                                    shared.wiring.config))),
      context_(site_),
      journal_(make_journal(shared, component, id)),
      debug_(site_->config().boolean("topology.debug")) {
    const Config& config = site_->config();
    tuple_bytes_max_ = static_cast<std::size_t>(config.int64("topology.max.tuple.bytes"));
    tracked_anchors_ = config.int64("topology.acker.executors") == 0 ? 0 : 1;
    const std::vector<StreamDeclaration>& outputs =
        shared.wiring.topology.components()[component].outputs;
    for (const StreamDeclaration& output : outputs) {
        const auto& schema = shared.wiring.schemas[component][streams_.size()];
        auto stream = std::make_unique<Stream>();
        stream->schema = schema.get();
        stream->outlet = &scratch_;
        stream->fields = schema->fields.data();
        stream->field_count = static_cast<std::uint16_t>(schema->fields.size());
        stream->id = static_cast<std::uint16_t>(streams_.size());
        stream->typed = std::any_of(schema->fields.begin(), schema->fields.end(),
                                    [](const Field& field) { return field.kind != Kind::kAny; });
        stream->name = schema->stream;
        stream->direct = output.direct;
        if (stream->name == "default") default_stream_ = stream.get();
        streams_.push_back(std::move(stream));
    }
}

Task::~Task() {
    site_->end();  // Contexts and wakers may outlive the task.
}

// Contexts, wakers and kept tuples of the former life keep the old site, which has ended: they have
// no effect on the new one. Snapshots read site_ from other threads, hence the lock.
void Task::renew_site() {
    auto renewed = std::make_shared<TaskSite>(shared_, executor_, component_, id_, index_,
                                              Config(site_->config()));
    context_ = TaskContext(renewed);
    posts_left_ = kNotCounted;
    const std::lock_guard lock(site_mutex_);
    site_ = std::move(renewed);
}

void Task::renew_groupings() {
    for (const auto& stream : streams_) {
        for (Route& route : stream->routes)
            route.renew({shared_.wiring, id_, context_, *stream->schema}, random_);
    }
}

void Task::connect() {
    const Wiring& wiring = shared_.wiring;
    const std::vector<Component>& components = wiring.topology.components();
    // Two passes, because the second takes the addresses of targets and of routes' credit, which
    // must not move any more: no route is added after the first.
    // 1. Routes: one per subscription to a stream of this component. And the listeners, which get
    // control rows once each, however many streams they subscribe to.
    for (std::size_t c = 0; c < components.size(); ++c) {
        bool listens = false;
        for (const Subscription& input : components[c].inputs) {
            if (input.source != components[component_].id) continue;
            add_route(*streams_[wiring.stream_index(component_, input.stream)], input, c);
            listens = true;
        }
        if (!listens) continue;
        std::vector<Target>& listeners =
            wiring.cycles.inside(component_, c) ? listeners_in_cycle_ : listeners_;
        for (const TaskId task : wiring.tasks_of(c))
            listeners.push_back(executor_.target(id_, task));
    }
    executor_.emits = executor_.emits || !listeners_.empty();
    // 2. Each channel must know the routes that use it, so that exhausted credit blocks these. A
    // stream with a single target writes directly into that target's lane; but not within a cycle,
    // whose bytes are counted per copy.
    for (const auto& stream : streams_) {
        executor_.emits = executor_.emits || !stream->routes.empty();
        for (Route& route : stream->routes) {
            for (Target& target : route.targets()) target.sender->routes.push_back(&route.credit());
        }
        if (stream->routes.size() != 1 || stream->direct) continue;
        Route& route = stream->routes.front();
        if (route.targets().size() != 1 || route.is_custom()) continue;
        Target& first = route.targets().front();
        if (first.sender->cycle != nullptr) continue;
        stream->only = &first;
        stream->outlet = stream->only->lane;
        stream->run = stream->only->run;
    }
}

void Task::add_route(Stream& stream, const Subscription& input, std::size_t component) {
    std::vector<Target> targets;
    for (const TaskId task : shared_.wiring.tasks_of(component))
        targets.push_back(executor_.target(id_, task));
    const RouteSource source{shared_.wiring, id_, context_, *stream.schema};
    const Route& route =
        stream.routes.emplace_back(input, component, std::move(targets), source, random_);
    stream.custom = stream.custom || route.is_custom();
}

// Before the first copy is placed, so that an emit that throws is as if it had not been.
void Task::ask_custom(Stream& stream, const std::byte* row) const {
    const Tuple tuple =
        detail::TupleAccess::make(row, detail::row_offsets_at(row), *stream.schema, id_);
    for (Route& route : stream.routes) route.ask(tuple);
}

detail::OutStream& Task::stream(std::string_view name) {
    for (const auto& stream : streams_)
        if (stream->name == name) return *stream;
    std::vector<std::string_view> declared;
    for (const auto& stream : streams_) declared.push_back(stream->name);
    throw EmitError("component " + detail::quoted(site_->component()) + " declares no stream " +
                    detail::quoted(name) + "; it declares " + detail::list_of(declared));
}

void Task::die_of_foreign_caller() const {
    const std::string what = "a thread that does not run task " + std::to_string(id_) + " of " +
                             detail::quoted(site_->component()) +
                             " emits, acks or fails for it; other threads reach a task by "
                             "TaskContext::post()";
    STORM_CHECK(running_executor == &executor_, what.c_str());
    std::abort();
}

void Task::log_emit(const Stream& stream) const {
    const std::byte* const row = stream.outlet->cursor;
    const Tuple tuple =
        detail::TupleAccess::make(row, detail::row_offsets_at(row), *stream.schema, id_);
    const detail::Secrets secrets(site_->config().entries());
    base::log::info("emitted", {{"component", site_->component()},
                                {"task", id_},
                                {"stream", stream.name},
                                {"tuple", tuple_text(tuple, secrets)}});
}

void Task::make_room(detail::OutStream& out_stream, std::size_t bytes, std::size_t anchors) {
    check_caller();
    const std::size_t own_bytes = bytes - detail::anchor_bytes(anchors);
    if (own_bytes > tuple_bytes_max_) {
        throw EmitError("a tuple of " + std::to_string(own_bytes) +
                        " bytes is over topology.max.tuple.bytes (" +
                        std::to_string(tuple_bytes_max_) + ')');
    }
    if (bytes > detail::kRowBytesMax) {
        throw EmitError("a tuple of " + std::to_string(own_bytes) + " bytes cannot join " +
                        std::to_string(anchors) +
                        " trees, each of which takes 16 bytes: both may "
                        "have " +
                        std::to_string(detail::kRowBytesMax) +
                        "; emit the result in parts, or by emit_unanchored(), and ack the inputs");
    }
    auto& stream = static_cast<Stream&>(out_stream);
    if (stream.only != nullptr) {
        outbox_.open_run(*stream.only->lane, stream.only->run, bytes);
        return;
    }
    // One buffer for all streams that have no target of their own: a row is copied out before the
    // next is built.
    scratch_bytes_.resize(std::max(bytes, std::size_t{1024}) + kCopySlack);
    scratch_.cursor = scratch_bytes_.data();
    scratch_.end = scratch_.cursor + scratch_bytes_.size() - kCopySlack;
}

void Task::commit_untracked(detail::OutStream& stream, std::size_t bytes, TaskId direct) {
    if (!send_untracked(stream, bytes, direct)) dropped.add();
    executor_.after_emit();
}

void Task::report_error(std::string_view what) {
    errors.add();
    shared_.errors.report(component_, id_, what);
}

void Task::report_thrown(std::string_view call) {
    report_error(std::string(call) + ": " + detail::what_was_thrown());
}

// Nobody fails a tuple because of it, so only this count keeps the run from ending as if all had
// gone through.
void Task::report_lost_call(std::string_view call) {
    report_thrown(call);
    lost_emits.add();
}

void Task::count_lost_emit() {
    try {
        throw;
    } catch (const EmitError&) {
        lost_emits.add();
    } catch (...) {
        return;  // Any other exception may not recur at the next call.
    }
}

// Shares the site, so that a thread of the user's may call it at any time, also after the engine
// has gone.
std::function<void()> Task::waker() {
    return [site = site_] { site->wake(); };
}

void Task::reject_count(const detail::OutStream& stream, std::size_t given) {
    throw EmitError("stream \"" + std::string(stream.name) + "\" of \"" +
                    std::string(site_->component()) + "\" declares " +
                    std::to_string(stream.field_count) + " fields, emit gave " +
                    std::to_string(given) + " values");
}

void Task::reject_kind(const detail::OutStream& stream, std::size_t i, detail::Tag given) {
    throw EmitError("field \"" + stream.fields[i].name + "\" of stream \"" +
                    std::string(stream.name) + "\" of \"" + std::string(site_->component()) +
                    "\" is declared " + std::string(to_string(stream.fields[i].kind)) +
                    ", emit gave " + std::string(to_string(detail::kind_of(given))));
}

// The row takes the lane of the task's other rows, so it comes behind all that was emitted before.
// It may exceed the credit: a task that waited for credit to say its end might hold up the target
// that is to grant it.
void Task::tell_listeners(const wire::ControlRow& control, Listeners listeners,
                          std::optional<std::uint32_t> destination) {
    sent_kinds_.note_other();
    const auto tell = [&](Target& target) {
        if (destination && target.lane->destination != *destination) return;
        std::byte* const row = outbox_.place(*target.lane, target.run, wire::kControlRowBytesMax);
        const std::size_t bytes = wire::write_control_row(control, row);
        outbox_.wrote(*target.lane, bytes);
        Sender& sender = *target.sender;
        if (sender.cycle != nullptr) sender.cycle->add(static_cast<std::int64_t>(bytes));
        // Control records need no credit, but the receiver counts their bytes as it consumes them.
        if (sender.credit.send(bytes)) outbox_.exhausted(sender);
    };
    std::for_each(listeners_.begin(), listeners_.end(), tell);
    if (listeners == Listeners::kAll)
        std::for_each(listeners_in_cycle_.begin(), listeners_in_cycle_.end(), tell);
}

bool Task::next_posted() {
    if (posted_next_ < posted_.size()) return true;
    posted_.clear();
    posted_next_ = 0;
    if (site_->has_mail()) site_->take_posted(posted_);
    return !posted_.empty();
}

// Accepted calls must run before the end, but other threads may post for ever. So those that wait
// when the end is first near are counted, and run down to 0. Then the mailbox is closed, and the
// calls that came in between are counted once more: from here the number only falls. A bolt in a
// cycle leaves its mailbox open, since rows that still circulate may have to post; executing one
// starts the count anew.
bool Task::ran_what_was_posted(LatePosts late) {
    const auto waiting = [this] { return posted_.size() - posted_next_ + site_->posted_count(); };
    if (posts_left_ == kNotCounted) posts_left_ = waiting();
    if (posts_left_ == 0 && late == LatePosts::kRefused && site_->refuse_posts())
        posts_left_ = waiting();
    return posts_left_ == 0;
}

void Task::accept_posts() {
    if (posts_left_ == kNotCounted) return;
    posts_left_ = kNotCounted;
    site_->accept_posts();
}

void Task::run_next_posted() {
    const std::unique_ptr<detail::Posted> posted = std::move(posted_[posted_next_++]);
    if (posts_left_ != kNotCounted && posts_left_ > 0) --posts_left_;
    enter();
    try {
        posted->run();
    } catch (...) {
        report_lost_call("a call by post()");
    }
}

}  // namespace storm::worker
