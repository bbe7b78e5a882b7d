// What the tasks of each component have reported: the last errors, and a log that a bolt which
// always fails does not fill.
//
// Threads: any. The lock is held for a few statements.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "worker/queue/limits.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

class ErrorBook {
public:
    /// Both outlive it.
    ErrorBook(const Wiring& wiring, const base::Clock& clock)
        : wiring_(wiring), clock_(clock), errors_(wiring.topology.components().size()) {}

    void report(std::size_t component, TaskId task, std::string_view what);
    /// At most kErrorsKept, the oldest first.
    std::vector<std::string> last(std::size_t component) const;

private:
    struct Errors {
        base::RateLimit limit{kErrorBurst, base::kMicrosPerSecond};
        std::vector<std::string> last;
    };

    const Wiring& wiring_;
    const base::Clock& clock_;
    mutable std::mutex mutex_;  // Guards what follows.
    std::vector<Errors> errors_;
};

}  // namespace storm::worker
