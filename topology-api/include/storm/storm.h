// The whole public API. A topology is a program of its own; here is a complete one, which counts
// the words of its standard input:
//
//     #include <iostream>
//     #include <map>
//     #include <sstream>
//     #include <string>
//
//     #include <storm/storm.h>
//
//     class Lines final : public storm::Spout {  // Where tuples come from.
//     public:
//         void declare_outputs(storm::Outputs& outputs) const override {
//             outputs.stream({"line"});
//         }
//         storm::Next next_tuple(storm::SpoutCollector& out) override {
//             std::string line;
//             if (!std::getline(std::cin, line)) {
//                 out.finished();
//                 return storm::Next::kIdle;
//             }
//             out.emit(line);
//             return storm::Next::kEmitted;
//         }
//     };
//
//     class Split final : public storm::BasicBolt {  // What is done with them.
//     public:
//         void declare_outputs(storm::Outputs& outputs) const override {
//             outputs.stream({"word"});
//         }
//         void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
//             std::istringstream words{std::string(input.string("line"))};
//             for (std::string word; words >> word;) out.emit(word);
//         }
//     };
//
//     class Count final : public storm::BasicBolt {
//     public:
//         void execute(const storm::Tuple& input, storm::BasicCollector&) override {
//             ++counts_[std::string(input.string("word"))];
//         }
//         void finish(storm::BasicCollector&) override {
//             for (const auto& [word, count] : counts_)
//                 std::cout << word + ' ' + std::to_string(count) + '\n';
//         }
//
//     private:
//         std::map<std::string, int> counts_;  // Each task has its own object: no lock.
//     };
//
//     storm::Topology word_count(const storm::Config&) {
//         storm::TopologyBuilder t;
//         t.spout<Lines>("lines").blocking();
//         t.bolt<Split>("split").parallelism(2).shuffle("lines");
//         t.bolt<Count>("count").parallelism(2).fields("split", {"word"});
//         return t.build();
//     }
//
//     STORM_TOPOLOGY_MAIN(word_count)
//
// In the comments of these headers an indented block is code, and a test compiles it; the lines of
// tables and drawings start with `|`. Examples of other headers use Lines, Split and Count above.
#pragma once

#include <storm/bolt.h>              // IWYU pragma: export
#include <storm/collector.h>         // IWYU pragma: export
#include <storm/config.h>            // IWYU pragma: export
#include <storm/context.h>           // IWYU pragma: export
#include <storm/errors.h>            // IWYU pragma: export
#include <storm/grouping.h>          // IWYU pragma: export
#include <storm/run.h>               // IWYU pragma: export
#include <storm/spout.h>             // IWYU pragma: export
#include <storm/topology.h>          // IWYU pragma: export
#include <storm/topology_builder.h>  // IWYU pragma: export
#include <storm/tuple.h>             // IWYU pragma: export
#include <storm/value.h>             // IWYU pragma: export
