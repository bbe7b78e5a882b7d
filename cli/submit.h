// `storm-submit`: a topology's program goes to the cluster.
//
// Order:   the program describes itself, twice; its files are hashed; those that Nimbus lacks are
//          uploaded; the topology is submitted; its status is looked at until it runs.
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
    std::string name;  ///< Empty: topology.name, else the program's.
    std::vector<std::string> files;
    bool inactive = false;
    bool detach = false;
    base::Micros timeout = 60 * base::kMicrosPerSecond;
};

/// What the topology is run with: all that was set, but for the daemons' settings.
std::map<std::string, std::string> topology_settings(const Config& config, const std::string& name);

/// Throws Failure for a setting of the daemons that was given with -c, where it can have no effect.
void refuse_settings_of_daemons(const cluster::LayeredSettings& settings);

/// What the program says of itself, the same both times. Throws Failure.
std::string describe(const std::string& program, const std::map<std::string, std::string>& settings,
                     const base::Clock& clock);

/// Throws Failure. Results go to `out`, progress to `err`.
void submit(const Submission& submission, const Config& config, const Patience& patience,
            std::ostream& out, std::ostream& err, const Terminal& err_terminal);

/// "60s", "500ms", "2m", "5": seconds. Throws Failure.
base::Micros duration_of(const std::string& text);

}  // namespace storm::cli
