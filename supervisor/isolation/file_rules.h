// Rules of Landlock: which files a process and all it starts may use, whoever they belong to.
//
// Even without a rule about files they part processes: one that has rules cannot trace another one
// that has not the same, nor send it signals (kernel 6.12).
//
// Threads: any. Directories above secret files are read.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace storm::supervisor {

/// Of this kernel; 0: it has none. From 2 on they can be used without harm.
int file_rules_version();

struct FileRules {
    /// False: about no file. What follows is for true.
    bool about_files = false;
    std::vector<std::string> writable;  ///< With all below; those that are missing are left out.
    /// Neither read nor written, though below `writable`, unless `own` is nearer.
    std::vector<std::string> secret;
    std::string own;  ///< Read and written.
};
/// A descriptor for landlock_restrict_self(). A file that is made later in a directory that has
/// something secret below is out of reach.
base::Result<base::Descriptor> make_file_rules(const FileRules& wanted);

}  // namespace storm::supervisor
