// Task ids as text for messages.
#pragma once

#include <string>

#include <storm/value.h>

namespace storm::worker {

/// "task 4", "tasks 4-6"
inline std::string tasks_text(TaskId first, int count) {
    if (count == 1) return "task " + std::to_string(first);
    return "tasks " + std::to_string(first) + '-' + std::to_string(first + count - 1);
}

}  // namespace storm::worker
