// Whether a topology that was submitted runs: what storm-submit waits for.
//
// Ready is one of which every executor is prepared and, unless it is idle, of which one bolt has
// executed a tuple. Idle is an inactive one, and one whose spouts have emitted nothing for
// kIdleMicros since all was prepared. One that has finished was ready.
//
// Threads: one. No clock: the caller says what time it is.
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
    std::string why;  ///< What is missing, line by line; or in what way it is ready.
};

class ReadinessWatch {
public:
    /// `topology`: as GET /api/v1/topologies/NAME answers.
    Readiness look(const Json& topology, base::Micros now);

private:
    std::optional<base::Micros> prepared_at_;
};

}  // namespace storm::cli
