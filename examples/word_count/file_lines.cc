#include "file_lines.h"

#include <algorithm>
#include <stdexcept>

#include <poll.h>
#include <storm/topology.h>

#include "status_text.h"

namespace word_count {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLinesPerCall = 64;
constexpr std::size_t kReadsPerCall = 64;
constexpr std::size_t kPieceBytesMax = 512 << 10;
constexpr std::size_t kTupleOverheadBytes = 256;    // More than a row needs beside the line.
constexpr std::size_t kPendingWindowMax = 1 << 20;  // From the oldest un-acked line on: 32 MB.
constexpr milliseconds kWaitMax{100};               // So that a topology drains quickly.
constexpr milliseconds kWaitForAcksMax{1};
constexpr milliseconds kShowEvery{500};
constexpr milliseconds kSaveEvery{200};
constexpr milliseconds kRetryAfter{1000};

LineCutter::Limits limits_of(const storm::Config& config) {
    const auto tuple = static_cast<std::size_t>(config.int64("topology.max.tuple.bytes"));
    const std::size_t line = std::max(tuple, 2 * kTupleOverheadBytes) - kTupleOverheadBytes;
    return {.piece_bytes_max = std::min(kPieceBytesMax, line), .word_bytes_max = line};
}

}  // namespace

void FileLines::declare_outputs(storm::Outputs& outputs) const {
    outputs.stream({"line"});
}

void FileLines::open(const storm::TaskContext& context, storm::SpoutCollector&) {
    context_ = context;
    lines_read_ = &context.counter("lines_read");
    input_ = open_input({.path = settings_.input,
                         .repeat = settings_.repeat,
                         .follow = settings_.follow,
                         .resumable = !settings_.progress.empty()});
    cutter_.emplace(limits_of(context.config()));
    if (settings_.lines_per_s) rate_.emplace(*settings_.lines_per_s);

    std::uint64_t offset = 0;
    if (!settings_.progress.empty()) {
        if (const auto place = load_progress(settings_.progress, identity_of(settings_))) {
            const Input::Resumed resumed = input_->resume(*place);
            if (!resumed.warning.empty()) context.log_warn(resumed.warning);
            offset = resumed.offset;
        }
    }
    unit_ = input_->unit();
    cutter_->start(offset);
    if (!settings_.progress.empty()) saved_ = place();
}

storm::Next FileLines::next_tuple(storm::SpoutCollector& out) {
    if (finished_) return storm::Next::kIdle;
    const Clock::time_point now = Clock::now();
    if (now - shown_at_ >= kShowEvery) show(now);
    if (now - saved_at_ >= kSaveEvery) save_place(now);

    if (emit_some(out, now) > 0) return storm::Next::kEmitted;
    if (all_read_ && pending_.empty()) {
        show(now);
        save_place(now);
        finished_ = true;
        out.finished();
    } else {
        wait(now);
    }
    return storm::Next::kIdle;
}

std::size_t FileLines::emit_some(storm::SpoutCollector& out, Clock::time_point now) {
    if (now < retry_at_) return 0;
    const std::size_t most = rate_ ? std::min(kLinesPerCall, rate_->available(now)) : kLinesPerCall;
    try {
        std::size_t emitted = emit_failed(out, most);
        if (emitted == 0) emitted = emit_new(out, most);
        if (rate_) rate_->took(emitted);
        return emitted;
    } catch (const FileError& error) {
        out.report_error(error.what());
        retry_at_ = now + kRetryAfter;
        return 0;
    }
}

/// Failed lines go first: what is to be done should be done in order.
std::size_t FileLines::emit_failed(storm::SpoutCollector& out, std::size_t most) {
    std::size_t emitted = 0;
    while (emitted < most) {
        const std::optional<PendingLines::Id> id = pending_.first_failed();
        if (!id) break;
        const LineAt& line = pending_.line(*id);
        if (line.kept != nullptr) {
            out.emit_tracked(*id, std::string_view(line.kept, line.length));
        } else {
            input_->read_again(line, text_);
            out.emit_tracked(*id, text_);
        }
        pending_.emitted_again();
        ++emitted;
    }
    return emitted;
}

std::size_t FileLines::emit_new(storm::SpoutCollector& out, std::size_t most) {
    std::size_t emitted = 0;
    std::size_t reads = 0;
    while (emitted < most && pending_.window() < kPendingWindowMax) {
        const std::optional<Piece> piece = cutter_->next();
        if (!piece) {
            // Let emitted lines go their way; the next call reads.
            if (emitted > 0 || ++reads > kReadsPerCall || !read_more(out)) break;
            continue;
        }
        LineAt line{.offset = piece->offset,
                    .unit = unit_,
                    .length = static_cast<std::uint32_t>(piece->text.size())};
        if (!input_->rereadable()) line.kept = kept_.keep(pending_.next(), piece->text);
        out.emit_tracked(pending_.add(line), piece->text);
        ++emitted;
    }
    lines_read_->add(emitted);
    return emitted;
}

/// The cutter has nothing left: gives it more. False: there is none, now or at all.
bool FileLines::read_more(storm::SpoutCollector& out) {
    if (unit_ended_) {
        unit_ = input_->unit();
        cutter_->start(0);
        unit_ended_ = false;
    }
    const Input::Read read = input_->read(cutter_->room());
    switch (read.kind) {
        case Input::Kind::kBytes:
            cutter_->filled(read.bytes);
            break;
        case Input::Kind::kUnitEnds:
            cutter_->end();
            unit_ended_ = true;
            break;
        case Input::Kind::kEnds:
            all_read_ = true;
            break;
        case Input::Kind::kLater:
            break;
    }
    if (cutter_->words_cut() > words_cut_) {
        words_cut_ = cutter_->words_cut();
        out.report_error("a word is longer than topology.max.tuple.bytes; it is counted in parts");
    }
    return read.kind == Input::Kind::kBytes || read.kind == Input::Kind::kUnitEnds;
}

/// There was nothing to emit. Waits until that may have changed.
void FileLines::wait(Clock::time_point now) {
    if (all_read_) return;
    // Acks come between two calls: while some are due, a call must not take long.
    const milliseconds longest = pending_.empty() ? kWaitMax : kWaitForAcksMax;
    auto held_back = std::chrono::ceil<milliseconds>(retry_at_ - now);
    if (rate_)
        held_back = std::max(held_back, std::chrono::ceil<milliseconds>(rate_->until_next()));
    if (held_back > milliseconds(0)) {
        ::poll(nullptr, 0, static_cast<int>(std::min(longest, held_back).count()));
    } else {
        input_->wait(longest);
    }
}

void FileLines::ack(storm::MessageId id) {
    pending_.acked(id);
    if (!input_->rereadable()) kept_.release(pending_.oldest());
}

void FileLines::fail(storm::MessageId id, storm::FailReason) {
    pending_.failed(id);
}

void FileLines::deactivate() {
    save_place(Clock::now());
}

void FileLines::close() {
    if (input_ != nullptr) save_place(Clock::now());
}

void FileLines::show(Clock::time_point now) {
    shown_at_ = now;
    context_->set_status(with_commas(lines_read_->value()) + " lines, " + input_->status());
}

Place FileLines::place() const {
    if (pending_.empty()) return input_->place(unit_, cutter_->offset());
    const LineAt& oldest = pending_.line(pending_.oldest());
    return input_->place(oldest.unit, oldest.offset);
}

/// Writes the place if it has changed. The first time is after the first ack: then every task of
/// `count` has written its own file.
void FileLines::save_place(Clock::time_point now) {
    if (settings_.progress.empty()) return;
    saved_at_ = now;
    Place done = place();
    if (done == saved_) return;
    try {
        save_progress(settings_.progress, identity_of(settings_), done);
        saved_ = std::move(done);
    } catch (const FileError& error) {
        context_->log_error(error.what());
        saved_at_ = now + kRetryAfter;
    }
}

}  // namespace word_count
