// Waits until a topology runs that was submitted, or rebalanced.
//
// Threads: one.
#pragma once

#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "cli/nimbus_client.h"
#include "cli/patience.h"

namespace storm::cli {

/// Returns how it runs, such as `it runs: 3 executors in 1 worker`. Prints problems as they appear,
/// because a Supervisor may come and solve them. Throws Failure if it does not run in time.
std::string await_ready(NimbusClient& nimbus, const std::string& name, const std::string& id,
                        base::Micros timeout, const Patience& patience, std::ostream& err);

}  // namespace storm::cli
