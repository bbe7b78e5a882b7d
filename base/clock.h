// Time, as the program sees it: injected, so that tests and simulation can hold it.
//
// Threads: now() from any thread.
// Cost:    SteadyClock: 24 ns. Read it once per loop turn or batch and pass the value on.
#pragma once

#include <chrono>
#include <cstdint>

namespace storm::base {

/// Microseconds since an arbitrary start; never goes back.
using Micros = std::int64_t;

inline constexpr Micros kMicrosPerMilli = 1'000;
inline constexpr Micros kMicrosPerSecond = 1'000'000;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Micros now() const = 0;
};

class SteadyClock final : public Clock {
public:
    Micros now() const override {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }
};

/// The time of day, which may jump. For times that people read or that must survive a reboot.
class WallClock {
public:
    virtual ~WallClock() = default;
    /// Milliseconds since 1970.
    virtual std::int64_t now_ms() const = 0;
    /// The same, to be compared with times of files.
    std::chrono::system_clock::time_point now() const {
        return std::chrono::system_clock::time_point(std::chrono::milliseconds(now_ms()));
    }
};

class SystemWallClock final : public WallClock {
public:
    std::int64_t now_ms() const override {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
};

}  // namespace storm::base
