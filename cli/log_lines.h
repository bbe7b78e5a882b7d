// The lines of one growing log, and the order of the lines of several logs.
//
// Threads: plain values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace storm::cli {

struct LogLine {
    std::string time;  ///< From the line, or else from the last line of its log that has one.
    std::string text;  ///< Ends with a line feed.
};

/// Returns whole lines only, and the unfinished last line at the end.
class LogLines {
public:
    explicit LogLines(std::string prefix, bool clean = false)
        : prefix_(std::move(prefix)), clean_(clean) {}

    /// `at_start`: false if the bytes may begin within a line; its rest is skipped.
    void take(const std::string& bytes, bool at_start, std::vector<LogLine>& lines);
    /// The rest without a line feed.
    void take_rest(std::vector<LogLine>& lines);

private:
    void add_(std::string_view line, std::vector<LogLine>& lines);

    std::string prefix_;
    bool clean_;
    std::string partial_;
    std::string time_;
};

/// The text of all lines in the order of their times. Lines of one log keep their order.
std::string in_order_of_time(std::vector<LogLine> lines);

}  // namespace storm::cli
