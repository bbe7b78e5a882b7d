// Time for commands that wait: real in main(), controlled in tests.
#pragma once

#include <chrono>
#include <functional>

#include "base/clock.h"

namespace storm::cli {

struct Patience {
    const base::Clock& clock;
    std::function<void(std::chrono::milliseconds)> pause;
};

}  // namespace storm::cli
