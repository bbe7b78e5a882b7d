// The spouts of the scenarios: where tuples come from, and when.
//
//     MeteredSpout<Source>   one tuple per call while the meter is open: as many as possible, or
//                            on a schedule that does not wait for slow ones
//     PipeLines              lines from a pipe, blocking
//     Poller                 never has anything
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <storm/spout.h>
#include <storm/topology.h>

#include "base/random.h"
#include "bench/macro/meter.h"
#include "bench/macro/text.h"

namespace storm::bench {

/// When those tuples were due and emitted whose latency is measured. The message id names them.
class Flights {
public:
    static constexpr MessageId kNotTimed = 0;

    MessageId depart(Nanos due, Nanos emitted);
    void arrive(MessageId id, SpoutSlot& slot, bool scheduled);
    void give_up(MessageId id) {
        if (id != kNotTimed) free_.push_back(id);
    }

private:
    struct Flight {
        Nanos due;
        Nanos emitted;
    };
    std::vector<Flight> flights_;  // Indexed by message id - 1.
    std::vector<MessageId> free_;
};

/// The same text each time.
class ConstantText {
public:
    static std::vector<Field> fields() { return {"text"}; }
    void start(const Load&, int, std::size_t) {}
    std::string_view next() { return "some data"; }
};

/// The lines of the text, again and again; each task starts at another place.
class TextLines {
public:
    static std::vector<Field> fields() { return {"line"}; }
    void start(const Load& load, int index, std::size_t tasks) {
        text_ = load.text;
        next_ = text_->lines() * static_cast<std::size_t>(index) / tasks;
    }
    std::string_view next() {
        const std::string_view line = text_->line(next_);
        if (++next_ == text_->lines()) next_ = 0;
        return line;
    }

private:
    const Text* text_ = nullptr;
    std::size_t next_ = 0;
};

class RandomNumbers {
public:
    static std::vector<Field> fields() { return {{"number", Kind::kInt64}}; }
    void start(const Load&, int index, std::size_t) {
        random_ = base::Random(static_cast<std::uint64_t>(index));
    }
    std::int64_t next() { return static_cast<std::int64_t>(random_.next()); }

private:
    base::Random random_{0};
};

template <typename Source>
class MeteredSpout final : public Spout {
public:
    explicit MeteredSpout(Meter* meter) : meter_(meter), load_(meter->load()) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream(Source::fields()); }

    void open(const TaskContext& context, SpoutCollector& out) override {
        slot_ = &meter_->spout(context.index());
        source_.start(load_, context.index(), meter_->spouts());
        if (load_.rate > 0) interval_ = 1e9 / load_.rate;
        phase_ = interval_ * context.index() / static_cast<double>(meter_->spouts());
        meter_->add_waker(out.waker());
    }

    Next next_tuple(SpoutCollector& out) override {
        if (!meter_->is_open()) return Next::kIdle;
        if (interval_ != 0) return next_scheduled(out);
        if (!load_.acks) {
            out.emit(source_.next());
        } else if (emitted_ % kSample == 0) [[unlikely]] {
            const Nanos time = now();
            out.emit_tracked(flights_.depart(time, time), source_.next());
        } else {
            out.emit_tracked(Flights::kNotTimed, source_.next());
        }
        ++emitted_;
        slot_->emitted.add();
        return Next::kEmitted;
    }

    void ack(MessageId id) override {
        slot_->acked.add();
        if (id != Flights::kNotTimed) [[unlikely]]
            flights_.arrive(id, *slot_, interval_ != 0);
    }

    void fail(MessageId id, FailReason) override {
        slot_->failed.add();
        flights_.give_up(id);
    }

private:
    static constexpr std::uint64_t kSample = 1024;  // Timed is one in this many.

    Next next_scheduled(SpoutCollector& out) {
        const Nanos time = now();
        if (start_ == 0) start_ = time;
        const Nanos due =
            start_ + static_cast<Nanos>(phase_ + interval_ * static_cast<double>(emitted_));
        if (time < due) return Next::kIdle;
        if (load_.acks) {
            out.emit_tracked(flights_.depart(due, time), source_.next());
        } else {
            out.emit(source_.next());
        }
        ++emitted_;
        slot_->emitted.add();
        return Next::kEmitted;
    }

    Meter* const meter_;
    const Load load_;
    Source source_;
    SpoutSlot* slot_ = nullptr;
    Flights flights_;
    std::uint64_t emitted_ = 0;
    double interval_ = 0;  // Nanoseconds from one tuple to the next; 0: no schedule.
    double phase_ = 0;
    Nanos start_ = 0;
};

/// The lines that come out of a pipe. Blocks; ends with the pipe.
class PipeLines final : public Spout {
public:
    PipeLines(Meter* meter, int pipe) : meter_(meter), pipe_(pipe) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({"line"}); }
    void open(const TaskContext& context, SpoutCollector&) override {
        slot_ = &meter_->spout(context.index());
    }
    Next next_tuple(SpoutCollector& out) override;
    void ack(MessageId) override { slot_->acked.add(); }
    void fail(MessageId, FailReason) override { slot_->failed.add(); }

private:
    Meter* const meter_;
    const int pipe_;  // Borrowed.
    SpoutSlot* slot_ = nullptr;
    std::string read_;  // Not a whole line yet.
};

class Poller final : public Spout {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({"line"}); }
    Next next_tuple(SpoutCollector&) override { return Next::kIdle; }
};

}  // namespace storm::bench
