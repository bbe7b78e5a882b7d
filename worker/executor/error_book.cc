#include "worker/executor/error_book.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace storm::worker {

/// Its entry moves to the end, so that the one that has not come for longest is the first to go.
ErrorBook::Entry& ErrorBook::entry_of(std::vector<Entry>& entries, std::string_view what) {
    const auto found = std::find_if(entries.begin(), entries.end(), [what](const Entry& entry) {
        return entry.error.text == what;
    });
    if (found != entries.end()) {
        std::rotate(found, found + 1, entries.end());
    } else {
        if (entries.size() == kErrorsKept) entries.erase(entries.begin());
        entries.push_back({{std::string(what)}});
    }
    return entries.back();
}

void ErrorBook::report(std::size_t component, TaskId task, std::string_view what) {
    std::uint64_t held_back = 0, count = 0;
    {
        const std::lock_guard lock(mutex_);
        Errors& errors = errors_[component];
        Entry& entry = entry_of(errors.last, what);
        count = ++entry.error.count;
        entry.error.task = static_cast<std::uint32_t>(task);
        const base::Micros now = clock_.now();
        if (count > 1 && now - entry.logged < kErrorRepeatMicros) return;
        entry.logged = now;
        if (!errors.limit.admit(now, held_back)) return;
    }
    // Logged without the lock: the log may be a pipe that nobody reads, and the executors of all
    // components report here.
    const std::string& id = wiring_.topology.components()[component].id;
    std::string text(what);
    if (count > 1) text += " (" + std::to_string(count) + " times so far)";
    if (held_back == 0) {
        base::log::error(text, {{"component", id}, {"task", task}});
    } else {
        base::log::error(
            text,
            {{"component", id}, {"task", task}, {"more", static_cast<std::int64_t>(held_back)}});
    }
}

std::vector<cluster::ReportedError> ErrorBook::last(std::size_t component) const {
    const std::lock_guard lock(mutex_);
    std::vector<cluster::ReportedError> all;
    for (const Entry& entry : errors_[component].last) all.push_back(entry.error);
    return all;
}

}  // namespace storm::worker
