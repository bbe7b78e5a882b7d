#include "cli/logs.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/log_lines.h"
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

/// One worker's log, and how much of it has been shown.
class Source {
public:
    Source(NimbusClient& nimbus, Location location, std::string prefix, bool clean)
        : nimbus_(nimbus), location_(std::move(location)), lines_(std::move(prefix), clean) {}

    const Location& location() const { return location_; }
    /// Adds the new part; at first, the end of the log. Throws Failure.
    void next(std::vector<LogLine>& lines) {
        for (bool more = true; more;) {
            const net::HttpResponse part = read();
            const std::int64_t at =
                number_in(part, "x-storm-offset", std::max<std::int64_t>(offset_, 0));
            const auto got = static_cast<std::int64_t>(part.body.size());
            const std::int64_t size = number_in(part, "x-storm-size", at + got);
            // A log that has grown past the offset again cannot be told from one that was not
            // rotated.
            if (size < offset_) {  // It was rotated: another file has that name now.
                lines_.take_rest(lines);
                offset_ = 0;
                continue;
            }
            lines_.take(part.body, at == 0 || offset_ >= 0, lines);
            offset_ = at + got;
            more = got > 0 && offset_ < size;
        }
    }
    void rest(std::vector<LogLine>& lines) { lines_.take_rest(lines); }

    std::string trouble;  ///< Last problem told; empty: it could be read.

private:
    net::HttpResponse read() {
        Location part = location_;
        part.target += "?offset=" + std::to_string(offset_) +
                       "&bytes=" + std::to_string(offset_ < 0 ? kLogTailBytes : kLogChunkBytes);
        return nimbus_.get_log(part);
    }

    NimbusClient& nimbus_;
    Location location_;
    LogLines lines_;
    std::int64_t offset_ = -1;  // Nothing has been shown yet.
};

/// All logs of one topology, on any host.
class TopologyLogs {
public:
    TopologyLogs(NimbusClient& nimbus, const Logs& logs, std::ostream& out, std::ostream& err)
        : nimbus_(nimbus), logs_(logs), out_(out), err_(err) {
        const Json topology = find();
        id_ = text_at(topology, "id");
        add_workers(topology);
        if (!sources_.empty()) return;
        add_former(topology);
        if (!sources_.empty()) return;
        if (logs_.worker) {
            throw Failure(
                ExitCode::kNotFound,
                "\"" + logs_.topology + "\" has no worker " + std::to_string(*logs_.worker),
                "storm status " + logs_.topology + " lists them");
        }
        throw Failure(
            ExitCode::kNotFound,
            "\"" + logs_.topology + "\" has no workers, and no Supervisor has a log of it",
            "storm status " + logs_.topology + " tells why");
    }

    /// Shows the new part of each log. Returns the first failure to read one, if any.
    std::optional<Failure> show() {
        // One log that cannot be read must not keep the others from being shown.
        std::optional<Failure> first;
        std::vector<LogLine> lines;
        for (Source& source : sources_) {
            try {
                source.next(lines);
                if (!logs_.follow) source.rest(lines);
                source.trouble.clear();
            } catch (const Failure& failure) {
                // All Supervisors would say the same.
                if (failure.code() == ExitCode::kDenied) throw;
                if (!first) first = failure;
                const std::string what = failure.what();
                if (logs_.follow && what != source.trouble) {
                    err_ << "storm: " << what << "; trying again\n" << std::flush;
                }
                source.trouble = what;
            }
        }
        out_ << in_order_of_time(std::move(lines)) << std::flush;
        return first;
    }

    /// Follows workers that have moved. `why` gets the reason if the topology has ended.
    void look_again(std::string& why) {
        try {
            const Json topology = find();
            if (text_at(topology, "id") != id_) {
                why = "\"" + logs_.topology + "\" is another one now";
                return;
            }
            add_workers(topology);
            if (text_at(topology, "status") == "FINISHED") {
                why = "\"" + logs_.topology + "\" has finished";
            }
        } catch (const Failure& failure) {
            if (failure.code() == ExitCode::kNotFound) {
                why = "\"" + logs_.topology + "\" is gone";
                // Logs are at Supervisors, so following goes on without Nimbus.
            } else if (failure.code() != ExitCode::kUnreachable) {
                throw;
            }
        }
    }

    void end() {
        std::vector<LogLine> lines;
        for (Source& source : sources_) source.rest(lines);
        out_ << in_order_of_time(std::move(lines));
    }

private:
    Json find() { return nimbus_.get("/api/v1/topologies/" + escaped(logs_.topology)); }

    void add(Location location, const std::string& worker, bool alone) {
        location.target += '/' + escaped(logs_.stream);
        for (const Source& known : sources_) {
            if (known.location() == location) return;
        }
        sources_.emplace_back(nimbus_, std::move(location), alone ? "" : "[worker " + worker + "] ",
                              logs_.clean);
    }

    void add_workers(const Json& topology) {
        const Json& workers = list_at(topology, "workers");
        for (const Json& worker : workers) {
            const std::string number = text_at(worker, "id");
            if (logs_.worker && number != std::to_string(*logs_.worker)) continue;
            const std::string url = text_at(worker, "log_url");
            if (!url.empty()) add(location_of(url), number, logs_.worker || workers.size() == 1);
        }
    }

    /// For a topology without workers: Supervisors keep logs for a while.
    void add_former(const Json& topology) {
        const Json supervisors = nimbus_.get("/api/v1/supervisors");
        const std::uint64_t workers = std::clamp<std::uint64_t>(
            count_at(object_at(topology, "settings"), "topology.workers"), 1, kFormerWorkersMax);
        for (std::uint64_t worker = 0; worker < workers; ++worker) {
            if (logs_.worker && static_cast<std::uint64_t>(*logs_.worker) != worker) continue;
            for (const Json& supervisor : list_at(supervisors, "supervisors")) {
                const Location location = {
                    {text_at(supervisor, "host"),
                     static_cast<std::uint16_t>(count_at(supervisor, "http_port"))},
                    "/api/v1/logs/" + escaped(id_) + '/' + std::to_string(worker)};
                if (has(location)) {
                    add(location, std::to_string(worker), logs_.worker || workers == 1);
                }
            }
        }
    }

    bool has(Location location) {
        location.target += '/' + escaped(logs_.stream) + "?offset=0&bytes=0";
        try {
            static_cast<void>(nimbus_.get_log(location));
            return true;
        } catch (const Failure& failure) {
            if (failure.code() == ExitCode::kDenied) throw;
            return false;
        }
    }

    NimbusClient& nimbus_;
    const Logs& logs_;
    std::ostream& out_;
    std::ostream& err_;
    std::string id_;
    std::vector<Source> sources_;
};

}  // namespace

void show_logs(const Config& config, const Logs& wanted, const Patience& patience,
               std::ostream& out, std::ostream& err) {
    NimbusClient nimbus(config);
    TopologyLogs logs(nimbus, wanted, out, err);
    std::optional<Failure> failure = logs.show();
    std::string ended;
    for (int looks = 1; wanted.follow && out && ended.empty(); ++looks) {
        patience.pause(kLogPause);
        // Looked up first, so that output from before the end is still shown.
        if (looks % kLogPausesPerLook == 0) logs.look_again(ended);
        failure = logs.show();
    }
    logs.end();
    if (!ended.empty()) {
        err << "storm: " << ended << '\n';
    } else if (failure) {
        throw Failure(*failure);
    }
}

}  // namespace storm::cli
