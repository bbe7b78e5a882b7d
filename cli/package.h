// Finds the CMake package of the Storm that a running program belongs to.
//
// Threads: pure functions, except that they check which files exist.
#pragma once

#include <filesystem>
#include <string>

namespace storm::cli {

/// The argument that cmake needs, for the program `executable`: none if cmake finds Storm by
/// itself, `-DCMAKE_PREFIX_PATH=…` for another place of installation, `-DStorm_DIR=…` for a build
/// folder. Throws std::runtime_error if there is no package beside the program.
std::string cmake_option_for(const std::filesystem::path& executable);

/// The script that starts a cluster on this machine, for the program `executable`: `PREFIX/share/
/// storm/tools/cluster.sh` if it is installed there, else `tools/cluster.sh`, in the sources.
std::string cluster_script_for(const std::filesystem::path& executable);

/// Path of the program that this process runs.
std::filesystem::path this_executable();

}  // namespace storm::cli
