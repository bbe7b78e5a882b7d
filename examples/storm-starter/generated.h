// Shared by all of these examples: a source of tuples, and a bolt that prints them.
//
// Order:   a Generated emits tuple 0 … limit - 1, and emits failed ones again: a tuple is made
//          from its number alone, so nothing has to be remembered.
// Time:    one tuple each `pause`; it never waits in next_tuple().
#pragma once

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <storm/storm.h>

namespace starter {

class Generated final : public storm::Spout {
public:
    using Emit = void (*)(std::uint64_t number, storm::SpoutCollector& out);

    Generated(std::vector<storm::Field> fields, Emit emit, std::int64_t limit,
              std::int64_t pause_ms)
        : fields_(std::move(fields)),
          emit_(emit),
          limit_(static_cast<std::uint64_t>(limit)),
          pause_(pause_ms) {}

    void declare_outputs(storm::Outputs& outputs) const override { outputs.stream(fields_); }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        if (!failed_.empty()) {
            emit_(failed_.back(), out);
            failed_.pop_back();
            return storm::Next::kEmitted;
        }
        if (next_ == limit_) {
            out.finished();
            return storm::Next::kIdle;
        }
        const auto now = std::chrono::steady_clock::now();
        if (now < due_) return storm::Next::kIdle;
        due_ = now + pause_;
        emit_(next_++, out);
        return storm::Next::kEmitted;
    }
    void fail(storm::MessageId id, storm::FailReason) override { failed_.push_back(id); }

private:
    const std::vector<storm::Field> fields_;
    const Emit emit_;
    const std::uint64_t limit_;
    const std::chrono::milliseconds pause_;
    std::chrono::steady_clock::time_point due_;
    std::uint64_t next_ = 0;
    std::vector<storm::MessageId> failed_;
};

/// As good as random for an example, and the same for the same number.
inline std::uint64_t scattered(std::uint64_t number) {
    return ((number + 1) * 0x9e37'79b9'7f4a'7c15) >> 40;
}

/// Storm's TestWordSpout: -c limit=N words from each of its tasks, one in -c pause_ms=N.
inline void emit_word(std::uint64_t number, storm::SpoutCollector& out) {
    constexpr const char* kWords[] = {"nathan", "mike", "jackson", "golda", "bertels"};
    out.emit_tracked(number, kWords[scattered(number) % std::size(kWords)]);
}

/// Storm's PrinterBolt: a line for each tuple, tabs between its fields.
inline void print(const storm::Tuple& input, storm::BasicCollector&) {
    std::string line;
    for (std::size_t i = 0; i < input.size(); ++i) {
        const storm::Value value = input.value(i);
        const auto* const number = std::get_if<std::int64_t>(&value.variant());
        line += (i > 0 ? "\t" : "") + (number ? std::to_string(*number) : value.string());
    }
    std::cout << line + '\n';
}

}  // namespace starter
