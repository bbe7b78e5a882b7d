// The files of a topology for the upload, named by their content.
//
// Threads: pure functions, except that they read the files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/json.h"

namespace storm::cli {

struct LocalArtifact {
    std::string path;
    std::string name;
    std::string sha256;
    std::uint32_t mode = 0;
    std::uint64_t bytes = 0;
};

/// The program first, then `files`. Throws Failure if two have the same name, or one cannot be
/// read.
std::vector<LocalArtifact> artifacts_of(const std::string& program,
                                        const std::vector<std::string>& files);

/// In the form that Nimbus takes.
Json to_json(const std::vector<LocalArtifact>& artifacts);

}  // namespace storm::cli
