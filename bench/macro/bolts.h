// The bolts of the scenarios. They do as little as their names say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <storm/bolt.h>
#include <storm/errors.h>
#include <storm/topology.h>

#include "bench/macro/meter.h"
#include "examples/word_count/word_table.h"
#include "examples/word_count/words.h"

namespace storm::bench {

/// Counts what the last bolt executes; fails every Nth.
class Sink {
public:
    void prepare(Meter& meter, int index) {
        slot_ = &meter.sink(index);
        fail_every_ = left_ = meter.load().fail_every;
    }
    /// Throws FailedError for every Nth.
    void executed() {
        if (slot_->executed.value() == 0) [[unlikely]]
            slot_->first_at.add(static_cast<std::uint64_t>(now()));
        slot_->executed.add();
        if (fail_every_ != 0 && --left_ == 0) [[unlikely]] {
            left_ = fail_every_;
            throw FailedError("one of those that are to fail");
        }
    }

private:
    SinkSlot* slot_ = nullptr;
    std::uint64_t fail_every_ = 0;
    std::uint64_t left_ = 0;
};

class NullBolt final : public BasicBolt {
public:
    explicit NullBolt(Meter* meter) : meter_(meter) {}

    void prepare(const TaskContext& context) override { sink_.prepare(*meter_, context.index()); }
    void execute(const Tuple&, BasicCollector&) override { sink_.executed(); }

private:
    Meter* const meter_;
    Sink sink_;
};

/// Passes a text on.
class IdBolt final : public BasicBolt {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({"text"}); }
    void execute(const Tuple& input, BasicCollector& out) override { out.emit(input.string(0)); }
};

/// Passes a number on.
class NumberBolt final : public BasicBolt {
public:
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"number", Kind::kInt64}});
    }
    void execute(const Tuple& input, BasicCollector& out) override { out.emit(input.int64(0)); }
};

class Split final : public BasicBolt {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({"word"}); }
    void execute(const Tuple& input, BasicCollector& out) override {
        word_count::for_each_word(input.string(0), room_,
                                  [&out](std::string_view word) { out.emit(word); });
    }

private:
    std::string room_;
};

class Count final : public BasicBolt {
public:
    explicit Count(Meter* meter) : meter_(meter) {}

    void prepare(const TaskContext& context) override { sink_.prepare(*meter_, context.index()); }
    void execute(const Tuple& input, BasicCollector&) override {
        counts_.add(input.string(0));
        sink_.executed();
    }

private:
    Meter* const meter_;
    Sink sink_;
    word_count::WordTable counts_;
};

}  // namespace storm::bench
