// Spreads events evenly over time: no more than so many each second.
//
// Time:    comes in with available().
// Threads: one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace word_count {

class RateLimit {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Seconds = std::chrono::duration<double>;

    explicit RateLimit(double per_s) : per_s_(per_s), most_(std::max(1.0, per_s * 0.05)) {}

    /// How many may happen at `now`. Time in which none was wanted counts for at most 50 ms.
    std::size_t available(Time now) {
        if (started_) due_ = std::min(most_, due_ + per_s_ * Seconds(now - since_).count());
        started_ = true;
        since_ = now;
        return static_cast<std::size_t>(due_);
    }
    void took(std::size_t events) { due_ -= static_cast<double>(events); }
    /// From the last available() until one may happen.
    Seconds until_next() const { return Seconds(std::max(0.0, 1 - due_) / per_s_); }

private:
    const double per_s_;
    const double most_;
    double due_ = 1;  // How many may happen at since_.
    bool started_ = false;
    Time since_{};
};

}  // namespace word_count
