#include "cli/readiness.h"

#include "cli/limits.h"
#include "cli/listing.h"
#include "cli/terminal.h"

namespace storm::cli {
namespace {

using Verdict = Readiness::Verdict;

bool is_in_crash_loop(const Json& topology) {
    for (const Json& worker : list_at(topology, "workers")) {
        if (text_at(worker, "state") == "CRASH_LOOP") return true;
    }
    return false;
}

std::string counted(std::uint64_t count, const std::string& thing) {
    return grouped(count) + ' ' + thing + (count == 1 ? "" : "s");
}

struct Flow {
    bool has_bolts = false;
    std::uint64_t executed = 0;
    bool any_succeeded = false;  ///< A bolt has executed a tuple that did not fail.
    std::uint64_t emitted = 0;   ///< Tuples emitted by spouts.
};
Flow flow_of(const Json& topology) {
    Flow flow;
    for (const Json& component : list_at(topology, "components")) {
        if (text_at(component, "type") == "spout") {
            flow.emitted += count_at(component, "emitted");
        } else {
            flow.has_bolts = true;
            const std::uint64_t executed = count_at(component, "executed");
            flow.executed += executed;
            flow.any_succeeded = flow.any_succeeded || executed > count_at(component, "failed");
        }
    }
    return flow;
}

}  // namespace

/// Prepared is not enough: a topology in which each tuple fails is prepared, too, and this is the
/// last moment at which somebody looks. A spout without tuples proves nothing, and is given some
/// time.
Readiness ReadinessWatch::look(const Json& topology, base::Micros now) {
    const std::string status = text_at(topology, "status");
    const std::string lost = losses_text(topology);
    if (status == "FINISHED") {
        if (!lost.empty()) return {Verdict::kFailed, lost};
        return {Verdict::kReady, "it has finished already"};
    }
    if (status == "KILLED") return {Verdict::kFailed, "it was killed meanwhile"};
    if (status == "REBALANCING") return {Verdict::kWait, "its former workers still drain"};
    if (is_in_crash_loop(topology)) return {Verdict::kFailed, troubles_text(topology)};

    const Json& executors = object_at(topology, "executors");
    const std::uint64_t total = count_at(executors, "total");
    const std::uint64_t prepared = count_at(executors, "prepared");
    if (prepared < total || total == 0) {
        prepared_at_.reset();
        return {Verdict::kWait, troubles_text(topology) + grouped(prepared) + " of " +
                                    counted(total, "executor") + " are prepared"};
    }
    const std::string spread = counted(total, "executor") + " in " +
                               counted(list_at(topology, "workers").size(), "worker");
    const std::string running = "it runs: " + spread;
    if (!prepared_at_) prepared_at_ = now;
    const Flow flow = flow_of(topology);
    if (status == "INACTIVE") return {Verdict::kReady, running + ", inactive"};
    if (!flow.has_bolts || flow.any_succeeded) return {Verdict::kReady, running};
    if (flow.emitted == 0 && now - *prepared_at_ >= kIdleMicros) {
        return {Verdict::kReady, running + ", idle: its spouts have emitted nothing yet"};
    }
    return {Verdict::kWait,
            "all " + spread + " are prepared, but " +
                (flow.executed == 0
                     ? "no bolt has executed a tuple"
                     : "each tuple that a bolt has executed has failed; storm errors says why")};
}

}  // namespace storm::cli
