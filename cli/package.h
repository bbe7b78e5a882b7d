// Where CMake finds the Storm that a running program belongs to.
//
// Threads: pure, but for looking at which files exist.
#pragma once

#include <filesystem>
#include <string>

namespace storm::cli {

/// What to give to cmake, for the program `executable`: nothing where it looks by itself,
/// `-DCMAKE_PREFIX_PATH=…` for another place of installation, `-DStorm_DIR=…` for a build folder.
/// Throws std::runtime_error when there is no package beside the program.
std::string cmake_option_for(const std::filesystem::path& executable);

/// The program that this process runs.
std::filesystem::path this_executable();

}  // namespace storm::cli
