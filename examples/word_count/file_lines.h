// The spout `lines`: emits the lines of its input, each tracked by an id; emits again what fails.
//
// Order:   as a storm::Spout. It is finished once every line is acked.
// Time:    next_tuple() waits for input for up to 100 ms, or 1 ms while acks may come. So it is to
//          be declared blocking().
// Cost:    a memchr() and an emit for each line. Lines are kept only if they cannot be read again,
//          and only while they are pending.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <storm/spout.h>

#include "input.h"
#include "line_cutter.h"
#include "pending_lines.h"
#include "rate_limit.h"
#include "saved_files.h"
#include "settings.h"

namespace word_count {

class FileLines final : public storm::Spout {
public:
    explicit FileLines(Settings settings) : settings_(std::move(settings)) {}

    void declare_outputs(storm::Outputs& outputs) const override;
    void open(const storm::TaskContext& context, storm::SpoutCollector& out) override;
    storm::Next next_tuple(storm::SpoutCollector& out) override;
    void ack(storm::MessageId id) override;
    void fail(storm::MessageId id, storm::FailReason reason) override;
    void deactivate() override;
    void close() override;

private:
    using Clock = std::chrono::steady_clock;

    std::size_t emit_some(storm::SpoutCollector& out, Clock::time_point now);
    std::size_t emit_failed(storm::SpoutCollector& out, std::size_t most);
    std::size_t emit_new(storm::SpoutCollector& out, std::size_t most);
    bool read_more(storm::SpoutCollector& out);
    void wait(Clock::time_point now);
    void show(Clock::time_point now);
    Place place() const;
    void save_place(Clock::time_point now);

    const Settings settings_;
    std::optional<storm::TaskContext> context_;
    storm::Counter* lines_read_ = nullptr;

    std::unique_ptr<Input> input_;
    std::optional<LineCutter> cutter_;
    std::uint32_t unit_ = 0;   // Unit of the text in the cutter.
    bool unit_ended_ = false;  // The cutter has the end of the unit.
    std::uint64_t words_cut_ = 0;
    bool all_read_ = false;
    bool finished_ = false;
    std::optional<RateLimit> rate_;

    PendingLines pending_;
    KeptText kept_;
    std::string text_;  // A line that is read again.

    Clock::time_point shown_at_;
    Clock::time_point saved_at_;
    Clock::time_point retry_at_;  // After an error.
    std::optional<Place> saved_;
};

}  // namespace word_count
