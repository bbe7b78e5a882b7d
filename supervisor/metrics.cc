#include "supervisor/metrics.h"

#include <algorithm>
#include <string>

#include "net/metrics_text.h"

namespace storm::supervisor {
namespace {

// All of them, so that each series is there from the start.
constexpr cluster::WorkerState kStates[] = {
    cluster::WorkerState::kStarting, cluster::WorkerState::kRunning,
    cluster::WorkerState::kFinished, cluster::WorkerState::kFailed,
    cluster::WorkerState::kBackOff,  cluster::WorkerState::kCrashLoop};

}  // namespace

net::HttpResponse metrics_response(const Overview& now) {
    net::MetricsText metrics;
    metrics.gauge("storm_supervisor_slots", "Usable slots", static_cast<double>(now.slots));
    metrics.gauge("storm_supervisor_slots_used", "Slots with a worker",
                  static_cast<double>(now.slots_used));
    for (std::size_t i = 0; i < kEndReasons; ++i) {
        metrics.counter("storm_supervisor_restarts_total",
                        "Workers that ended without being told to, by reason",
                        static_cast<double>(now.restarts[i]),
                        {{"reason", std::string(to_string(static_cast<EndReason>(i)))}});
    }
    for (const cluster::WorkerState state : kStates) {
        const auto& workers = now.report.workers;
        const auto count = std::count_if(workers.begin(), workers.end(), [state](const auto& each) {
            return each.report.state == state;
        });
        metrics.gauge("storm_supervisor_workers", "Workers, by their state",
                      static_cast<double>(count),
                      {{"state", std::string(cluster::to_string(state))}});
    }
    metrics.gauge("storm_supervisor_topologies_in_doubt",
                  "Topologies that run on though their assignment is not known",
                  static_cast<double>(now.in_doubt));
    metrics.gauge("storm_supervisor_zookeeper_connected", "1 while it has a session with ZooKeeper",
                  now.zookeeper == "connected" ? 1 : 0);
    metrics.process();
    return metrics.response();
}

}  // namespace storm::supervisor
