// The options of the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <storm/config.h>

namespace storm::bench {

enum class Scenario : std::uint8_t {
    kConstNull,
    kConstIdNull,
    kWordCount,
    kWordCountLoop,
    kFanOut,
    kWide,
    kIdle
};

struct Options {
    std::string scenario_name;
    Scenario scenario = Scenario::kConstNull;
    bool acks = true;
    std::optional<int> parallelism;  // Per component.
    std::optional<int> executors;    // For all components together.
    std::uint32_t workers = 1;       // Processes.
    double rate = 0;                 // Tuples of all spouts a second; 0: as many as possible.
    double seconds = 5;
    std::string text = "zipf";
    std::uint64_t fail_every = 0;  // 0: nothing fails.
    bool with_loop = false;
    bool json = false;
    bool shuffle_lines = false;  // word-count: lines go to any split, not to the nearest.
    Config settings;

    bool counts_words() const {
        return scenario == Scenario::kWordCount || scenario == Scenario::kWordCountLoop;
    }
};

struct ExitCode {
    int code;
};

/// The options; or, when there is nothing to run, what to exit with. Has said why then.
std::variant<Options, ExitCode> parse_options(int argc, char** argv);

}  // namespace storm::bench
