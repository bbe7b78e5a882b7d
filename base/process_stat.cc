#include "base/process_stat.h"

#include <charconv>
#include <system_error>

namespace storm::base {
namespace {

template <typename Number>
std::optional<Number> number_at(std::string_view text, std::size_t at) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    return number;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view line) {
    // Numbers as in proc(5); the first two are the pid, and the name in parentheses, which may hold
    // anything, so the third begins behind the last parenthesis.
    constexpr std::size_t kState = 3, kParent = 4, kSession = 6, kStartTime = 22;
    std::size_t at = line.rfind(") ");
    if (at == std::string_view::npos || at + 2 >= line.size()) return std::nullopt;
    at += 2;
    ProcessStat found;
    found.state = line[at];
    for (std::size_t field = kState + 1; field <= kStartTime; ++field) {
        at = line.find(' ', at);
        if (at == std::string_view::npos) return std::nullopt;
        ++at;
        if (field == kParent) found.parent = number_at<pid_t>(line, at).value_or(0);
        if (field == kSession) found.session = number_at<pid_t>(line, at).value_or(0);
    }
    const auto start_time = number_at<std::uint64_t>(line, at);
    if (!start_time) return std::nullopt;
    found.start_time = *start_time;
    return found;
}

}  // namespace storm::base
