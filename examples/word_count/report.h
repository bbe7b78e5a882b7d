// The bolt `report`: puts together what the tasks of `count` found. It has one task.
//
// While the topology runs it shows the most frequent words of the moment. When all has ended it
// writes the result, lines `count<TAB>word`, the most frequent word first.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <storm/bolt.h>

#include "saved_files.h"
#include "word_table.h"

namespace word_count {

class Report final : public storm::BasicBolt {
public:
    /// To the file `output`; empty: to standard output.
    explicit Report(std::string output) : output_(std::move(output)) {}

    void prepare(const storm::TaskContext& context) override;
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override;
    void finish(storm::BasicCollector& out) override;

private:
    void show_top() const;

    const std::string output_;
    std::optional<storm::TaskContext> context_;
    // Opened at the start, so that a run whose result could not be written fails before it counts.
    std::unique_ptr<ReplacedFile> file_;
    std::map<storm::TaskId, std::vector<WordCount>> top_;  // Indexed by task of `count`.
    WordTable counts_;
};

}  // namespace word_count
