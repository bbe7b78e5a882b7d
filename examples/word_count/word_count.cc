// Counts words: the program `word-count`. README.md beside it shows what can be done with it.
//
//     lines --shuffle--> split --by word--> count --global--> report
//                                                 ---top----->
//
// Every line is tracked: it counts as done when all its words are counted, and is emitted again if
// one is not.

#include <storm/storm.h>

#include "count_words.h"
#include "file_lines.h"
#include "report.h"
#include "settings.h"
#include "split_sentence.h"

namespace {

storm::Topology word_count_topology(const storm::Config& config) {
    const word_count::Settings settings = word_count::read_settings(config);
    storm::TopologyBuilder t;

    // tasks(): an input is read by one, whatever topology.tasks says; so too below.
    auto& lines = t.spout<word_count::FileLines>("lines", settings).tasks(1).blocking();
    t.bolt<word_count::SplitSentence>("split").parallelism(settings.parallelism).shuffle("lines");

    if (settings.progress.empty()) {
        t.bolt<word_count::CountWords>("count")
            .parallelism(settings.parallelism)
            .tick(storm::Milliseconds(1000))
            .fields("split", {"word"});
    } else {
        // It writes and syncs files, so it gets threads of its own; and it acks late, so the lines
        // that may wait for that are bounded.
        t.bolt<word_count::SavedCountWords>("count", settings)
            .parallelism(settings.parallelism)
            .tasks(settings.parallelism)  // Each has a file.
            .blocking()
            .tick(storm::Milliseconds(100))
            .fields("split", {"word"});
        if (!config.entries().contains("topology.max.spout.pending")) {
            lines.set("topology.max.spout.pending", "20000");
        }
    }

    // Writing the result takes its time.
    t.bolt<word_count::Report>("report", settings.output)
        .tasks(1)
        .blocking()
        .global("count")
        .global("count", "top");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(word_count_topology)
