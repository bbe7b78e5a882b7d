// Bolts: the components that process tuples.
//
//     | Bolt        acks, fails or keeps each of its inputs itself
//     | BasicBolt   its input is acked when execute() returns, and failed when it throws
//
// Order:   constructor, prepare(), then execute() for each input and each tick, inputs_ended()
//          when the sources have nothing new, finish() once after the last input, cleanup(). A
//          topology that is stopped, and not drained, gets cleanup() without finish().
// Threads: the calls of one task never run concurrently, but they may come from different threads
//          one after the other, unless the component is declared blocking().
//
// A bolt's members live as long as its worker. When the worker is started anew, the task begins
// again with a new object; so it does when a source's worker is started anew after the task has
// finished.
#pragma once

#include <storm/collector.h>
#include <storm/context.h>

namespace storm {

class Outputs;

/// A bolt that acks, fails or keeps its inputs itself.
///
///     class Pairs final : public storm::Bolt {  // Joins two tuples each.
///     public:
///         void declare_outputs(storm::Outputs& outputs) const override {
///             outputs.stream({"first", "second"});
///         }
///         void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
///             if (!first_) {
///                 first_ = out.keep(input);
///                 return;
///             }
///             const storm::Tuple* const both[] = {&first_.tuple(), &input};
///             out.emit(both, first_.tuple().string(0), input.string(0));
///             out.ack(std::move(first_));
///             out.ack(input);
///         }
///         void inputs_ended(storm::BoltCollector& out) override {
///             if (first_) out.ack(std::move(first_));  // No second one will come.
///         }
///
///     private:
///         storm::Kept first_;
///     };
class Bolt {
public:
    Bolt() = default;
    Bolt(const Bolt&) = delete;
    Bolt& operator=(const Bolt&) = delete;
    virtual ~Bolt() = default;

    /// Declares what the bolt emits: its streams and their fields. Called by
    /// TopologyBuilder::build() on an object that is made for this and takes part in nothing else,
    /// so it may not rely on prepare(). An exception is a mistake of the topology (E0128).
    ///
    /// The default declares nothing: the bolt emits nothing.
    virtual void declare_outputs(Outputs& outputs) const;

    /// Called once, before anything else. Open files and connections here, not in the constructor,
    /// which build() runs as well. It may take long, and holds up no other component. Copies of
    /// `context` and `out` may be kept until cleanup() returns.
    ///
    /// It may emit, unanchored, up to topology.executor.overshoot.bytes; nothing is executed before
    /// all bolts are prepared. An exception stops the topology with its message.
    ///
    /// The default does nothing.
    virtual void prepare(const TaskContext& context, BoltCollector& out);

    /// Called for each tuple that arrives, and for each tick (input.is_tick()) if the bolt was
    /// declared with tick(). `input` is valid until this returns.
    ///
    /// Ack, fail or keep the input before returning; one that is none of these fails as
    /// FailReason::kForgotten, and is reported as an error. Ticks need nothing of the kind.
    ///
    /// An exception fails the input, unless it was acked or kept before: as kBoltFailed if it is a
    /// FailedError, else as kException. It is logged and counted, unless it is a FailedError which
    /// has failed an input. The topology runs on. What was emitted before stays emitted.
    ///
    /// A call of more than 10 ms delays the executors that share its thread, until the bolt is
    /// given a thread of its own; a bolt that waits for something should be declared blocking(). An
    /// emit waits while its targets can take no more.
    virtual void execute(const Tuple& input, BoltCollector& out) = 0;

    /// Called when all sources have nothing new, because they have said
    /// SpoutCollector::finished(), and all pending tuples are kept by bolts; or when the topology
    /// is drained. Emit and ack what is kept: nothing will come any more to complete it.
    ///
    /// If kept tuples fail then, this call is repeated after they have come again; it always
    /// precedes finish(). An exception is logged and counted, and the run has failed (exit code 1).
    ///
    /// The default does nothing, which suits a bolt that keeps no inputs.
    virtual void inputs_ended(BoltCollector& out);

    /// Called once, after the last input was executed and nothing is pending. Emit what is left,
    /// with emit_unanchored(); any amount, because emits wait for room. Listeners execute it before
    /// they finish. An exception is logged and counted, and the run has failed (exit code 1), but
    /// ends in order.
    ///
    /// The default does nothing.
    virtual void finish(BoltCollector& out);

    /// Called once, as the last call: after finish(), or without it if the topology is stopped. Not
    /// called after a prepare() that threw, nor in a process that is killed. Tuples that are still
    /// kept fail afterwards. An exception is logged and counted, and the run has failed (exit code
    /// 1). It may emit as finish() may, but what goes into its own cycle is dropped, and counted.
    ///
    /// The default does nothing.
    virtual void cleanup();
};

/// A bolt whose inputs need no thought: each is acked when execute() returns, and fails when it
/// throws. Every emit is anchored to the input. To keep inputs, derive from Bolt.
///
///     class Words final : public storm::BasicBolt {
///     public:
///         void declare_outputs(storm::Outputs& outputs) const override {
///             outputs.stream({"word"});
///         }
///         void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
///             const std::string_view line = input.string("line");
///             if (line.empty()) throw storm::FailedError("an empty line");
///             out.emit(line.substr(0, line.find(' ')));
///         }
///     };
class BasicBolt {
public:
    BasicBolt() = default;
    BasicBolt(const BasicBolt&) = delete;
    BasicBolt& operator=(const BasicBolt&) = delete;
    virtual ~BasicBolt() = default;

    /// Like Bolt::declare_outputs(). The default declares nothing: the bolt emits nothing.
    virtual void declare_outputs(Outputs& outputs) const;

    /// Like Bolt::prepare(), but it cannot emit. The default does nothing.
    virtual void prepare(const TaskContext& context);

    /// Called for each tuple that arrives, and for each tick (input.is_tick()) if the bolt was
    /// declared with tick(). `input` and `out` are valid until this returns; then the input is
    /// acked. Tuples emitted for a tick are untracked.
    ///
    /// An exception fails the input: as FailReason::kBoltFailed if it is a FailedError, else as
    /// kException, which is also logged and counted. The topology runs on. Bolt::execute() says
    /// what long calls cost.
    virtual void execute(const Tuple& input, BasicCollector& out) = 0;

    /// Like Bolt::finish(). There is no input, so tuples are unanchored. The default does nothing.
    virtual void finish(BasicCollector& out);

    /// Like Bolt::cleanup(). The default does nothing.
    virtual void cleanup();
};

}  // namespace storm
