// The setting storm.log.level.
//
// Threads: a pure function.
#pragma once

#include <storm/config.h>

#include "base/log.h"

namespace storm::worker {

inline base::LogLevel log_level(const Config& config) {
    const std::string level = config.string("storm.log.level");
    if (level == "debug") return base::LogLevel::kDebug;
    if (level == "warn") return base::LogLevel::kWarn;
    if (level == "error") return base::LogLevel::kError;
    return base::LogLevel::kInfo;
}

}  // namespace storm::worker
