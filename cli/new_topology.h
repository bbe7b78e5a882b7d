// `storm new NAME`: makes the folder of a new topology, ready to build, run and test.
//
// Threads: one.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"

namespace storm::cli {

/// The fault of a topology's name, with a hint; nothing: none.
std::optional<std::string> mistake_in_name(std::string_view name);

struct NewFile {
    std::string name;
    std::string content;
    std::string_view purpose;
};
/// REQUIRES: `name` has no fault.
std::vector<NewFile> files_of_topology(std::string_view name);

/// Makes the folder `name` in `parent`, and prints on `out` what to do next, or on `err` why it
/// failed. `cmake_option` is what cmake needs to find Storm; it may be empty.
struct NewTopology {
    std::string name;
    std::filesystem::path parent;
    std::string cmake_option;
};
ExitCode make_topology(const NewTopology& topology, std::ostream& out, std::ostream& err);

}  // namespace storm::cli
