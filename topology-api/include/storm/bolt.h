// Bolts: what is done with tuples.
//
// Order:   prepare(), then execute() (also for ticks), inputs_ended() when nothing new comes,
//          finish() once when nothing comes at all, cleanup(). Where a source's worker starts anew
//          after that, the task begins again with a new object, as it does where its own worker
//          has.
// Threads: as for spouts: a task's calls never run concurrently.
// A bolt that throws from execute() fails that input (kException) and goes on; from prepare() it
// stops the topology with the message.
#pragma once

#include <storm/collector.h>
#include <storm/context.h>

namespace storm {

class Outputs;

/// A bolt that decides itself when its inputs are acked.
///
///     class Pairs final : public storm::Bolt {   // Joins two tuples each.
///         void declare_outputs(storm::Outputs& outputs) const override { outputs.stream({"first",
///         "second"}); } void execute(const storm::Tuple& input, storm::BoltCollector& out)
///         override {
///             if (!first_) {
///                 first_ = out.keep(input);
///                 return;
///             }
///             const storm::Tuple* const both[] = {&first_.tuple(), &input};
///             out.emit(both, first_.tuple().string(0), input.string(0));
///             out.ack(std::move(first_));
///             out.ack(input);
///         }
///         storm::Kept first_;
///     };
class Bolt {
public:
    Bolt() = default;
    Bolt(const Bolt&) = delete;
    Bolt& operator=(const Bolt&) = delete;
    virtual ~Bolt() = default;

    virtual void declare_outputs(Outputs& outputs) const;
    virtual void prepare(const TaskContext& context, BoltCollector& out);
    virtual void execute(const Tuple& input, BoltCollector& out) = 0;
    /// All sources have said that they have nothing new (SpoutCollector::finished(), or the
    /// topology is drained), and wait for what is pending: emit and ack what is kept, for nothing
    /// more will come to complete it. Tuples that fail may still come again, and then this call as
    /// well; it always precedes finish().
    virtual void inputs_ended(BoltCollector& out);
    /// All inputs have ended, and nothing is pending: emit what is left, unanchored. It may be as
    /// much as you like: emits wait for room.
    virtual void finish(BoltCollector& out);
    virtual void cleanup();
};

/// A bolt whose input is acked when execute() returns and failed when it throws (FailedError is not
/// logged).
///
///     class Split final : public storm::BasicBolt {
///         void declare_outputs(storm::Outputs& outputs) const override { outputs.stream({"word"});
///         } void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
///             for (std::string_view word : words_of(input.string(0))) out.emit(word);
///         }
///     };
class BasicBolt {
public:
    BasicBolt() = default;
    BasicBolt(const BasicBolt&) = delete;
    BasicBolt& operator=(const BasicBolt&) = delete;
    virtual ~BasicBolt() = default;

    virtual void declare_outputs(Outputs& outputs) const;
    virtual void prepare(const TaskContext& context);
    virtual void execute(const Tuple& input, BasicCollector& out) = 0;
    virtual void finish(BasicCollector& out);
    virtual void cleanup();
};

}  // namespace storm
