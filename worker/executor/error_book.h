// Recent errors of each component, with equal ones counted, and a rate-limited log, so that a bolt
// that always fails does not flood it.
//
// Threads: any. The lock is held for a few statements.
#pragma once

#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/reports.h"
#include "worker/queue/limits.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

class ErrorBook {
public:
    /// Both must outlive this.
    ErrorBook(const Wiring& wiring, const base::Clock& clock)
        : wiring_(wiring), clock_(clock), errors_(wiring.topology.components().size()) {}

    void report(std::size_t component, TaskId task, std::string_view what);
    /// At most kErrorsKept that differ; what came last is the last.
    std::vector<cluster::ReportedError> last(std::size_t component) const;

private:
    struct Entry {
        cluster::ReportedError error;
        base::Micros logged = 0;
    };
    struct Errors {
        base::RateLimit limit{kErrorBurst, base::kMicrosPerSecond};
        std::vector<Entry> last;
    };
    static Entry& entry_of(std::vector<Entry>& entries, std::string_view what);

    const Wiring& wiring_;
    const base::Clock& clock_;
    mutable std::mutex mutex_;  // Guards the following.
    std::vector<Errors> errors_;
};

}  // namespace storm::worker
