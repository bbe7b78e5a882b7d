// Time, as commands that wait see it: real in main(), held in tests.
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
