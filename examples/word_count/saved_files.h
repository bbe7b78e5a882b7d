// Files on disk: the result and, with `progress=FILE`, how far the input is done and the counts so
// far.
//
//     FILE                 written by `lines`: everything before this place is in the counts below
//     FILE.counts-<index>  written by the tasks of `count`, before they ack what they counted
//
// A file is replaced as a whole: written beside, synced, renamed. So it is there in its old or its
// new form, whenever the program dies. It starts with the settings that it belongs to.
//
// Errors:  FileError when a file cannot be read or written. A std::runtime_error when it does not
//          belong to this run; it says what the user can do.
// Threads: one for each file.
// Cost:    writing takes two fsync(): some ms on a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "file_descriptor.h"
#include "input.h"
#include "settings.h"
#include "word_table.h"

namespace word_count {

/// A file that appears when it is complete.
class ReplacedFile {
public:
    /// Opens a file beside `path`, so that it is known now whether it can be written. What is no
    /// regular file, such as /dev/stdout, is written itself.
    explicit ReplacedFile(const std::string& path);
    ReplacedFile(const ReplacedFile&) = delete;
    ReplacedFile& operator=(const ReplacedFile&) = delete;
    ~ReplacedFile();

    void write(std::string_view bytes) { file_.write_all(bytes); }
    /// Gives the file its name. Once.
    void commit();

private:
    std::string path_;
    std::string written_path_;
    FileDescriptor file_;
    bool is_replacement_ = true;
    bool committed_ = false;
};

/// Settings that a run must share with an earlier one to continue it.
struct RunIdentity {
    std::string input;  ///< Absolute.
    std::uint64_t repeat = 1;
    int parallelism = 1;
    bool follow = false;
};
RunIdentity identity_of(const Settings& settings);

void save_progress(const std::string& path, const RunIdentity& run, const Place& place);
/// Nothing: there is no such file.
std::optional<Place> load_progress(const std::string& path, const RunIdentity& run);

/// The counts of the task `index`, for the progress file `progress`.
void save_counts(const std::string& progress, const RunIdentity& run, int index,
                 const WordTable& counts);
/// Empty when there is no progress either: whatever was counted before is counted again then.
WordTable load_counts(const std::string& progress, const RunIdentity& run, int index);

}  // namespace word_count
