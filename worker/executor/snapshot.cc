#include "worker/executor/snapshot.h"

#include <algorithm>

#include "worker/executor/bolt_executor.h"
#include "worker/executor/spout_executor.h"

namespace storm::worker {
namespace {

void add_counts(const Task& task, ComponentSnapshot& into) {
    for (std::size_t i = 0; i < task.streams().size(); ++i) {
        const Stream& stream = *task.streams()[i];
        if (into.streams.size() <= i) into.streams.push_back({std::string(stream.name)});
        into.streams[i].emitted += stream.emitted.value();
        into.streams[i].transferred +=
            stream.only != nullptr ? stream.emitted.value() : stream.transferred.value();
    }
    into.dropped += task.dropped.value();
    into.lost_inputs += task.lost_inputs.value();
    into.lost_emits += task.lost_emits.value();
    into.errors += task.errors.value();
    if (const auto* const spout = dynamic_cast<const SpoutTask*>(&task)) {
        into.acked += spout->acked.value();
        into.failed += spout->failed.value();
        into.pending += spout->pending.load(std::memory_order_relaxed);
        into.pending_max += spout->max_pending();
        into.unreplayed += spout->unreplayed.count();
        spout->complete_latency.add_to(into.complete_latency);
    } else if (const auto* const bolt = dynamic_cast<const BoltTask*>(&task)) {
        into.expired += bolt->expired.value();
        into.kept += task.site()->kept_count();
        if (bolt->owes_ending()) into.kept_at_end += task.site()->kept_count();
        for (std::size_t i = 0; i < bolt->inputs().size(); ++i) {
            const BoltTask::InputCounters& input = *bolt->inputs()[i];
            if (into.inputs.size() <= i)
                into.inputs.push_back({input.schema->component, input.schema->stream});
            const std::uint64_t executed = input.executed.value();
            const std::uint64_t failed = input.failed.value();
            into.inputs[i].executed += executed;
            into.inputs[i].failed += failed;
            // Counting goes on meanwhile, so a failure may appear before the execution that it
            // belongs to.
            into.inputs[i].acked +=
                bolt->is_basic() ? executed - std::min(executed, failed) : input.acked.value();
        }
    }
    const std::shared_ptr<TaskSite> site = task.site();
    std::string status = site->status();
    if (!status.empty())
        into.statuses.push_back({static_cast<std::uint32_t>(task.id()), std::move(status)});
    site->for_each_counter([&](const std::string& name, std::uint64_t value) {
        const auto found = std::find_if(into.user_counters.begin(), into.user_counters.end(),
                                        [&](const auto& counter) { return counter.first == name; });
        if (found == into.user_counters.end()) {
            into.user_counters.emplace_back(name, value);
        } else {
            found->second += value;
        }
    });
}

}  // namespace

// Tasks go on counting meanwhile, so two numbers of one snapshot need not fit together. After
// Engine::stop() they do: exit codes are judged by such a snapshot.
Snapshot take_snapshot(const Shared& shared) {
    const std::vector<Component>& components = shared.wiring.topology.components();
    Snapshot all(components.size());
    for (std::size_t c = 0; c < components.size(); ++c) {
        all[c].id = components[c].id;
        all[c].is_spout = components[c].is_spout();
        all[c].here = false;
        all[c].executors = shared.wiring.plan.components[c].executors;
        all[c].tasks = shared.wiring.plan.components[c].tasks;
        all[c].last_errors = shared.errors.last(c);
    }
    const base::Micros now = shared.clock.now();
    for (const Executor* const executor : shared.executors) {
        if (executor == nullptr) continue;
        ComponentSnapshot& into = all[executor->component()];
        const base::Micros since = executor->entry.opening_since.load(std::memory_order_relaxed);
        if (since != 0 && now - since > into.opening) {
            into.opening = now - since;
            into.opening_task = executor->in_task.load(std::memory_order_relaxed);
        }
        into.here = true;
        for (Task* const task : executor->tasks()) add_counts(*task, into);
        into.dropped += executor->dropped_elsewhere.load(std::memory_order_relaxed);
    }
    return all;
}

}  // namespace storm::worker
