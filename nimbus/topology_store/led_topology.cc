#include "nimbus/topology_store/led_topology.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <storm/config.h>

#include "base/check.h"
#include "base/log.h"
#include "nimbus/scheduler/spread.h"

namespace storm::nimbus {

using cluster::Assignment;
using cluster::Status;
using cluster::TopologyRecord;

bool is_left_alone(const Led& known) {
    return known.stored != Led::Stored::kGood || known.no_description;
}

Fit fit_of(const std::string& name, const TopologyRecord& record, bool is_missing) {
    if (record.id == name) return Fit::kId;
    if (record.name != name) return Fit::kNone;
    return is_missing ? Fit::kMissing : Fit::kName;
}

std::string_view state_of(const Led& known) {
    const bool is_killed = known.record.status == Status::kKilled;
    if (known.stored == Led::Stored::kMissing && !is_killed) return "MISSING";
    if (known.stored == Led::Stored::kUnreadable && !is_killed) return "UNREADABLE";
    return cluster::to_string(known.record.status);
}

std::uint64_t next_epoch(const Led& known) {
    // Not only after what is written: a write whose outcome is unknown may have reached ZooKeeper,
    // and Supervisors take two assignments of one epoch for the same.
    return std::max(known.assignment.epoch, known.epoch_given) + 1;
}

/// Nimbus refuses unusable values when they are submitted, but another version may have taken what
/// this one does not. A topology that runs must still be placed, so that counts as not set.
std::int64_t setting(const TopologyRecord& record, std::string_view key) {
    static const Config kDefaults;
    const auto at = record.settings.find(std::string(key));
    if (at == record.settings.end()) return kDefaults.int64(key);
    Config config;
    try {
        config.set(key, at->second);
    } catch (const ConfigError& error) {
        base::log::warn("a stored setting is not usable",
                        {{"topology", record.id}, {"why", error.what()}});
    }
    return config.int64(key);
}

void note_wishes(Led& known) {
    known.workers = static_cast<std::size_t>(
        std::max<std::int64_t>(1, setting(known.record, "topology.workers")));
    known.useful = useful_workers(known.description);
    STORM_CHECK(known.useful > 0, "a description that can be read has executors");
}

/// Behind the name, not behind the first dash: names have dashes, and numbers, too.
std::uint64_t number_of(const TopologyRecord& record) {
    std::uint64_t number = 0;
    if (record.id.size() > record.name.size() + 1) {
        const char* const first = record.id.data() + record.name.size() + 1;
        std::from_chars(first, record.id.data() + record.id.size(), number);
    }
    return number;
}

/// Reads the id from its end: names have dashes, too.
TopologyRecord record_in(const std::string& id) {
    TopologyRecord record;
    record.id = id;
    record.name = id;
    const std::size_t seconds = id.rfind('-');
    if (seconds == std::string::npos || seconds == 0) return record;
    const std::size_t number = id.rfind('-', seconds - 1);
    if (number == std::string::npos || number == 0) return record;
    record.name = id.substr(0, number);
    std::from_chars(id.data() + seconds + 1, id.data() + id.size(), record.submitted_ms);
    record.submitted_ms *= 1000;
    return record;
}

std::uint64_t epoch_of(const cluster::WorkerStatus& worker) {
    return worker.incarnation >> 32U;
}

cluster::WorkerSlot slot_of(const cluster::WorkerStatus& worker,
                            const cluster::SupervisorReport& by) {
    return {worker.number, by.supervisor, by.host, worker.port, epoch_of(worker)};
}

std::string why_unreadable(const std::string& why) {
    return "its record in ZooKeeper cannot be read (" + why +
           "): it is left as it is; `storm kill` removes it";
}

void keep_own(const Led& known, cluster::WorkerReport& report) {
    if (known.description.components.empty()) return;  // It cannot be read.
    std::set<std::string_view> own;
    for (const auto& component : known.description.components) own.insert(component.id);
    std::erase_if(report.components,
                  [&own](const auto& component) { return own.erase(component.id) == 0; });
}

void keep_own(const Led& known, cluster::TopologyError& error) {
    const auto& components = known.description.components;
    const bool is_own =
        std::any_of(components.begin(), components.end(),
                    [&error](const auto& component) { return component.id == error.component; });
    if (is_own || components.empty()) return;
    error.component.clear();
    error.task = 0;
}

void set_status(Assignment& assignment, const Fate& fate) {
    assignment.status = fate.status;
    assignment.kill_wait_ms = fate.kill_wait_ms;
    // A finished topology gives its slots back at once. One that is killed keeps them until its
    // workers are gone: another topology's could not bind their ports.
    if (fate.status != Status::kFinished) return;
    assignment.workers.clear();
    std::fill(assignment.worker_of_executor.begin(), assignment.worker_of_executor.end(),
              cluster::kUnassigned);
}

std::size_t workers_moved(const Assignment& before, const Assignment& after) {
    return static_cast<std::size_t>(std::count_if(
        after.workers.begin(), after.workers.end(), [&](const cluster::WorkerSlot& slot) {
            return std::find(before.workers.begin(), before.workers.end(), slot) ==
                   before.workers.end();
        }));
}

}  // namespace storm::nimbus
