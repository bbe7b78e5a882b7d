#include "cli/package.h"

#include <stdexcept>
#include <system_error>

namespace storm::cli {
namespace {

namespace fs = std::filesystem;

/// Quoted so that a shell reads one word.
std::string quoted_for_shell(const std::string& text) {
    if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "/._-+=,:@%") == std::string::npos) {
        return text;
    }
    std::string quoted = "'";
    for (const char letter : text) {
        if (letter == '\'') {
            quoted += "'\\''";
        } else {
            quoted += letter;
        }
    }
    return quoted + "'";
}

}  // namespace

std::string cmake_option_for(const fs::path& executable) {
    const fs::path prefix = executable.parent_path().parent_path();
    if (fs::exists(prefix / STORM_PACKAGE_DIR / "StormConfig.cmake")) {
        if (prefix == "/usr" || prefix == "/usr/local") return "";
        return quoted_for_shell("-DCMAKE_PREFIX_PATH=" + prefix.string());
    }
    if (fs::exists(prefix / "StormConfig.cmake") && fs::exists(prefix / "storm-targets.cmake")) {
        return quoted_for_shell("-DStorm_DIR=" + prefix.string());
    }
    throw std::runtime_error("cannot find the CMake package that belongs to \"" +
                             executable.string() +
                             "\"; install Storm: cmake --install BUILD-FOLDER");
}

std::string cluster_script_for(const fs::path& executable) {
    const fs::path installed =
        executable.parent_path().parent_path() / STORM_DATA_DIR / "tools/cluster.sh";
    std::error_code error;
    return fs::exists(installed, error) ? installed.string() : "tools/cluster.sh";
}

fs::path this_executable() {
    return fs::read_symlink("/proc/self/exe");
}

}  // namespace storm::cli
