// The files that a topology consists of, as they are uploaded: named by what is in them.
//
// Threads: pure functions, but for reading the files.
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

/// The program first, then `files`. Throws Failure: two of one name, or a file that cannot be read.
std::vector<LocalArtifact> artifacts_of(const std::string& program,
                                        const std::vector<std::string>& files);

/// As Nimbus takes them.
Json to_json(const std::vector<LocalArtifact>& artifacts);

}  // namespace storm::cli
