#include "worker/serve/report.h"

#include <bit>
#include <utility>

#include "worker/executor/snapshot.h"

namespace storm::worker {
namespace {

// From buckets of a quarter of a power of two to buckets of one power.
std::vector<std::uint64_t> by_powers(
    const std::array<std::uint64_t, LatencyHistogram::kBuckets>& counts) {
    std::vector<std::uint64_t> powers;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        const auto below = static_cast<std::uint64_t>(LatencyHistogram::upper_bound(i));
        const auto power = static_cast<std::size_t>(std::bit_width(below - 1));
        if (powers.size() <= power) powers.resize(power + 1);
        powers[power] += counts[i];
    }
    return powers;
}

cluster::ComponentReport report_of(ComponentSnapshot& snapshot) {
    cluster::ComponentReport report;
    report.id = std::move(snapshot.id);
    for (const ComponentSnapshot::StreamCounts& stream : snapshot.streams) {
        report.emitted += stream.emitted;
        report.transferred += stream.transferred;
    }
    report.acked = snapshot.acked;
    report.failed = snapshot.failed;
    for (const ComponentSnapshot::InputCounts& input : snapshot.inputs) {
        report.executed += input.executed;
        report.acked += input.acked;
        report.failed += input.failed;
    }
    report.pending = snapshot.pending;
    report.errors = snapshot.errors;
    report.kept = snapshot.kept;
    report.losses = snapshot.losses();
    report.complete_latency = by_powers(snapshot.complete_latency);
    report.last_errors = std::move(snapshot.last_errors);
    report.statuses = std::move(snapshot.statuses);
    report.opening_task = static_cast<std::uint32_t>(snapshot.opening_task);
    report.opening_secs = static_cast<std::uint32_t>(snapshot.opening / base::kMicrosPerSecond);
    return report;
}

/// As one line; empty: everything went through.
std::string all_losses(const Snapshot& snapshots) {
    std::string text;
    for (const ComponentSnapshot& component : snapshots) {
        for (const cluster::LossText& loss : cluster::loss_texts(component.id, component.losses()))
            text += (text.empty() ? "finished, but " : "; ") + loss.what;
    }
    return text;
}

cluster::WorkerState state_of(const RunState& run, RunState::State state) {
    if (state == RunState::State::kFailed) return cluster::WorkerState::kFailed;
    if (state == RunState::State::kFinished) return cluster::WorkerState::kFinished;
    return run.prepared() ? cluster::WorkerState::kRunning : cluster::WorkerState::kStarting;
}

}  // namespace

// Only components that run here: the reports of all workers are added up. Executors decide, since a
// snapshot has an entry for each component of the topology.
cluster::WorkerReport make_report(const Shared& shared, RunState::State state) {
    cluster::WorkerReport report;
    report.state = state_of(shared.state, state);
    report.failure = shared.state.failure();
    const Wiring& wiring = shared.wiring;
    std::vector<bool> here(wiring.topology.components().size());
    for (std::size_t e = 0; e < wiring.plan.executors.size(); ++e) {
        if (wiring.executor_is_here(e)) here[wiring.plan.executors[e].component] = true;
    }
    Snapshot snapshots = take_snapshot(shared);
    if (report.state == cluster::WorkerState::kFinished) report.failure = all_losses(snapshots);
    for (std::size_t c = 0; c < snapshots.size(); ++c) {
        if (here[c]) report.components.push_back(report_of(snapshots[c]));
    }
    return report;
}

}  // namespace storm::worker
