// Collectors: how components emit, ack and fail.
//
// Every emit takes the values of one tuple, in the order of the declared fields:
//
//     | given to emit()                           becomes   is read by
//     | bool                                      bool      Tuple::boolean()
//     | any integer but char                      int64     Tuple::int64()
//     | an unsigned one above INT64_MAX           uint64    Tuple::value()
//     | float, double                             double    Tuple::real()
//     | std::string, std::string_view, "text"     string    Tuple::string()
//     | std::span or std::vector of std::byte     bytes     Tuple::bytes()
//     | nullptr                                   nil       Tuple::is_nil()
//     | Value, Value::List, Value::Map            its own   Tuple::value()
//     | any type with a to_value()                what that returns; value.h says how
//
// An emit throws EmitError, and has emitted nothing, when number or kinds of the values do not fit
// the declared stream, the stream is not declared, or the tuple is over topology.max.tuple.bytes.
// Where the targets can take no more it may wait until they can.
//
// Order:   a collector given to open() or prepare() may be copied, and is valid until close() or
//          cleanup() returns; a BasicCollector only until the call that it was given to returns.
// Threads: the calls of its own task only. Another thread has its work done by TaskContext::post();
//          a collector that it uses itself breaks memory. Builds of type Debug notice, and end the
//          process.
// Cost:    emit() copies the values into a row; it takes neither lock nor allocation.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include <storm/detail/emitter.h>
#include <storm/tuple.h>

namespace storm {

/// Emits for a spout.
///
///     storm::Next emit_next(std::deque<std::string>& lines, storm::MessageId id,
///                           storm::SpoutCollector& out) {
///         if (lines.empty()) return storm::Next::kIdle;
///         out.emit_tracked(id, lines.front());
///         lines.pop_front();
///         return storm::Next::kEmitted;
///     }
class SpoutCollector {
public:
    /// For the engine, which makes them.
    SpoutCollector(detail::Emitter& emitter, detail::OutStream* stream,
                   TaskId direct = detail::kNoTask)
        : emitter_(&emitter), stream_(stream), direct_(direct) {}

    /// Emits an untracked tuple: it is delivered at most once, and neither ack() nor fail() will be
    /// called for it.
    template <typename... Values>
    void emit(const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes = emitter_->build_row(stream, 0, values...);
        emitter_->commit_untracked(stream, bytes, direct_);
    }
    /// Emits a tuple whose tree is tracked: exactly one of ack(id) and fail(id, reason) follows
    /// while this task lives, never inside this call. `id` is the spout's own name for the tuple,
    /// different for all that are pending; what is emitted again has its former one.
    template <typename... Values>
    void emit_tracked(MessageId id, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, emitter_->tracked_anchors(), values...);
        emitter_->commit_tracked(stream, bytes, direct_, id);
    }
    /// A collector that emits on this stream instead of "default". Throws EmitError when it was not
    /// declared. Looks the name up: keep the result where it is used for each tuple.
    SpoutCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    SpoutCollector to(TaskId task) { return {*emitter_, stream_, task}; }
    /// Says that this task has nothing new. Say it as soon as that is so, also while tuples are
    /// pending: the bolts learn that no more will come (Bolt::inputs_ended()). What fails may still
    /// be emitted again: after a fail() next_tuple() is called until it says kIdle. When nothing is
    /// pending the task ends, with close().
    void finished() { emitter_->finished(); }
    /// Says that what failed under this id was emitted again under another id, or put aside for
    /// good, so that it needs no ack any more. A spout that ends with a failed tuple which is
    /// neither acked nor dealt with has lost it, and the run has failed (exit code 1).
    void dealt_with(MessageId id) { emitter_->dealt_with(id); }
    /// A function that ends the wait after Next::kIdle: next_tuple() is called at once. It may be
    /// called from any thread, for instance one that receives what the spout emits, and copied. It
    /// does nothing once the task has ended.
    std::function<void()> waker() { return emitter_->waker(); }
    /// Logs an error of this component, at a limited rate, counts it and keeps it for whoever asks
    /// for the last ones. No tuple fails.
    void report_error(std::string_view what) { emitter_->report_error(what); }

private:
    detail::OutStream& default_stream() {
        if (stream_ == nullptr) [[unlikely]]
            stream_ = &emitter_->stream("default");
        return *stream_;
    }

    detail::Emitter* emitter_;
    detail::OutStream* stream_;  // Null: "default", not looked up yet.
    TaskId direct_;
};

/// Emits, acks and fails for a bolt. Emit first, then ack.
///
///     out.emit(input, input.string("word"), input.string("word").size());
///     out.on("rejected").emit_unanchored(input.string("word"), nullptr);
///     out.ack(input);
class BoltCollector {
public:
    /// For the engine, which makes them.
    BoltCollector(detail::Emitter& emitter, detail::OutStream* stream,
                  TaskId direct = detail::kNoTask)
        : emitter_(&emitter), stream_(stream), direct_(direct) {}

    /// Emits a tuple that joins the tree of `anchor`, an input: that is acked at its spout only
    /// when this one is, too. An untracked anchor, or a tick, makes it untracked. Throws EmitError
    /// when the anchor was acked, failed or kept before; a kept one is anchored to by its tuple().
    template <typename... Values>
    void emit(const Tuple& anchor, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, detail::Emitter::anchor_count(anchor), values...);
        emitter_->commit_anchored(stream, bytes, direct_, anchor);
    }
    /// Emits a tuple that joins the trees of all `anchors`, as a join or an aggregate does. Each
    /// different tree takes 16 bytes of the tuple. Throws as above.
    template <typename... Values>
    void emit(std::span<const Tuple* const> anchors, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, emitter_->union_roots(anchors), values...);
        emitter_->commit_joined(stream, bytes, direct_, anchors);
    }
    /// Emits a tuple that belongs to no tree: it is delivered at most once, and nobody waits for
    /// it.
    template <typename... Values>
    void emit_unanchored(const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes = emitter_->build_row(stream, 0, values...);
        emitter_->commit_untracked(stream, bytes, direct_);
    }
    /// A collector that emits on this stream instead of "default". Throws EmitError when it was not
    /// declared. Looks the name up: keep the result where it is used for each tuple.
    BoltCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    BoltCollector to(TaskId task) { return {*emitter_, stream_, task}; }

    /// Says that the input is done. Its tree is complete when all that was emitted with it as an
    /// anchor is done, too. A second ack or fail of an input has no effect and is reported as an
    /// error.
    void ack(const Tuple& input) { emitter_->ack(input); }
    /// Fails the trees that the input belongs to, at once: their spouts get fail() with
    /// FailReason::kBoltFailed. `why`, if given, is reported as by report_error().
    void fail(const Tuple& input, std::string_view why = {}) { emitter_->fail(input, why); }
    /// A copy of the input, to be acked or failed later: in another call, or by
    /// TaskContext::post(). Its timeout runs on. Throws EmitError when the input was acked, failed
    /// or kept before.
    [[nodiscard]] Kept keep(const Tuple& input) { return emitter_->keep(input); }
    /// Acks what was kept; `input` holds nothing afterwards. Only a task of the component that has
    /// kept it may do so; where another one does, that is its error, and the tuple fails as
    /// FailReason::kForgotten.
    void ack(Kept&& input) { emitter_->ack(std::move(input)); }
    /// Fails what was kept; otherwise as ack(Kept&&).
    void fail(Kept&& input, std::string_view why = {}) { emitter_->fail(std::move(input), why); }
    /// Starts topology.message.timeout.secs of the trees of `input` again, at once, also from
    /// inside a call that takes long. For what was kept, give its tuple().
    void reset_timeout(const Tuple& input) { emitter_->reset_timeout(input); }
    /// As SpoutCollector::report_error().
    void report_error(std::string_view what) { emitter_->report_error(what); }

private:
    detail::OutStream& default_stream() {
        if (stream_ == nullptr) [[unlikely]]
            stream_ = &emitter_->stream("default");
        return *stream_;
    }

    detail::Emitter* emitter_;
    detail::OutStream* stream_;
    TaskId direct_;
};

/// Emits for a basic bolt. The engine acks the input when execute() returns.
class BasicCollector {
public:
    /// For the engine, which makes them.
    BasicCollector(detail::Emitter& emitter, const Tuple* input, detail::OutStream* stream,
                   TaskId direct = detail::kNoTask)
        : emitter_(&emitter),
          input_(input),
          stream_(stream),
          anchors_(input == nullptr ? 0 : detail::Emitter::anchor_count(*input)),
          direct_(direct) {}

    /// Emits a tuple that joins the tree of the input: that is acked at its spout only when this
    /// one is, too. In finish() and for a tick, and where the input is untracked, so is the tuple.
    template <typename... Values>
    void emit(const Values&... values) {
        if (stream_ == nullptr) [[unlikely]]
            stream_ = &emitter_->stream("default");
        const std::size_t bytes = emitter_->build_row(*stream_, anchors_, values...);
        if (anchors_ == 0) {
            emitter_->commit_untracked(*stream_, bytes, direct_);
        } else {
            emitter_->commit_anchored(*stream_, bytes, direct_, *input_);
        }
    }
    /// A collector that emits on this stream instead of "default". Throws EmitError when it was not
    /// declared.
    BasicCollector on(std::string_view stream) {
        return {*emitter_, input_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    BasicCollector to(TaskId task) { return {*emitter_, input_, stream_, task}; }
    /// As SpoutCollector::report_error().
    void report_error(std::string_view what) { emitter_->report_error(what); }

private:
    detail::Emitter* emitter_;
    const Tuple* input_;  // Null in finish(): nothing to anchor to.
    detail::OutStream* stream_;
    std::uint32_t anchors_;
    TaskId direct_;
};

}  // namespace storm
