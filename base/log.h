// Logging to stderr, and a rate limit for messages that user code can repeat endlessly.
//
//     log::info("worker started", {{"topology", id}, {"port", port}});
//
// Threads: any.
// Cost:    microseconds; nothing per tuple is logged.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace storm::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

namespace log {

struct Field {
    Field(std::string_view field_key, std::string_view field_value)
        : key(field_key), value(field_value) {}
    Field(std::string_view field_key, std::int64_t field_value)
        : key(field_key), value(std::to_string(field_value)) {}

    std::string_view key;
    std::string value;
};

/// Takes a value of the setting storm.log.level: "debug", "info", "warn", "error". Anything else is
/// info.
LogLevel level_named(std::string_view name);
/// Lines below this level are dropped. Default: info.
void set_level(LogLevel level);
void write(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kInfo, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kWarn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kError, message, fields);
}

}  // namespace log

/// Lets through a burst, then one in each interval; counts what it held back.
class RateLimit {
public:
    RateLimit(std::uint32_t burst, Micros interval)
        : burst_(burst), interval_(interval), left_(burst) {}

    /// Whether to log now. If so, `held_back` is how many messages were suppressed since the last
    /// one.
    bool admit(Micros now, std::uint64_t& held_back);

private:
    const std::uint32_t burst_;
    const Micros interval_;
    std::uint32_t left_;
    Micros refilled_ = 0;
    std::uint64_t held_back_ = 0;
};

}  // namespace storm::base
