// Decides whether a submitted topology runs, which storm-submit waits for.
//
// A topology is ready if every executor is prepared and, unless it is idle, a bolt has executed a
// tuple that did not fail. It is idle if it is inactive, or if its spouts have emitted nothing for
// kIdleMicros since all executors were prepared. A finished topology was ready.
//
// Threads: one. No clock: the caller passes the time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/json.h"

namespace storm::cli {

struct Readiness {
    enum class Verdict : std::uint8_t { kWait, kReady, kFailed };

    Verdict verdict = Verdict::kWait;
    std::string why;  ///< Missing parts, line by line; or how it is ready.
};

class ReadinessWatch {
public:
    /// `topology` is the answer of GET /api/v1/topologies/NAME.
    Readiness look(const Json& topology, base::Micros now);

private:
    std::optional<base::Micros> prepared_at_;
};

}  // namespace storm::cli
