#include "cluster/record_schema.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"

namespace storm::cluster {
namespace {

template <typename List>
unsigned count(const List& list) {
    return static_cast<unsigned>(list.size());
}

/// Refuses a key that appears twice, which a map would hide.
std::map<std::string, std::string> read(capnp::List<schema::Setting>::Reader from) {
    std::map<std::string, std::string> settings;
    for (const schema::Setting::Reader setting : from) {
        const bool added =
            settings.emplace(string(setting.getKey()), string(setting.getValue())).second;
        KJ_REQUIRE(added, "a setting is there twice");
    }
    return settings;
}

void write(const std::map<std::string, std::string>& settings, schema::TopologyRecord::Builder to) {
    auto list = to.initSettings(count(settings));
    unsigned next = 0;
    for (const auto& [key, value] : settings) {
        list[next].setKey(text(key));
        list[next++].setValue(bytes_of(value));
    }
}

void write(const Rebalance& rebalance, schema::Rebalance::Builder to) {
    to.setBackTo(static_cast<std::uint8_t>(rebalance.back_to));
    to.setWorkers(rebalance.workers);
    auto executors = to.initExecutors(count(rebalance.executors));
    unsigned next = 0;
    for (const auto& [component, number] : rebalance.executors) {
        executors[next].setComponent(text(component));
        executors[next++].setCount(number);
    }
}

Rebalance read(schema::Rebalance::Reader from) {
    Rebalance rebalance;
    rebalance.back_to = static_cast<Status>(from.getBackTo());
    rebalance.workers = from.getWorkers();
    for (const schema::Executors::Reader executors : from.getExecutors()) {
        const bool added =
            rebalance.executors.emplace(string(executors.getComponent()), executors.getCount())
                .second;
        KJ_REQUIRE(added, "a component is there twice");
    }
    return rebalance;
}

void write(const WorkerSlot& slot, schema::WorkerSlot::Builder to) {
    to.setNumber(slot.number);
    to.setSupervisor(text(slot.supervisor));
    to.setHost(text(slot.host));
    to.setPort(slot.port);
    to.setEpoch(slot.epoch);
}

WorkerSlot read(schema::WorkerSlot::Reader from) {
    return {from.getNumber(), string(from.getSupervisor()), string(from.getHost()), from.getPort(),
            from.getEpoch()};
}

void write_all_but_slots(const Assignment& record, schema::Assignment::Builder to) {
    to.setTopology(text(record.topology));
    to.setEpoch(record.epoch);
    to.setStatus(static_cast<std::uint8_t>(record.status));
    to.setKillWaitMs(record.kill_wait_ms);
    auto executors = to.initWorkerOfExecutor(count(record.worker_of_executor));
    for (unsigned i = 0; i < executors.size(); ++i) {
        executors.set(i, record.worker_of_executor[i]);
    }
}

using Slots = capnp::List<schema::WorkerSlot>;

/// Slots that were there before keep the fields that only a newer version knows.
capnp::Orphan<Slots> slots_like(const Slots::Reader& before, const std::vector<WorkerSlot>& slots,
                                const capnp::Orphanage& orphanage) {
    const auto fresh = orphanage.newOrphan<Slots>(count(slots));
    // Each slot gets the larger of both sizes.
    const Slots::Reader sizes[] = {before, fresh.getReader()};
    auto made = orphanage.newOrphanConcat(kj::ArrayPtr<const Slots::Reader>(sizes, 2));
    made.truncate(count(slots));
    STORM_CHECK(made.getReader().size() == slots.size(), "both lists together are long enough");
    for (unsigned i = 0; i < slots.size(); ++i) {
        made.get().setWithCaveats(i, fresh.getReader()[i]);
        for (const schema::WorkerSlot::Reader slot : before) {
            if (read(slot) == slots[i]) made.get().setWithCaveats(i, slot);
        }
        write(slots[i], made.get()[i]);
    }
    return made;
}

}  // namespace

void write(const SupervisorRecord& record, schema::SupervisorRecord::Builder to) {
    to.setId(text(record.id));
    to.setHost(text(record.host));
    to.setHttpPort(record.http_port);
    auto slots = to.initSlots(count(record.slots));
    for (unsigned i = 0; i < slots.size(); ++i) slots.set(i, record.slots[i]);
    to.setStormVersion(text(record.storm_version));
    to.setMachine(text(record.machine));
    to.setGlibc(text(record.glibc));
    auto features = to.initCpuFeatures(count(record.cpu_features));
    for (unsigned i = 0; i < features.size(); ++i) features.set(i, text(record.cpu_features[i]));
    to.setStartedMs(record.started_ms);
    to.setHome(text(record.home));
    to.setPid(record.pid);
    to.setIsolation(text(record.isolation));
}

SupervisorRecord read(schema::SupervisorRecord::Reader from) {
    SupervisorRecord record;
    record.id = string(from.getId());
    record.host = string(from.getHost());
    record.http_port = from.getHttpPort();
    for (const std::uint16_t port : from.getSlots()) record.slots.push_back(port);
    record.storm_version = string(from.getStormVersion());
    record.machine = string(from.getMachine());
    record.glibc = string(from.getGlibc());
    for (const capnp::Text::Reader feature : from.getCpuFeatures()) {
        record.cpu_features.push_back(string(feature));
    }
    record.started_ms = from.getStartedMs();
    record.home = string(from.getHome());
    record.pid = from.getPid();
    record.isolation = string(from.getIsolation());
    return record;
}

void write(const NimbusRecord& record, schema::NimbusRecord::Builder to) {
    to.setId(text(record.id));
    to.setHost(text(record.host));
    to.setPort(record.port);
    to.setStormVersion(text(record.storm_version));
    to.setStartedMs(record.started_ms);
}

NimbusRecord read(schema::NimbusRecord::Reader from) {
    return {string(from.getId()), string(from.getHost()), from.getPort(),
            string(from.getStormVersion()), from.getStartedMs()};
}

void write(const Leadership& record, schema::Leadership::Builder to) {
    to.setEpoch(record.epoch);
    to.setNimbus(text(record.nimbus));
    to.setStartedMs(record.started_ms);
}

Leadership read(schema::Leadership::Reader from) {
    return {from.getEpoch(), string(from.getNimbus()), from.getStartedMs()};
}

void write(const TopologyErrors& record, schema::TopologyErrors::Builder to) {
    auto errors = to.initErrors(count(record.errors));
    for (unsigned i = 0; i < errors.size(); ++i) {
        const TopologyError& error = record.errors[i];
        errors[i].setComponent(text(error.component));
        // Bytes, since texts of user code may not be UTF-8.
        errors[i].setError(bytes_of(error.error));
        errors[i].setTimeMs(error.time_ms);
        errors[i].setCount(error.count);
        errors[i].setFirstMs(error.first_ms);
        errors[i].setTask(error.task);
    }
}

TopologyErrors read(schema::TopologyErrors::Reader from) {
    TopologyErrors record;
    for (const schema::TopologyError::Reader error : from.getErrors()) {
        record.errors.push_back({string(error.getComponent()), string(error.getError()),
                                 error.getTimeMs(), std::max<std::uint64_t>(error.getCount(), 1),
                                 error.getFirstMs(), error.getTask()});
    }
    return record;
}

void write(const Removal& record, schema::Removal::Builder to) {
    to.setAnswerKey(bytes_of(record.answer_key));
}

Removal read(schema::Removal::Reader from) {
    return {string(from.getAnswerKey())};
}

void write(const TopologyRecord& record, schema::TopologyRecord::Builder to) {
    to.setId(text(record.id));
    to.setName(text(record.name));
    to.setSubmittedMs(record.submitted_ms);
    to.setDescription(bytes_of(record.description));
    write(record.settings, to);
    auto artifacts = to.initArtifacts(count(record.artifacts));
    for (unsigned i = 0; i < artifacts.size(); ++i) {
        const Artifact& artifact = record.artifacts[i];
        artifacts[i].setName(text(artifact.name));
        artifacts[i].setSha256(text(artifact.sha256));
        artifacts[i].setMode(artifact.mode);
        artifacts[i].setBytes(artifact.bytes);
    }
    to.setSecret(bytes_of(record.secret));
    to.setStatus(static_cast<std::uint8_t>(record.status));
    to.setKilledMs(record.killed_ms);
    to.setKillWaitMs(record.kill_wait_ms);
    to.setSealed(record.sealed);
    // Left out if there is none, so that what older versions wrote comes out as it was.
    if (record.rebalance != Rebalance{}) write(record.rebalance, to.initRebalance());
}

TopologyRecord read(schema::TopologyRecord::Reader from) {
    TopologyRecord record;
    record.id = string(from.getId());
    record.name = string(from.getName());
    record.submitted_ms = from.getSubmittedMs();
    record.description = string(from.getDescription());
    record.settings = read(from.getSettings());
    for (const schema::Artifact::Reader artifact : from.getArtifacts()) {
        record.artifacts.push_back({string(artifact.getName()), string(artifact.getSha256()),
                                    artifact.getMode(), artifact.getBytes()});
    }
    record.secret = string(from.getSecret());
    record.status = static_cast<Status>(from.getStatus());
    record.killed_ms = from.getKilledMs();
    record.kill_wait_ms = from.getKillWaitMs();
    record.sealed = from.getSealed();
    if (from.hasRebalance()) record.rebalance = read(from.getRebalance());
    return record;
}

void write(const Assignment& record, schema::Assignment::Builder to) {
    write_all_but_slots(record, to);
    auto workers = to.initWorkers(count(record.workers));
    for (unsigned i = 0; i < workers.size(); ++i) write(record.workers[i], workers[i]);
}

Assignment read(schema::Assignment::Reader from) {
    Assignment record;
    record.topology = string(from.getTopology());
    record.epoch = from.getEpoch();
    record.status = static_cast<Status>(from.getStatus());
    record.kill_wait_ms = from.getKillWaitMs();
    for (const schema::WorkerSlot::Reader slot : from.getWorkers()) {
        record.workers.push_back(read(slot));
    }
    for (const std::uint32_t number : from.getWorkerOfExecutor()) {
        record.worker_of_executor.push_back(number);
    }
    return record;
}

/// All else stays as a newer version wrote it.
void change(const TopologyRecord& record, schema::TopologyRecord::Builder to) {
    to.setStatus(static_cast<std::uint8_t>(record.status));
    to.setKilledMs(record.killed_ms);
    to.setKillWaitMs(record.kill_wait_ms);
    // The rest only if it has changed: written anew it would lose what a newer version has put
    // beside it.
    const TopologyRecord before = read(to.asReader());
    if (record.description != before.description) to.setDescription(bytes_of(record.description));
    if (record.settings != before.settings) write(record.settings, to);
    if (record.rebalance != before.rebalance) write(record.rebalance, to.initRebalance());
}

void change(const Assignment& record, schema::Assignment::Reader before,
            schema::Assignment::Builder to, const capnp::Orphanage& orphanage) {
    write_all_but_slots(record, to);
    to.adoptWorkers(slots_like(before.getWorkers(), record.workers, orphanage));
}

}  // namespace storm::cluster
