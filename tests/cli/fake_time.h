// Time for tests of commands that wait: it goes on only while they do.
#pragma once

#include "cli/patience.h"

namespace storm::cli {

class FakeTime final : public base::Clock {
public:
    base::Micros now() const override { return now_; }
    Patience patience() {
        return {*this, [this](std::chrono::milliseconds pause) {
                    now_ += pause.count() * base::kMicrosPerMilli;
                }};
    }

private:
    base::Micros now_ = 0;
};

}  // namespace storm::cli
