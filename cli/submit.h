// `storm-submit`: sends a topology's program to the cluster.
//
// Order:   the program describes itself, twice; its files are hashed; those that Nimbus lacks are
//          uploaded; the topology is submitted; its status is polled until it runs.
// Threads: one.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include <storm/config.h>

#include "base/clock.h"
#include "cli/patience.h"
#include "cli/terminal.h"
#include "cluster/settings_layers.h"

namespace storm::cli {

struct Submission {
    std::string program;
    std::string name;  ///< Empty: topology.name, else the program's name.
    std::vector<std::string> files;
    bool inactive = false;
    bool detach = false;
    base::Micros timeout = 60 * base::kMicrosPerSecond;
};

/// The settings that the topology is run with: everything that was set, except the daemons'
/// settings.
std::map<std::string, std::string> topology_settings(const Config& config, const std::string& name);

/// Throws Failure if -c gives a daemon's setting, which would have no effect.
void refuse_settings_of_daemons(const cluster::LayeredSettings& settings);

/// The program's description of itself, which must be the same both times. Throws Failure.
std::string describe(const std::string& program, const std::map<std::string, std::string>& settings,
                     const base::Clock& clock);

/// Results go to `out`, progress to `err`. Throws Failure.
void submit(const Submission& submission, const Config& config, const Patience& patience,
            std::ostream& out, std::ostream& err, const Terminal& err_terminal);

/// Parses "60s", "500ms", "2m", or "5", which is seconds. Throws Failure.
base::Micros duration_of(const std::string& text);

}  // namespace storm::cli
