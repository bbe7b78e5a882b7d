#include "supervisor/log_keeper.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"

namespace storm::supervisor {

void LogKeeper::began(std::string folder, std::uint64_t stderr_bytes) {
    folder_ = std::move(folder);
    stderr_begin_ = stderr_bytes;
    runs_ = true;
}

/// At each report of the worker, and again soon while a log grows fast: nothing watches the files.
void LogKeeper::look() {
    if (looking_ || folder_.empty()) return;
    looking_ = files_.run(
        [folder = folder_] {
            return std::pair(file_size(folder + "/stdout"), file_size(folder + "/stderr"));
        },
        lifetime_.guard([this, folder = folder_](std::pair<std::uint64_t, std::uint64_t> bytes) {
            STORM_CHECK(looking_, "one look is under way at a time");
            looking_ = false;
            saw_(folder, bytes.first, bytes.second);
        }));
}

void LogKeeper::saw_(const std::string& folder, std::uint64_t out_bytes, std::uint64_t err_bytes) {
    constexpr std::uint64_t kFull = kLogBytesMax / 5 * 4;
    // The larger one first: stdout that fills between two looks must not keep stderr waiting.
    if (std::max(out_bytes, err_bytes) > kFull && rotating_ == 0)
        rotate_(folder, err_bytes > out_bytes);
    const std::uint64_t bytes = out_bytes + err_bytes;
    const bool grows_fast = bytes > bytes_ + kFastLogBytes;
    bytes_ = bytes;
    // Looks again soon only while it matters: a log that fills a disk, or a rotation that is under
    // way.
    if (!runs_ || looks_again_ || (!grows_fast && rotating_ == 0)) return;
    looks_again_ = true;
    loop_.after(kFastLogMicros, lifetime_.guard([this] {
        looks_again_ = false;
        look();
    }));
}

void LogKeeper::rotate_(const std::string& folder, bool is_stderr) {
    const std::string path = folder + (is_stderr ? "/stderr" : "/stdout");
    ++rotating_;
    const bool taken =
        files_.run([path] { return rotate(path, kLogBytesMax, kOldLogs); },
                   lifetime_.guard([this, is_stderr](const base::Result<base::Done>& done) {
                       STORM_CHECK(rotating_ > 0, "each rotation ends once");
                       --rotating_;
                       bytes_ = 0;
                       // It begins anew, so an offset into the former one means nothing.
                       if (is_stderr && done) stderr_begin_ = 0;
                       if (!done)
                           base::log::warn("cannot rotate a log", {{"why", done.error().message}});
                   }));
    if (!taken) --rotating_;
}

}  // namespace storm::supervisor
