#include "cli/log_lines.h"

#include <algorithm>

#include "cli/terminal.h"

namespace storm::cli {
namespace {

constexpr std::string_view kTime = "0000-00-00T00:00:00.000";  // As base/log.h writes it.

/// Empty if the line has none: it goes on with the line before, or user code has printed it.
std::string_view time_of(std::string_view line) {
    if (line.size() < kTime.size()) return {};
    for (std::size_t i = 0; i < kTime.size(); ++i) {
        const bool is_digit = line[i] >= '0' && line[i] <= '9';
        if (kTime[i] == '0' ? !is_digit : line[i] != kTime[i]) return {};
    }
    return line.substr(0, kTime.size());
}

}  // namespace

void LogLines::take(const std::string& bytes, bool at_start, std::vector<LogLine>& lines) {
    std::string_view fresh = bytes;
    // The end of a line that begins before is left out.
    if (!at_start && !fresh.empty())
        fresh.remove_prefix(std::min(fresh.find('\n'), fresh.size() - 1) + 1);
    partial_ += fresh;
    std::size_t from = 0;
    for (std::size_t end; (end = partial_.find('\n', from)) != std::string::npos; from = end + 1) {
        add_(std::string_view(partial_).substr(from, end - from), lines);
    }
    partial_.erase(0, from);
}

void LogLines::take_rest(std::vector<LogLine>& lines) {
    if (!partial_.empty()) add_(std::exchange(partial_, {}), lines);
}

void LogLines::add_(std::string_view line, std::vector<LogLine>& lines) {
    if (const std::string_view time = time_of(line); !time.empty()) time_ = time;
    lines.push_back({time_, prefix_ + (clean_ ? printable(line) : std::string(line)) + '\n'});
}

std::string in_order_of_time(std::vector<LogLine> lines) {
    // Stable: lines without a time have that of the line before them in their log, and stay behind
    // it.
    std::stable_sort(lines.begin(), lines.end(),
                     [](const LogLine& a, const LogLine& b) { return a.time < b.time; });
    std::string text;
    for (const LogLine& line : lines) text += line.text;
    return text;
}

}  // namespace storm::cli
