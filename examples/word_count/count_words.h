// The bolt `count`: how often each word came. One task counts all occurrences of a word, thanks to
// the fields grouping. It emits what it has counted when all lines have ended, and before that its
// most frequent words, for the live status.
//
//     default   (word, count)   in finish()
//     top       (words)         on a tick, at most once a second: a list word, count, word, count …
//
// CountWords counts in memory. SavedCountWords acks a word only when its count is on disk, so that
// a run which is killed can go on later without missing one.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include <storm/bolt.h>

#include "saved_files.h"
#include "settings.h"
#include "word_table.h"

namespace word_count {

/// Says when to look for the most frequent words: not more often than each second, and with many
/// words not so often that it takes over 2 % of the time.
class TopWords {
public:
    /// A list word, count, word, count …; nothing if it is not time yet.
    std::optional<storm::Value> due(const WordTable& counts);

private:
    std::chrono::steady_clock::time_point next_;
};

class CountWords final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override;
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override;
    void finish(storm::BasicCollector& out) override;

private:
    WordTable counts_;
    TopWords top_;
};

class SavedCountWords final : public storm::Bolt {
public:
    explicit SavedCountWords(Settings settings) : settings_(std::move(settings)) {}

    void declare_outputs(storm::Outputs& outputs) const override;
    void prepare(const storm::TaskContext& context, storm::BoltCollector& out) override;
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override;
    void finish(storm::BoltCollector& out) override;

private:
    void save(storm::BoltCollector& out);

    const Settings settings_;
    RunIdentity run_;
    int index_ = 0;
    WordTable counts_;
    TopWords top_;
    std::vector<storm::Kept> unsaved_;  // Counted, but not in the file yet.
};

}  // namespace word_count
