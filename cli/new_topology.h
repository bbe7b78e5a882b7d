// `storm new NAME`: the folder of a new topology, ready to be built, run and tested.
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

/// What is wrong with `name` as that of a topology, with a hint. Nothing: nothing is.
std::optional<std::string> mistake_in_name(std::string_view name);

struct NewFile {
    std::string name;
    std::string content;
    std::string_view purpose;
};
/// REQUIRES: no mistake in `name`.
std::vector<NewFile> files_of_topology(std::string_view name);

/// Makes the folder `name` in `parent`, and says on `out` what to do next; on `err` why it could
/// not. `cmake_option` is what cmake needs to find Storm; it may be empty.
struct NewTopology {
    std::string name;
    std::filesystem::path parent;
    std::string cmake_option;
};
ExitCode make_topology(const NewTopology& topology, std::ostream& out, std::ostream& err);

}  // namespace storm::cli
