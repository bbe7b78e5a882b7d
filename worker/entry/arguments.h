// The command line of a topology's program.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace storm::worker {

struct Arguments {
    enum class Mode : std::uint8_t { kRun, kExplain, kDescribe, kHelp, kVersion, kWorker };

    Mode mode = Mode::kRun;
    std::vector<std::string> config_files;
    std::vector<std::string> assignments;  ///< Values of -c, as given.
    std::optional<std::uint16_t> metrics_port;
};

/// `arguments` does not include the program's name. An error says what to write instead.
base::Result<Arguments> parse_arguments(std::vector<std::string> arguments);

/// The text of --help.
std::string help_text(const std::string& program);

}  // namespace storm::worker
