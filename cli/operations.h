// Commands that ask or tell Nimbus one thing: list, status, kill, activate, …
//
// Each throws Failure if it cannot be done.
//
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <storm/config.h>

#include "cli/patience.h"
#include "cli/terminal.h"

namespace storm::cli {

enum class Format : std::uint8_t { kTable, kJson, kNames };

/// Where a command writes, and in which form.
struct Output {
    std::ostream& out;
    Terminal terminal;
    Format format = Format::kTable;
};

void list_topologies(const Config& config, const Output& output);
std::vector<std::string> topology_names(const Config& config);
void list_supervisors(const Config& config, const Output& output);
void list_nimbuses(const Config& config, const Output& output);
void list_errors(const Config& config, const Output& output);
void show_status(const Config& config, const std::string& name, const Output& output);
/// Also throws Failure if the cluster is unhealthy.
void show_health(const Config& config, const Output& output);

struct Kill {
    std::string name;
    std::optional<std::int64_t> wait_secs;  ///< Longest time to drain. Nothing: Nimbus' default.
    bool detach = false;                    ///< Do not wait until it has gone.
};
void kill_topology(const Config& config, const Kill& kill, const Patience& patience,
                   const Output& output);
struct Rebalance {
    std::string name;
    std::optional<std::int64_t> workers;    ///< Nothing: as many as before.
    std::vector<std::string> executors;     ///< COMPONENT=N; the other components keep theirs.
    std::optional<std::int64_t> wait_secs;  ///< As in Kill.
    bool detach = false;                    ///< Do not wait until all of it runs again.
};
void rebalance(const Config& config, const Rebalance& rebalance, const Patience& patience,
               const Output& output);
void activate(const Config& config, const std::string& name, const Output& output);
void deactivate(const Config& config, const std::string& name, const Output& output);

}  // namespace storm::cli
