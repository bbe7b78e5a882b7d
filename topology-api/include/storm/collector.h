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
// An emit throws EmitError, and has emitted nothing, if the number or kinds of the values do not
// fit the declared stream, the stream is not declared, or the tuple is larger than
// topology.max.tuple.bytes. It may wait while the targets can take no more.
//
// Order:   a collector given to open() or prepare() may be copied, and is valid until close() or
//          cleanup() returns; a BasicCollector only until the call that it was given to returns.
// Threads: the calls of the collector's own task only. Another thread passes work to the task with
//          TaskContext::post(); if it uses a collector itself, memory is corrupted. Debug builds
//          notice that and end the process.
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
    /// Used by the engine.
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
    /// while this task lives, never inside this call. `id` is the spout's own name for the tuple;
    /// ids of pending tuples differ; a tuple that is emitted again keeps its id. Throws in close().
    template <typename... Values>
    void emit_tracked(MessageId id, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, emitter_->tracked_anchors(), values...);
        emitter_->commit_tracked(stream, bytes, direct_, id);
    }
    /// A collector that emits on this stream instead of "default". Throws EmitError if it was not
    /// declared. Looks the name up: keep the result if you emit often.
    SpoutCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    SpoutCollector to(TaskId task) { return {*emitter_, stream_, task}; }
    /// Says that this task has nothing new. Call it as soon as that is so, even while tuples are
    /// pending: the bolts learn that no more will come (Bolt::inputs_ended()). Failed tuples may
    /// still be emitted again: after a fail(), next_tuple() is called until it returns kIdle. When
    /// nothing is pending any more, the task ends with close().
    void finished() { emitter_->finished(); }
    /// Says that the tuple which failed under this id was emitted again under another id, or put
    /// aside for good, and so needs no ack any more. A spout that ends with a failed tuple which is
    /// neither acked nor dealt with has lost it, and the run has failed (exit code 1).
    void dealt_with(MessageId id) { emitter_->dealt_with(id); }
    /// A function that ends the wait after Next::kIdle: next_tuple() is called at once. It may be
    /// copied, and called from any thread, for instance the one that receives what the spout emits.
    /// It does nothing once the task has ended.
    std::function<void()> waker() { return emitter_->waker(); }
    /// Logs an error of this component, at a limited rate, counts it, and keeps it for those who
    /// ask for recent errors. No tuple fails.
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
    /// Used by the engine.
    BoltCollector(detail::Emitter& emitter, detail::OutStream* stream,
                  TaskId direct = detail::kNoTask)
        : emitter_(&emitter), stream_(stream), direct_(direct) {}

    /// Emits a tuple that joins the tree of `anchor`, an input: the tree is acked at its spout only
    /// when this tuple is acked too. An untracked anchor, or a tick, makes the tuple untracked.
    /// Throws EmitError if the anchor was acked, failed or kept before; a kept one is anchored to
    /// by its tuple().
    template <typename... Values>
    void emit(const Tuple& anchor, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, detail::Emitter::anchor_count(anchor), values...);
        emitter_->commit_anchored(stream, bytes, direct_, anchor);
    }
    /// Emits a tuple that joins the trees of all `anchors`, as a join or an aggregate does. Each
    /// different tree takes 16 bytes beside those of topology.max.tuple.bytes; tuple and trees
    /// together may have 16 MiB, which is a million trees. Without anchors the tuple is untracked.
    /// Throws as above, and for a null pointer among them.
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
    /// A collector that emits on this stream instead of "default". Throws EmitError if it was not
    /// declared. Looks the name up: keep the result if you emit often.
    BoltCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    BoltCollector to(TaskId task) { return {*emitter_, stream_, task}; }

    /// Says that the input is done. Its tree is complete when everything that was emitted with it
    /// as an anchor is done too. A second ack or fail of an input has no effect, and is reported as
    /// an error.
    void ack(const Tuple& input) { emitter_->ack(input); }
    /// Fails the trees that the input belongs to, at once: their spouts get fail() with
    /// FailReason::kBoltFailed. `why`, if given, is reported as by report_error().
    void fail(const Tuple& input, std::string_view why = {}) { emitter_->fail(input, why); }
    /// A copy of the input, to be acked or failed later: in another call, or by
    /// TaskContext::post(). Its timeout runs on. Throws EmitError if the input was acked, failed or
    /// kept before.
    [[nodiscard]] Kept keep(const Tuple& input) { return emitter_->keep(input); }
    /// Acks a kept input; `input` holds nothing afterwards. Only a task of the component that has
    /// kept it may do so; if another one does, that is reported as its error, and the tuple fails
    /// as FailReason::kForgotten.
    void ack(Kept&& input) { emitter_->ack(std::move(input)); }
    /// Fails a kept input; otherwise like ack(Kept&&).
    void fail(Kept&& input, std::string_view why = {}) { emitter_->fail(std::move(input), why); }
    /// Restarts topology.message.timeout.secs for the trees of `input`, at once, even inside a call
    /// that takes long. For a kept input, give its tuple().
    void reset_timeout(const Tuple& input) { emitter_->reset_timeout(input); }
    /// Like SpoutCollector::report_error().
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
    /// Used by the engine.
    BasicCollector(detail::Emitter& emitter, const Tuple* input, detail::OutStream* stream,
                   TaskId direct = detail::kNoTask)
        : emitter_(&emitter),
          input_(input),
          stream_(stream),
          anchors_(input == nullptr ? 0 : detail::Emitter::anchor_count(*input)),
          direct_(direct) {}

    /// Emits a tuple that joins the tree of the input: the tree is acked at its spout only when
    /// this tuple is acked too. In finish(), for a tick, and for an untracked input the tuple is
    /// untracked.
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
    /// A collector that emits on this stream instead of "default". Throws EmitError if it was not
    /// declared.
    BasicCollector on(std::string_view stream) {
        return {*emitter_, input_, &emitter_->stream(stream), direct_};
    }
    /// A collector that emits to this task only. The stream must be declared direct, and the task
    /// (one of TaskContext::tasks_of()) subscribe to it with direct(); else its emits throw
    /// EmitError. May follow on().
    BasicCollector to(TaskId task) { return {*emitter_, input_, stream_, task}; }
    /// Like SpoutCollector::report_error().
    void report_error(std::string_view what) { emitter_->report_error(what); }

private:
    detail::Emitter* emitter_;
    const Tuple* input_;  // Null in finish(), where there is nothing to anchor to.
    detail::OutStream* stream_;
    std::uint32_t anchors_;
    TaskId direct_;
};

}  // namespace storm
