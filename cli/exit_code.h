// Exit codes of `storm`. Scripts rely on the numbers.
#pragma once

namespace storm::cli {

enum class ExitCode : int {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kNotFound = 3,
    kConflict = 4,  ///< It exists already, or is in another state.
    kUnreachable = 5,
    kDenied = 6
};

}  // namespace storm::cli
