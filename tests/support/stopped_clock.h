// A clock that stands until a test moves it.
//
// Threads: any.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace storm::testing {

class StoppedClock final : public base::Clock {
public:
    base::Micros now() const override { return now_; }
    void advance(base::Micros by) { now_ += by; }

private:
    std::atomic<base::Micros> now_ = 1'000 * base::kMicrosPerSecond;
};

}  // namespace storm::testing
