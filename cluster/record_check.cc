#include "cluster/record_check.h"

#include <algorithm>
#include <set>

#include "base/sha256.h"
#include "cluster/limits.h"
#include "cluster/names.h"

namespace storm::cluster {
namespace {

using std::to_string;

/// Everything that becomes a path, the name of a node or of a folder, or a port that somebody
/// listens at, has to pass here, when it is read and before it is written: all others rely on that.
std::string fault_of(const Artifact& artifact) {
    if (!is_id(artifact.name)) return "artifact " + quoted(artifact.name) + " is not a file name";
    if (!base::is_sha256(artifact.sha256)) {
        return "artifact " + quoted(artifact.name) + " has no SHA-256 of 64 hex digits";
    }
    if (artifact.mode > 0777) {
        return "artifact " + quoted(artifact.name) + " has a mode beyond 0777";
    }
    return {};
}

std::string fault_of(const WorkerSlot& slot, std::uint64_t epoch) {
    const std::string worker = "worker " + to_string(slot.number);
    if (slot.number >= kWorkersMax) return worker + " has too large a number";
    if (!is_id(slot.supervisor)) return worker + " has no supervisor";
    if (!is_id(slot.host)) return worker + " has no host";
    if (slot.port == 0) return worker + " has no port";
    // It is the upper half of an incarnation, and was given with an assignment.
    if (slot.epoch > epoch) return worker + " is of an epoch after the assignment's";
    return {};
}

std::string fault_of_status(Status status) {
    if (status <= Status::kFinished) return {};
    return "status " + to_string(static_cast<unsigned>(status)) + " is unknown";
}

std::string fault_of(const Rebalance& rebalance) {
    if (rebalance.back_to != Status::kActive && rebalance.back_to != Status::kInactive) {
        return "a rebalance leads back to status " +
               to_string(static_cast<unsigned>(rebalance.back_to));
    }
    if (rebalance.workers > kWorkersMax) return "a rebalance is to have too many workers";
    for (const auto& [component, executors] : rebalance.executors) {
        if (!is_name(component, kIdBytesMax)) return "no component is " + quoted(component);
        if (executors == 0 || executors > kTasksMax) {
            return "a rebalance gives " + quoted(component) + ' ' + to_string(executors) +
                   " executors";
        }
    }
    return {};
}

}  // namespace

std::string fault(const TopologyRecord& record) {
    if (!is_name(record.id, kIdBytesMax)) return "no topology's id is " + quoted(record.id);
    if (!is_name(record.name, kNameBytesMax)) return "no topology's name is " + quoted(record.name);
    if (record.submitted_ms < 0 || record.killed_ms < 0 || record.kill_wait_ms < 0) {
        return "a time is negative";
    }
    for (const auto& [key, value] : record.settings) {
        if (key.empty() || key.size() > kIdBytesMax)
            return "setting " + quoted(key) + " is not a key";
    }
    if (record.artifacts.empty()) return "there is no artifact";
    if (record.artifacts.size() > kArtifactsMax) {
        return "there are over " + to_string(kArtifactsMax) + " artifacts";
    }
    std::set<std::string_view> names;
    for (const Artifact& artifact : record.artifacts) {
        if (std::string found = fault_of(artifact); !found.empty()) return found;
        if (!names.insert(artifact.name).second) {
            return "there are two artifacts " + quoted(artifact.name);
        }
    }
    if (record.secret.size() != kSecretBytes) {
        return "its secret has " + to_string(record.secret.size()) + " bytes instead of " +
               to_string(kSecretBytes);
    }
    if (std::string found = fault_of(record.rebalance); !found.empty()) return found;
    return fault_of_status(record.status);
}

std::string fault(const Assignment& record) {
    if (!is_name(record.topology, kIdBytesMax)) {
        return "no topology's id is " + quoted(record.topology);
    }
    if (record.epoch > kEpochMax) return "its epoch has over 32 bits";
    if (record.kill_wait_ms < 0) return "a time is negative";
    const auto& workers = record.workers;
    for (std::size_t i = 0; i < workers.size(); ++i) {
        if (std::string found = fault_of(workers[i], record.epoch); !found.empty()) return found;
        // Readers search it, and a number that is there twice would be two processes of one life.
        if (i > 0 && workers[i - 1].number >= workers[i].number) {
            return "worker " + to_string(workers[i].number) + " is not in the order of numbers";
        }
    }
    if (record.worker_of_executor.size() > kTasksMax) return "there are too many executors";
    for (const std::uint32_t number : record.worker_of_executor) {
        if (number == kUnassigned) continue;
        const auto at = std::lower_bound(
            workers.begin(), workers.end(), number,
            [](const WorkerSlot& slot, std::uint32_t wanted) { return slot.number < wanted; });
        if (at == workers.end() || at->number != number) {
            return "an executor is on worker " + to_string(number) + ", which it does not have";
        }
    }
    return fault_of_status(record.status);
}

std::string fault(const SupervisorRecord& record) {
    if (!is_id(record.id)) return "no supervisor's id is " + quoted(record.id);
    if (!is_id(record.host)) return "no host is " + quoted(record.host);
    if (record.http_port == 0) return "it has no HTTP port";
    if (record.slots.size() > kSlotsMax) return "it has over " + to_string(kSlotsMax) + " slots";
    if (!record.home.empty() && !is_id(record.home)) return "no home is " + quoted(record.home);
    std::set<std::uint16_t> ports;
    for (const std::uint16_t port : record.slots) {
        if (port == 0) return "a slot has no port";
        if (!ports.insert(port).second) return "two slots have port " + to_string(port);
    }
    return record.started_ms < 0 ? "a time is negative" : std::string();
}

std::string fault(const NimbusRecord& record) {
    if (!is_id(record.id)) return "no nimbus' id is " + quoted(record.id);
    if (!is_id(record.host)) return "no host is " + quoted(record.host);
    if (record.port == 0) return "it has no port";
    return record.started_ms < 0 ? "a time is negative" : std::string();
}

std::string fault(const Leadership& record) {
    if (record.started_ms < 0) return "a time is negative";
    // The first content of the node, from before anybody has led.
    if (record.epoch == 0 && record.nimbus.empty()) return {};
    if (!is_id(record.nimbus)) return "no nimbus' id is " + quoted(record.nimbus);
    return {};
}

std::string fault(const TopologyErrors& record) {
    if (record.errors.size() > kTopologyErrorsMax) {
        return "it has over " + to_string(kTopologyErrorsMax) + " errors";
    }
    for (const TopologyError& error : record.errors) {
        if (!error.component.empty() && !is_name(error.component, kIdBytesMax)) {
            return "no component is " + quoted(error.component);
        }
        if (error.error.size() > kErrorBytesMax) return "an error is too long";
        if (error.time_ms < 0 || error.first_ms < 0) return "a time is negative";
    }
    return {};
}

std::string fault(const Removal& record) {
    return record.answer_key.size() > kSealedKeyBytesMax ? "its key is too long" : std::string();
}

}  // namespace storm::cluster
