#include "worker/executor/error_book.h"

#include <cstdint>

namespace storm::worker {

void ErrorBook::report(std::size_t component, TaskId task, std::string_view what) {
    std::uint64_t held_back = 0;
    {
        const std::lock_guard lock(mutex_);
        Errors& errors = errors_[component];
        if (errors.last.size() == kErrorsKept) errors.last.erase(errors.last.begin());
        errors.last.emplace_back(what);
        if (!errors.limit.admit(clock_.now(), held_back)) return;
    }
    const std::string& id = wiring_.topology.components()[component].id;
    if (held_back == 0) {
        base::log::error(what, {{"component", id}, {"task", task}});
    } else {
        base::log::error(what, {{"component", id},
                                {"task", task},
                                {"like_this", static_cast<std::int64_t>(held_back)}});
    }
}

std::vector<std::string> ErrorBook::last(std::size_t component) const {
    const std::lock_guard lock(mutex_);
    return errors_[component].last;
}

}  // namespace storm::worker
