// Spouts: the components that bring tuples into a topology.
//
// Order:   constructor, open(), activate(), then next_tuple(), ack() and fail() in any mix,
//          close(). In between deactivate() and activate() follow the topology's state;
//          deactivate() also comes when a drain begins.
// Threads: the calls of one task never run concurrently, but they may come from different threads
//          one after the other, unless the component is declared blocking().
//
// A spout's members live as long as its worker. When the worker is started anew, the task begins
// again with a new object, and learns nothing about tuples that were pending. Where to go on is
// the spout's own business: it may keep the offset of the last acked tuple in a file, for
// instance.
#pragma once

#include <cstdint>
#include <string_view>

#include <storm/collector.h>
#include <storm/context.h>

namespace storm {

class Outputs;

namespace detail {
struct SpoutAccess;
}

/// Why a tracked tuple failed.
enum class FailReason : std::uint8_t {
    kBoltFailed,  ///< A bolt said fail(), or threw FailedError.
    kException,   ///< A bolt threw something else.
    kForgotten,   ///< A bolt neither acked, failed nor kept it, or destroyed the kept copy.
    kTimedOut,    ///< Not acked within topology.message.timeout.secs.
    kWorkerLost,  ///< Not the tuple's fault: a worker that it had reached is lost.
    kRebalanced,  ///< Not the tuple's fault: a task moved or stopped.
    kOverflow     ///< Too much was emitted at once, or a cycle of bolts held too much.
};
/// The text for it, such as "bolt_failed" or "timed_out".
std::string_view to_string(FailReason reason);

/// The answer of next_tuple().
enum class Next : std::uint8_t {
    kEmitted,  ///< There may be more: ask again soon.
    kIdle      ///< There is nothing to emit now: wait, then ask again.
};

/// A complete spout: counts up to a limit, and emits failed numbers again.
///
///     class Numbers final : public storm::Spout {
///     public:
///         explicit Numbers(std::uint64_t limit) : limit_(limit) {}
///         void declare_outputs(storm::Outputs& outputs) const override {
///             outputs.stream({{"number", storm::Kind::kInt64}});
///         }
///         storm::Next next_tuple(storm::SpoutCollector& out) override {
///             if (failed_.empty() && next_ == limit_) {
///                 out.finished();
///                 return storm::Next::kIdle;
///             }
///             std::uint64_t number = next_;
///             if (failed_.empty()) {
///                 ++next_;
///             } else {
///                 number = failed_.back();
///                 failed_.pop_back();
///             }
///             out.emit_tracked(number, number);
///             return storm::Next::kEmitted;
///         }
///         void fail(storm::MessageId id, storm::FailReason) override { failed_.push_back(id); }
///
///     private:
///         const std::uint64_t limit_;
///         std::uint64_t next_ = 0;
///         std::vector<std::uint64_t> failed_;
///     };
class Spout {
public:
    Spout() = default;
    Spout(const Spout&) = delete;
    Spout& operator=(const Spout&) = delete;
    virtual ~Spout() = default;

    /// Declares what the spout emits: its streams and their fields. Called by
    /// TopologyBuilder::build() on an object that is made for this and takes part in nothing else,
    /// so it may not rely on open(). An exception is a mistake of the topology (E0128).
    virtual void declare_outputs(Outputs& outputs) const = 0;

    /// Called once, before anything else. Open files and connections here, not in the constructor,
    /// which build() runs as well. It may take long, and holds up no other component. Copies of
    /// `context` and `out` may be kept until close() returns.
    ///
    /// It may emit; nothing is executed before all bolts are prepared. An exception stops the
    /// topology with its message.
    ///
    /// The default does nothing.
    virtual void open(const TaskContext& context, SpoutCollector& out);

    /// Emits the next tuple or a few. Called again and again while the spout is active, its targets
    /// can take more, and no more tracked tuples are pending than the topology completes in time;
    /// at most topology.max.spout.pending.
    ///
    /// Return Next::kIdle if there is nothing to emit: the next call comes after 20 us, later after
    /// up to topology.sleep.spout.wait.strategy.time.ms (4 ms), and at once after an ack(), a
    /// fail(), a posted call or a call of the SpoutCollector::waker(). Call
    /// SpoutCollector::finished() when nothing new will ever come; fail() says what follows.
    ///
    /// It must not block, unless the spout is declared blocking(). Even then it should return now
    /// and then, say every 100 ms: acks, fails and timeouts of this task are delivered between
    /// calls.
    ///
    /// An exception is logged and counted; tuples emitted before it stay emitted, and the next call
    /// comes as after kIdle. If it is an EmitError, the run has failed (exit code 1).
    virtual Next next_tuple(SpoutCollector& out) = 0;

    /// The tuple that was emitted with `id`, and everything that descended from it, is done. Called
    /// once for it, unless fail() is, and never from within another call of this spout. With
    /// topology.acker.executors=0 it is called soon after the emit, whatever happens to the tuple.
    ///
    /// It may emit. An exception is logged and counted, an EmitError as in next_tuple(); the tuple
    /// is acked nevertheless.
    ///
    /// The default does nothing.
    virtual void ack(MessageId id);

    /// The tuple that was emitted with `id`, or a descendant of it, failed or timed out. Called
    /// once for it, unless ack() is, and never from within another call of this spout. Other parts
    /// of its tree may have been executed, or may still be.
    ///
    /// Emit the tuple again under the same id, here or in next_tuple(), or call
    /// SpoutCollector::dealt_with(id); a spout that ends otherwise has lost it, and the run has
    /// failed (exit code 1). After finished(), next_tuple() is called for failed tuples until it
    /// returns kIdle.
    ///
    /// An exception is logged and counted, an EmitError as in next_tuple(); the tuple has failed
    /// nevertheless.
    ///
    /// The default emits nothing again; then next_tuple() is not called after finished().
    virtual void fail(MessageId id, FailReason reason);

    /// Called after open(), before the first next_tuple(), and each time that the topology is
    /// activated again; not while it is inactive. An exception is logged and counted, and the run
    /// has failed (exit code 1); the spout is active nevertheless.
    ///
    /// The default does nothing.
    virtual void activate();

    /// Called when the topology is deactivated, or begins to drain: no next_tuple() follows until
    /// activate(), but ack() and fail() do. Not called for a spout that has ended by itself, nor if
    /// the topology is stopped at once. Exceptions as for activate().
    ///
    /// The default does nothing.
    virtual void deactivate();

    /// Called once, as the last call: when the spout has finished() and nothing of it is pending,
    /// or the topology was drained or stopped. Not called after an open() that threw, nor in a
    /// process that is killed. An exception is logged and counted, and the run has failed (exit
    /// code 1). It may emit what is not tracked; listeners execute that before they finish.
    ///
    /// The default does nothing.
    virtual void close();

private:
    friend struct detail::SpoutAccess;
    bool ignores_failures_ = false;  // Whether fail() is the one of this class.
};

}  // namespace storm
