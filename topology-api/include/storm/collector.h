// Collectors: how components emit, ack and fail.
//
// Order:   a collector given to open() or prepare() stays valid until close() or cleanup() returns;
// it may
//          be copied. on() and to() return a collector that emits elsewhere; keep it to save the
//          look-up.
// Threads: the executor's alone. Another thread gets there with TaskContext::post() or a waker().
// Cost:    emit() copies the values into a row; it takes neither lock nor allocation.
//
// emit(values…) takes anything a Value can hold, in the order of the declared fields: integers,
// floating point, bool, nullptr (nil), strings, std::span<const std::byte>, Value. It throws
// EmitError when number or kinds do not fit the declared stream, or the tuple is over
// topology.max.tuple.bytes.
//
// Threads: the task's own calls only. Another thread has its work done by TaskContext::post(); a
// collector that it uses itself breaks memory. Builds of type Debug notice, and end the process.
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
///     Next next_tuple(SpoutCollector& out) override {
///         if (lines_.empty()) return Next::kIdle;
///         out.emit_tracked(id_++, lines_.front());
///         lines_.pop_front();
///         return Next::kEmitted;
///     }
class SpoutCollector {
public:
    SpoutCollector(detail::Emitter& emitter, detail::OutStream* stream,
                   TaskId direct = detail::kNoTask)
        : emitter_(&emitter), stream_(stream), direct_(direct) {}

    /// Untracked: at most once; neither ack() nor fail() will be called for it.
    template <typename... Values>
    void emit(const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes = emitter_->build_row(stream, 0, values...);
        emitter_->commit_untracked(stream, bytes, direct_);
    }
    /// At least once: exactly one of ack(id) and fail(id, reason) follows while this task lives.
    template <typename... Values>
    void emit_tracked(MessageId id, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, emitter_->tracked_anchors(), values...);
        emitter_->commit_tracked(stream, bytes, direct_, id);
    }
    /// The same, for a named stream. Throws EmitError when it was not declared.
    SpoutCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    /// The same, direct: to one task, which subscribes with the direct grouping.
    SpoutCollector to(TaskId task) { return {*emitter_, stream_, task}; }
    /// This task has nothing new. Say it as soon as that is so, also while tuples are pending:
    /// their bolts learn that no more will come (Bolt::inputs_ended()). What fails may still be
    /// emitted again: after a fail() next_tuple() is called until it says kIdle. When nothing is
    /// pending the task ends.
    void finished() { emitter_->finished(); }
    /// What failed under this id needs no ack any more: it was emitted under another id, or put
    /// aside. Else a spout that ends with it has lost it, and the run has failed.
    void dealt_with(MessageId id) { emitter_->dealt_with(id); }
    /// Callable from any thread, also after the task has ended: next_tuple() is called again soon.
    std::function<void()> waker() { return emitter_->waker(); }
    /// Logged (rate-limited), counted and kept as the component's last error; nothing fails.
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

/// Emits, acks and fails for a bolt.
///
///     void execute(const Tuple& input, BoltCollector& out) override {
///         out.emit(input, input.string("word"), ++counts_[std::string(input.string("word"))]);
///         out.ack(input);
///     }
class BoltCollector {
public:
    BoltCollector(detail::Emitter& emitter, detail::OutStream* stream,
                  TaskId direct = detail::kNoTask)
        : emitter_(&emitter), stream_(stream), direct_(direct) {}

    /// The new tuple joins the trees of `anchor`, which has to be neither acked nor failed yet.
    template <typename... Values>
    void emit(const Tuple& anchor, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, detail::Emitter::anchor_count(anchor), values...);
        emitter_->commit_anchored(stream, bytes, direct_, anchor);
    }
    /// The new tuple joins the trees of all `anchors`: a join or an aggregate.
    template <typename... Values>
    void emit(std::span<const Tuple* const> anchors, const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes =
            emitter_->build_row(stream, emitter_->union_roots(anchors), values...);
        emitter_->commit_joined(stream, bytes, direct_, anchors);
    }
    template <typename... Values>
    void emit_unanchored(const Values&... values) {
        detail::OutStream& stream = default_stream();
        const std::size_t bytes = emitter_->build_row(stream, 0, values...);
        emitter_->commit_untracked(stream, bytes, direct_);
    }
    BoltCollector on(std::string_view stream) {
        return {*emitter_, &emitter_->stream(stream), direct_};
    }
    BoltCollector to(TaskId task) { return {*emitter_, stream_, task}; }

    /// Every input must be acked, failed or kept before execute() returns, else it fails as
    /// forgotten.
    void ack(const Tuple& input) { emitter_->ack(input); }
    void fail(const Tuple& input, std::string_view why = {}) { emitter_->fail(input, why); }
    /// A copy of the input, to be acked or failed later: in another call, or by
    /// TaskContext::post().
    [[nodiscard]] Kept keep(const Tuple& input) { return emitter_->keep(input); }
    void ack(Kept&& input) { emitter_->ack(std::move(input)); }
    void fail(Kept&& input, std::string_view why = {}) { emitter_->fail(std::move(input), why); }
    /// The trees of `input` start their topology.message.timeout.secs again.
    void reset_timeout(const Tuple& input) { emitter_->reset_timeout(input); }
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

/// Emits for a basic bolt: anchors every emit to the input; the engine acks when execute() returns.
class BasicCollector {
public:
    BasicCollector(detail::Emitter& emitter, const Tuple* input, detail::OutStream* stream,
                   TaskId direct = detail::kNoTask)
        : emitter_(&emitter),
          input_(input),
          stream_(stream),
          anchors_(input == nullptr ? 0 : detail::Emitter::anchor_count(*input)),
          direct_(direct) {}

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
    BasicCollector on(std::string_view stream) {
        return {*emitter_, input_, &emitter_->stream(stream), direct_};
    }
    BasicCollector to(TaskId task) { return {*emitter_, input_, stream_, task}; }
    void report_error(std::string_view what) { emitter_->report_error(what); }

private:
    detail::Emitter* emitter_;
    const Tuple* input_;  // Null in finish(): nothing to anchor to.
    detail::OutStream* stream_;
    std::uint32_t anchors_;
    TaskId direct_;
};

}  // namespace storm
