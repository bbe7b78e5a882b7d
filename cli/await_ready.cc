#include "cli/await_ready.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/listing.h"
#include "cli/readiness.h"

namespace storm::cli {
namespace {

/// The topology with that id, and not a later one of the same name.
Json look_at(NimbusClient& nimbus, const std::string& name, const std::string& id) {
    Json topology = nimbus.get("/api/v1/topologies/" + escaped(name));
    if (text_at(topology, "id") == id) return topology;
    throw Failure(ExitCode::kFailed, "\"" + name + "\" was replaced meanwhile: it is " +
                                         printable(text_at(topology, "id")) + " now, not " + id);
}

}  // namespace

std::string await_ready(NimbusClient& nimbus, const std::string& name, const std::string& id,
                        base::Micros timeout, const Patience& patience, std::ostream& err) {
    ReadinessWatch watch;
    const base::Micros started = patience.clock.now();
    std::chrono::milliseconds pause = kLookPauseMin;
    std::string told;
    const std::string stays =
        fmt::format("it stays submitted: storm status {0}, storm logs {0}, storm kill {0}", name);
    while (true) {
        Json topology = Json::object();
        try {
            topology = look_at(nimbus, name, id);
        } catch (const Failure& failure) {
            // Another Nimbus will lead soon; the topology runs meanwhile.
            const bool over = patience.clock.now() - started >= timeout;
            if (failure.code() != ExitCode::kUnreachable) throw;
            if (over) throw Failure(failure.code(), failure.what(), stays);
            if (told != failure.what()) err << failure.what() << "; asking again\n" << std::flush;
            told = failure.what();
            patience.pause(kLookPauseMax);
            continue;
        }
        const base::Micros now = patience.clock.now();
        const Readiness found = watch.look(topology, now);
        if (found.verdict == Readiness::Verdict::kReady) return found.why;
        if (found.verdict == Readiness::Verdict::kFailed || now - started >= timeout) {
            const std::string after =
                found.verdict == Readiness::Verdict::kFailed
                    ? ""
                    : fmt::format(" after {} s", static_cast<double>(timeout) / 1e6);
            const char* const what = text_at(topology, "status") == "FINISHED"
                                         ? "ran, but not all tuples went through"
                                         : "does not run";
            throw Failure(ExitCode::kFailed,
                          fmt::format("\"{}\" {}{}:\n{}", name, what, after, found.why), stays);
        }
        const std::string troubles = unassigned_text(topology);
        if (!troubles.empty() && troubles != told) err << troubles << std::flush;
        told = troubles;
        patience.pause(pause);
        pause = std::min(pause * 3 / 2, kLookPauseMax);
    }
}

}  // namespace storm::cli
