// Bolts: what is done with tuples.
//
// Order:   prepare(), then execute() (also for ticks), finish() once when all inputs have ended,
// cleanup(). Threads: as for spouts: a task's calls never run concurrently. A bolt that throws from
// execute() fails that input (kException) and goes on; from prepare() it stops the topology with
// the message.
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
    /// All inputs have ended: emit what is left, unanchored.
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
