#include "base/log.h"

#include <algorithm>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace storm::base {
namespace {

spdlog::logger& logger() {
    static spdlog::logger stderr_logger = [] {
        spdlog::logger made("storm", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made.set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
        made.flush_on(spdlog::level::trace);
        return made;
    }();
    return stderr_logger;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

LogLevel log::level_named(std::string_view name) {
    if (name == "debug") return LogLevel::kDebug;
    if (name == "warn") return LogLevel::kWarn;
    if (name == "error") return LogLevel::kError;
    return LogLevel::kInfo;
}

void log::set_level(LogLevel level) {
    logger().set_level(spdlog_level(level));
}

void log::write(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
    std::string line(message);
    for (const Field& field : fields) {
        line.append(" ").append(field.key).append("=");
        const bool plain =
            !field.value.empty() && field.value.find_first_of(" \"=\n") == std::string::npos;
        line += plain ? field.value : '"' + field.value + '"';
    }
    logger().log(spdlog_level(level), "{}", line);
}

bool RateLimit::admit(Micros now, std::uint64_t& held_back) {
    if (now - refilled_ >= interval_) {
        const auto earned = static_cast<std::uint64_t>((now - refilled_) / interval_);
        left_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(burst_, left_ + earned));
        refilled_ = now;
    }
    if (left_ == 0) {
        ++held_back_;
        return false;
    }
    --left_;
    held_back = held_back_;
    held_back_ = 0;
    return true;
}

}  // namespace storm::base
