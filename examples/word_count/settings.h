// The settings of word-count, read from the configuration and checked against each other.
//
//     -c input=FILE|DIR|-   what to read; "-" is standard input
//     -c repeat=N           read the files N times
//     -c output=FILE        write the result there and not to standard output
//     -c progress=FILE      keep there how far it is; a restarted run goes on from it
//     -c follow=true        do not end with the file but wait for more, as `tail -F` does
//     -c rate=LINES_PER_S   read no faster
//     -c parallelism=N      executors for each of split and count
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <storm/config.h>

namespace word_count {

struct Settings {
    std::string input{};
    std::uint64_t repeat = 1;
    std::string output{};    ///< Empty: standard output.
    std::string progress{};  ///< Empty: none is kept.
    bool follow = false;
    std::optional<double> lines_per_s{};
    int parallelism = 2;
};

/// Throws storm::ConfigError: a setting is missing or wrong, or two of them do not go together.
Settings read_settings(const storm::Config& config);

}  // namespace word_count
