// Landlock rules: which files a process and its descendants may use, independent of the files'
// owners.
//
// Rules separate processes even if they allow all files: a process with rules can neither trace a
// process that does not have the same rules nor (from kernel 6.12) send it signals.
//
// Threads: any. Directories above secret files are read.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace storm::supervisor {

/// Version of this kernel's Landlock; 0: none. Usable from 2 on.
int file_rules_version();

struct FileRules {
    /// False: rules allow all files, and the following fields are ignored.
    bool about_files = false;
    /// Writable, with everything below. Missing paths are skipped.
    std::vector<std::string> writable;
    /// Neither readable nor writable, even below `writable`, unless `own` is nearer.
    std::vector<std::string> secret;
    std::string own;  ///< Readable and writable.
};
/// A descriptor for landlock_restrict_self(). In a directory with something secret below it, files
/// that are made later are out of reach.
base::Result<base::Descriptor> make_file_rules(const FileRules& wanted);

}  // namespace storm::supervisor
