#include "worker/run/status.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "worker/run/limits.h"

namespace storm::worker {
namespace {

using Latencies = std::array<std::uint64_t, LatencyHistogram::kBuckets>;

std::uint64_t emitted_of(const ComponentSnapshot& component) {
    std::uint64_t sum = 0;
    for (const auto& stream : component.streams) sum += stream.emitted;
    return sum;
}

double per_second(std::uint64_t count, base::Micros interval) {
    return interval <= 0
               ? 0
               : static_cast<double>(count) * static_cast<double>(base::kMicrosPerSecond) /
                     static_cast<double>(interval);
}

SpoutStatus spout_between(const ComponentSnapshot& before, const ComponentSnapshot& now,
                          base::Micros interval) {
    SpoutStatus spout{.id = now.id,
                      .emitted = emitted_of(now),
                      .acked = now.acked,
                      .failed = now.failed,
                      .pending = now.pending};
    spout.emitted_per_s = per_second(spout.emitted - emitted_of(before), interval);
    Latencies latencies = now.complete_latency;
    // Counts only grow, and both snapshots are of the same tasks, so nothing wraps.
    for (std::size_t i = 0; i < latencies.size(); ++i) latencies[i] -= before.complete_latency[i];
    spout.p50 = quantile(latencies, 0.5);
    spout.p99 = quantile(latencies, 0.99);
    return spout;
}

/// Control characters in a user's text would move the cursor of a terminal.
std::string one_line(std::string text) {
    for (char& letter : text) {
        if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = ' ';
    }
    return text;
}

std::string rate_text(double per_s) {
    if (per_s >= 100) return with_commas(static_cast<std::uint64_t>(std::llround(per_s))) + "/s";
    return fmt::format("{:.1f}/s", per_s);
}

std::string uptime_text(base::Micros micros) {
    const base::Micros seconds = micros / base::kMicrosPerSecond;
    if (seconds < 60) return fmt::format("{} s", seconds);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string latency_text(base::Micros micros) {
    return micros == 0 ? "-" : duration_text(micros);
}

std::vector<std::string> parts_of(const SpoutStatus& spout) {
    std::vector<std::string> parts = {rate_text(spout.emitted_per_s)};
    if (!spout.tracked()) {
        parts.push_back("emitted " + with_commas(spout.emitted));
        return parts;
    }
    // A narrow terminal cuts off the last parts.
    parts.push_back("p50 " + latency_text(spout.p50));
    parts.push_back("p99 " + latency_text(spout.p99));
    parts.push_back("pending " + with_commas(spout.pending));
    parts.push_back("failed " + with_commas(spout.failed));
    parts.push_back("acked " + with_commas(spout.acked));
    return parts;
}

std::vector<std::string> troubles_of(const Status& status) {
    std::vector<std::string> parts;
    if (status.errors > 0) parts.push_back("errors " + with_commas(status.errors));
    if (status.dropped > 0) parts.push_back("dropped " + with_commas(status.dropped));
    return parts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    return fmt::format("{}", fmt::join(parts, between));
}

/// Cuts between UTF-8 characters, each of which is assumed to take one column.
std::string cut(const std::string& text, std::size_t columns) {
    constexpr std::string_view kMore = "...";
    const auto starts_character = [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    };
    const auto width =
        static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
    if (width <= columns) return text;
    const std::size_t kept = columns > kMore.size() ? columns - kMore.size() : 0;
    std::size_t seen = 0, at = 0;
    for (; at < text.size(); ++at) {
        if (starts_character(text[at]) && seen++ == kept) break;
    }
    return text.substr(0, at) + std::string(kMore.substr(0, columns - kept));
}

std::string opening_text(const ComponentSnapshot& component) {
    return fmt::format("task {} has been in {} for {}", component.opening_task,
                       component.is_spout ? "open()" : "prepare()", uptime_text(component.opening));
}

}  // namespace

Status status_between(const Snapshot& before, const Snapshot& now, base::Micros interval) {
    Status status;
    for (std::size_t c = 0; c < now.size(); ++c) {
        const ComponentSnapshot& component = now[c];
        status.errors += component.errors;
        status.dropped += component.dropped;
        if (component.is_spout) {
            const ComponentSnapshot start;
            status.spouts.push_back(
                spout_between(before.empty() ? start : before[c], component, interval));
        }
        if (component.opening >= kOpeningShownMicros)
            status.said.push_back({component.id, opening_text(component)});
        if (component.statuses.empty()) continue;
        std::vector<std::string> texts;
        for (const cluster::TaskStatus& said : component.statuses) texts.push_back(said.text);
        status.said.push_back({component.id, one_line(joined(texts, " | "))});
    }
    return status;
}

std::vector<std::string> screen_lines(const Status& status, std::size_t columns) {
    std::vector<std::string> head = {status.topology, uptime_text(status.uptime)};
    if (status.draining) head.push_back("draining");
    for (std::string& trouble : troubles_of(status)) head.push_back(std::move(trouble));
    std::vector<std::string> lines = {joined(head, "  ")};

    std::size_t widest = 0;
    for (const SpoutStatus& spout : status.spouts) widest = std::max(widest, spout.id.size());
    for (const Status::Said& said : status.said) widest = std::max(widest, said.component.size());
    const auto add = [&](const std::string& id, const std::string& text) {
        lines.push_back(fmt::format("  {:<{}}  {}", id, widest, text));
    };
    for (const SpoutStatus& spout : status.spouts) add(spout.id, joined(parts_of(spout), "  "));
    for (const Status::Said& said : status.said) add(said.component, said.text);

    if (lines.size() > kStatusLinesMax) {
        const std::size_t more = lines.size() - (kStatusLinesMax - 1);
        lines.resize(kStatusLinesMax - 1);
        lines.push_back(fmt::format("  and {} more", more));
    }
    for (std::string& line : lines) line = cut(line, columns);
    return lines;
}

// For logs, which are searched and cut by lines: whatever a task says, it stays one (one_line()).
std::string plain_line(const Status& status) {
    std::string line = "status: " + uptime_text(status.uptime);
    if (status.draining) line += ", draining";
    for (const std::string& trouble : troubles_of(status)) line += ", " + trouble;
    for (const SpoutStatus& spout : status.spouts) {
        line += "; " + spout.id + ' ' + joined(parts_of(spout), ", ");
    }
    for (const Status::Said& said : status.said) line += "; " + said.component + ": " + said.text;
    return line;
}

std::string summary_line(const Status& whole, std::string_view outcome) {
    std::uint64_t emitted = 0, failed = 0;
    double per_s = 0;
    bool tracked = false;
    base::Micros p50 = 0, p99 = 0;  // The worst of several spouts.
    for (const SpoutStatus& spout : whole.spouts) {
        emitted += spout.emitted;
        failed += spout.failed;
        per_s += spout.emitted_per_s;
        tracked = tracked || spout.tracked();
        p50 = std::max(p50, spout.p50);
        p99 = std::max(p99, spout.p99);
    }
    const std::string time = whole.uptime < base::kMicrosPerSecond
                                 ? duration_text(whole.uptime)
                                 : fmt::format("{:.1f} s", static_cast<double>(whole.uptime) / 1e6);
    std::string line = fmt::format("{}: {} tuples in {} ({})", outcome, with_commas(emitted), time,
                                   rate_text(per_s));
    if (tracked) {
        line += fmt::format(", p50 {}, p99 {}, {} failed", latency_text(p50), latency_text(p99),
                            with_commas(failed));
    }
    for (const std::string& trouble : troubles_of(whole)) line += ", " + trouble;
    return line;
}

std::string losses_text(const Snapshot& snapshot, std::string_view outcome) {
    std::vector<std::string> lines;
    for (const ComponentSnapshot& component : snapshot) {
        for (const auto& [what, hint] : cluster::loss_texts(component.id, component.losses()))
            lines.push_back(fmt::format("error: {}, but {}\n  hint: {}", outcome, what, hint));
    }
    return joined(lines, "\n");
}

std::string with_commas(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

std::string duration_text(base::Micros micros) {
    const auto text = [micros](double unit, const char* name) {
        const double value = static_cast<double>(micros) / unit;
        // One digit after the point, unless it is 0.
        std::string number = fmt::format("{:.{}f}", value, value < 10 ? 1 : 0);
        if (number.ends_with(".0")) number.resize(number.size() - 2);
        return number + ' ' + name;
    };
    if (micros < base::kMicrosPerMilli) return std::to_string(micros) + " us";
    if (micros < base::kMicrosPerSecond) return text(1e3, "ms");
    return text(1e6, "s");
}

}  // namespace storm::worker
