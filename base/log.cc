#include "base/log.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace storm::base {
namespace {

spdlog::logger& logger() {
    static spdlog::logger stderr_logger = [] {
        spdlog::logger made("storm", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made.set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
        // A process that is killed has said all that it logged.
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

bool is_control(char letter) {
    return static_cast<unsigned char>(letter) < ' ' || letter == '\x7f';
}

bool must_be_quoted(char letter) {
    return is_control(letter) || std::string_view(" \"=\\").find(letter) != std::string_view::npos;
}

/// Longer texts are cut.
constexpr std::size_t kTextBytesMax = 8 * 1024;

/// The part of a long text that is logged; never splits a UTF-8 character.
std::string_view beginning_of(std::string_view text) {
    std::size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

/// Escapes a text of unknown origin, so that it can neither start a line of its own, nor fill a
/// disk with one, nor send control sequences to a terminal.
std::string on_one_line(std::string_view text, std::string_view escaped) {
    if (text.size() > kTextBytesMax) {
        const std::string_view kept = beginning_of(text);
        return on_one_line(kept, escaped) + " … (" + std::to_string(text.size() - kept.size()) +
               " bytes more)";
    }
    std::string line;
    for (const char letter : text) {
        if (letter == '\n') {
            line += "\\n";
        } else if (letter == '\t') {
            line += '\t';
        } else if (is_control(letter)) {
            constexpr char kHex[] = "0123456789abcdef";
            const auto code = static_cast<unsigned char>(letter);
            line.append("\\x").append({kHex[code >> 4], kHex[code & 15]});
        } else {
            if (escaped.find(letter) != std::string_view::npos) line += '\\';
            line += letter;
        }
    }
    return line;
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
    std::string line = on_one_line(message, "");
    for (const Field& field : fields) {
        line.append(" ").append(field.key).append("=");
        const bool plain = !field.value.empty() && field.value.size() <= kTextBytesMax &&
                           std::none_of(field.value.begin(), field.value.end(), must_be_quoted);
        line += plain ? std::string(field.value) : '"' + on_one_line(field.value, "\"\\") + '"';
    }
    logger().log(spdlog_level(level), "{}", line);
}

/// Counts whole intervals only, and forgets the rest: it admits too few rather than too many.
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
