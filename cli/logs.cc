#include "cli/logs.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/nimbus_client.h"
#include "cli/terminal.h"

namespace storm::cli {
namespace {

std::int64_t number_in(const net::HttpResponse& response, const char* header,
                       std::int64_t otherwise) {
    const auto found = response.headers.find(header);
    if (found == response.headers.end()) return otherwise;
    std::int64_t number = otherwise;
    const std::string& text = found->second;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && number >= 0 ? number : otherwise;
}

/// One worker's log, and how far it has been shown.
class Source {
public:
    Source(NimbusClient& nimbus, Location location, std::string prefix)
        : nimbus_(nimbus), location_(std::move(location)), lines_(std::move(prefix)) {}

    /// What is new. At first: the end of what there is.
    std::string next() {
        std::string text;
        for (bool more = true; more;) {
            const net::HttpResponse part = read();
            const std::int64_t at =
                number_in(part, "x-storm-offset", std::max<std::int64_t>(offset_, 0));
            const auto got = static_cast<std::int64_t>(part.body.size());
            const std::int64_t size = number_in(part, "x-storm-size", at + got);
            if (size < offset_) {  // Rotated: another file of that name.
                text += lines_.rest();
                offset_ = 0;
                continue;
            }
            text += lines_.take(part.body, at == 0 || offset_ >= 0);
            offset_ = at + got;
            more = got > 0 && offset_ < size;
        }
        return text;
    }
    std::string rest() { return lines_.rest(); }

private:
    net::HttpResponse read() {
        Location part = location_;
        part.target += "?offset=" + std::to_string(offset_) +
                       "&bytes=" + std::to_string(offset_ < 0 ? kLogTailBytes : kLogChunkBytes);
        return nimbus_.get_log(part);
    }

    NimbusClient& nimbus_;
    const Location location_;
    LogLines lines_;
    std::int64_t offset_ = -1;  // Nothing shown yet.
};

std::string prefix_of(const Json& worker, bool alone) {
    return alone ? "" : "[worker " + text_at(worker, "id") + "] ";
}

std::vector<Source> sources_of(NimbusClient& nimbus, const Logs& logs) {
    const Json topology = nimbus.get("/api/v1/topologies/" + escaped(logs.topology));
    const Json& workers = list_at(topology, "workers");
    std::vector<Source> sources;
    for (const Json& worker : workers) {
        if (logs.worker && text_at(worker, "id") != std::to_string(*logs.worker)) continue;
        const std::string url = text_at(worker, "log_url");
        if (url.empty()) continue;
        Location location = location_of(url);
        location.target += '/' + escaped(logs.stream);
        sources.emplace_back(nimbus, std::move(location),
                             prefix_of(worker, logs.worker || workers.size() == 1));
    }
    if (!sources.empty()) return sources;
    if (logs.worker) {
        throw Failure(ExitCode::kNotFound,
                      "\"" + logs.topology + "\" has no worker " + std::to_string(*logs.worker),
                      "storm status " + logs.topology + " lists them");
    }
    throw Failure(ExitCode::kNotFound, "\"" + logs.topology + "\" has no workers, and so no logs",
                  "storm status " + logs.topology + " tells why");
}

}  // namespace

std::string LogLines::take(const std::string& bytes, bool at_start) {
    std::string_view fresh = bytes;
    if (!at_start && !fresh.empty())
        fresh.remove_prefix(std::min(fresh.find('\n'), fresh.size() - 1) + 1);
    partial_ += fresh;
    std::string text;
    std::size_t from = 0;
    for (std::size_t end; (end = partial_.find('\n', from)) != std::string::npos; from = end + 1) {
        text += prefix_ + partial_.substr(from, end + 1 - from);
    }
    partial_.erase(0, from);
    return text;
}

std::string LogLines::rest() {
    return partial_.empty() ? "" : prefix_ + std::exchange(partial_, {}) + '\n';
}

void show_logs(const Config& config, const Logs& logs, const Patience& patience,
               std::ostream& out) {
    NimbusClient nimbus(config);
    std::vector<Source> sources = sources_of(nimbus, logs);
    while (true) {
        for (Source& source : sources) out << source.next();
        out << std::flush;
        if (!logs.follow || !out) break;
        patience.pause(kLogPause);
    }
    for (Source& source : sources) out << source.rest();
}

}  // namespace storm::cli
