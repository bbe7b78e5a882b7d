#include "count_words.h"

#include <algorithm>
#include <string>
#include <utility>

#include <storm/topology.h>

namespace word_count {
namespace {

constexpr std::size_t kTopWords = 10;
// If ticks come each second, every tick prints it.
constexpr std::chrono::milliseconds kTopEvery{900};
constexpr int kTopShare = 50;                 // 1 / 2 %
constexpr std::size_t kUnsavedSoon = 50'000;  // Then it saves.
// If saving does not work, what comes beyond fails.
constexpr std::size_t kUnsavedMax = 4 * kUnsavedSoon;

void declare(storm::Outputs& outputs) {
    outputs.stream({{"word", storm::Kind::kString}, {"count", storm::Kind::kInt64}});
    outputs.stream("top", {{"words", storm::Kind::kList}});
}

}  // namespace

std::optional<storm::Value> TopWords::due(const WordTable& counts) {
    const auto start = std::chrono::steady_clock::now();
    if (start < next_) return std::nullopt;
    storm::Value::List list;
    for (WordCount& top : counts.top(kTopWords)) {
        list.emplace_back(std::move(top.word));
        list.emplace_back(top.count);
    }
    const auto end = std::chrono::steady_clock::now();
    next_ =
        end + std::max<std::chrono::steady_clock::duration>(kTopEvery, kTopShare * (end - start));
    return storm::Value(std::move(list));
}

void CountWords::declare_outputs(storm::Outputs& outputs) const {
    declare(outputs);
}

void CountWords::execute(const storm::Tuple& input, storm::BasicCollector& out) {
    if (!input.is_tick()) {
        counts_.add(input.string(0));
    } else if (const auto top = top_.due(counts_)) {
        out.on("top").emit(*top);
    }
}

void CountWords::finish(storm::BasicCollector& out) {
    for (const auto& [word, count] : counts_) out.emit(word, count);
}

void SavedCountWords::declare_outputs(storm::Outputs& outputs) const {
    declare(outputs);
}

void SavedCountWords::prepare(const storm::TaskContext& context, storm::BoltCollector&) {
    run_ = identity_of(settings_);
    index_ = context.index();
    counts_ = load_counts(settings_.progress, run_, index_);
    // Even without counts: a file that is missing later is one that somebody has removed.
    save_counts(settings_.progress, run_, index_, counts_);
}

void SavedCountWords::execute(const storm::Tuple& input, storm::BoltCollector& out) {
    if (input.is_tick()) {
        save(out);
        if (const auto top = top_.due(counts_)) out.on("top").emit_unanchored(*top);
        out.ack(input);
        return;
    }
    if (unsaved_.size() >= kUnsavedMax) {
        out.fail(input, "counts cannot be saved");
        return;
    }
    counts_.add(input.string(0));
    unsaved_.push_back(out.keep(input));
    if (unsaved_.size() % kUnsavedSoon == 0) save(out);
}

void SavedCountWords::save(storm::BoltCollector& out) {
    if (unsaved_.empty()) return;
    try {
        save_counts(settings_.progress, run_, index_, counts_);
    } catch (const FileError& error) {
        out.report_error(error.what());
        return;  // Tried again on the next tick.
    }
    for (storm::Kept& word : unsaved_) out.ack(std::move(word));
    unsaved_.clear();
}

void SavedCountWords::finish(storm::BoltCollector& out) {
    for (const auto& [word, count] : counts_) out.emit_unanchored(word, count);
}

}  // namespace word_count
