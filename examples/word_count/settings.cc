#include "settings.h"

#include <storm/errors.h>

namespace word_count {
namespace {

using storm::ConfigError;

constexpr std::int64_t kParallelismMax = 1000;

std::int64_t number_in(const storm::Config& config, const char* key, std::int64_t fallback,
                       std::int64_t most) {
    const std::int64_t number = config.int64(key, fallback);
    if (number < 1 || number > most) {
        throw ConfigError(std::string("setting \"") + key + "\" is " + std::to_string(number) +
                          ", and must be from 1 to " + std::to_string(most));
    }
    return number;
}

/// Neither empty nor missing, if it is given at all.
std::string file_in(const storm::Config& config, const char* key) {
    if (!config.has(key)) return "";
    std::string file = config.string(key);
    if (file.empty()) {
        throw ConfigError(std::string("setting \"") + key + "\" is empty, and must name a file");
    }
    return file;
}

std::string input_in(const storm::Config& config) {
    try {
        static_cast<void>(config.string("input"));
    } catch (const ConfigError& error) {
        throw ConfigError(error.what() +
                          std::string("; it is a file, a directory, or - for standard input"));
    }
    return file_in(config, "input");
}

void refuse_together(bool together, const char* first, const char* second, const char* why) {
    if (!together) return;
    throw ConfigError(std::string("settings \"") + first + "\" and \"" + second +
                      "\" do not go together: " + why);
}

}  // namespace

Settings read_settings(const storm::Config& config) {
    Settings settings;
    settings.input = input_in(config);
    settings.repeat = static_cast<std::uint64_t>(number_in(config, "repeat", 1, 1'000'000'000));
    settings.output = file_in(config, "output");
    settings.progress = file_in(config, "progress");
    settings.follow = config.boolean("follow", false);
    settings.parallelism = static_cast<int>(number_in(config, "parallelism", 2, kParallelismMax));
    if (config.has("rate")) {
        settings.lines_per_s = config.real("rate");
        if (!(*settings.lines_per_s > 0 && *settings.lines_per_s <= 1e9)) {
            throw ConfigError("setting \"rate\" is " + config.string("rate") +
                              ", and must be a number of lines per second over 0");
        }
    }

    const bool from_stdin = settings.input == "-";
    const char* const once = "standard input can be read once only";
    refuse_together(from_stdin && settings.repeat > 1, "input=-", "repeat", once);
    refuse_together(from_stdin && !settings.progress.empty(), "input=-", "progress", once);
    refuse_together(from_stdin && settings.follow, "input=-", "follow",
                    "standard input is read until it is closed anyway");
    refuse_together(settings.follow && settings.repeat > 1, "follow", "repeat",
                    "a file that is followed has no end");
    refuse_together(!settings.progress.empty() && config.int64("topology.acker.executors") == 0,
                    "progress", "topology.acker.executors=0",
                    "without tracking it is not known which lines are done");
    refuse_together(!settings.progress.empty() && settings.progress == settings.output, "progress",
                    "output", "they name the same file");
    return settings;
}

}  // namespace word_count
