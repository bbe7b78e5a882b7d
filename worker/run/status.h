// The status of a running topology, as text.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "worker/executor/snapshot.h"

namespace storm::worker {

struct SpoutStatus {
    std::string id;
    double emitted_per_s = 0;
    std::uint64_t emitted = 0;
    std::uint64_t acked = 0;
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    base::Micros p50 = 0;  ///< Complete latency; 0: nothing was acked.
    base::Micros p99 = 0;

    bool tracked() const { return acked + failed + pending > 0; }
};

struct Status {
    struct Said {
        std::string component;
        std::string text;  ///< One line.
    };

    std::string topology;
    bool draining = false;
    base::Micros uptime = 0;
    std::vector<SpoutStatus> spouts;
    std::uint64_t errors = 0;
    std::uint64_t dropped = 0;
    std::vector<Said> said;  ///< From set_status(); also tasks that are not prepared yet.
};

/// Rates and latencies are those between the two snapshots; everything else is as of `now`.
/// `before` may be empty: the start.
Status status_between(const Snapshot& before, const Snapshot& now, base::Micros interval);

/// For a terminal with this many columns.
std::vector<std::string> screen_lines(const Status& status, std::size_t columns);
/// For a log.
std::string plain_line(const Status& status);
/// For the end. `whole` covers the time from the start. `outcome`: such as "finished".
std::string summary_line(const Status& whole, std::string_view outcome);

/// The losses: a line for each, and a hint; empty: none. `outcome`: as above.
std::string losses_text(const Snapshot& snapshot, std::string_view outcome);

/// Such as "1,234".
std::string with_commas(std::uint64_t number);
/// Such as "850 us", "1.2 ms" or "12 s".
std::string duration_text(base::Micros micros);

}  // namespace storm::worker
