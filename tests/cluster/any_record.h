// Any record or message that may be written, from a random generator: for tests and fuzzers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "cluster/limits.h"
#include "cluster/record_codec.h"
#include "cluster/records.h"
#include "cluster/reports.h"
#include "cluster/worker_protocol.h"

namespace storm::cluster {

class AnyRecord {
public:
    explicit AnyRecord(std::uint64_t seed) : random_(seed) {}

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_.below(bound));
    }
    std::string name() { return text("abcXYZ019_", 1 + below(12)) + text("a-.", below(3)); }
    std::string id() { return text("abz09:.[]-_", 1 + below(20)) + "x"; }
    /// Any bytes at all.
    std::string bytes(std::uint32_t max) {
        std::string made(below(max + 1), '\0');
        for (char& c : made) c = static_cast<char>(random_.next());
        return made;
    }
    std::string secret() {
        std::string made(kSecretBytes, '\0');
        for (char& c : made) c = static_cast<char>(random_.next());
        return made;
    }
    std::int64_t time_ms() { return static_cast<std::int64_t>(random_.next() >> (1 + below(40))); }
    std::uint16_t port() { return static_cast<std::uint16_t>(1 + below(65535)); }
    Status status() { return static_cast<Status>(below(5)); }

    Rebalance rebalance() {
        Rebalance made{below(2) == 1 ? Status::kActive : Status::kInactive, below(100), {}};
        for (std::uint32_t i = below(4); i > 0; --i) made.executors[name()] = 1 + below(9);
        return made;
    }
    TopologyRecord topology() {
        TopologyRecord record;
        record.id = name();
        record.name = name();
        record.submitted_ms = time_ms();
        record.description = bytes(200);
        for (std::uint32_t i = below(5); i > 0; --i) record.settings[id()] = bytes(20);
        for (std::uint32_t i = 1 + below(3); i > 0; --i) {
            record.artifacts.push_back({std::to_string(i) + id(), text("0123456789abcdef", 64),
                                        below(0777 + 1), random_.next()});
        }
        record.secret = secret();
        record.status = status();
        record.killed_ms = time_ms();
        record.kill_wait_ms = time_ms();
        record.sealed = below(2) == 1;
        if (below(2) == 1) record.rebalance = rebalance();
        return record;
    }
    Assignment assignment() {
        Assignment record;
        record.topology = name();
        record.epoch = random_.next() >> (32 + below(31));
        record.status = status();
        record.kill_wait_ms = time_ms();
        std::uint32_t number = below(3);
        for (std::uint32_t i = below(5); i > 0; --i, number += 1 + below(3)) {
            record.workers.push_back({number, id(), id(), port(), record.epoch >> below(33)});
        }
        for (std::uint32_t i = below(20); i > 0; --i) {
            const auto worker = below(static_cast<std::uint32_t>(record.workers.size()) + 1);
            record.worker_of_executor.push_back(
                worker < record.workers.size() ? record.workers[worker].number : kUnassigned);
        }
        return record;
    }
    SupervisorRecord supervisor() {
        SupervisorRecord record{id(),     id(), port(), {},   bytes(9), bytes(9),
                                bytes(9), {},   0,      id(), port(),   {}};
        std::uint16_t slot = 6700;
        for (std::uint32_t i = below(6); i > 0; --i) record.slots.push_back(slot++);
        for (std::uint32_t i = below(6); i > 0; --i) record.cpu_features.push_back(name());
        record.started_ms = time_ms();
        record.isolation = bytes(30);
        return record;
    }
    NimbusRecord nimbus() { return {id(), id(), port(), bytes(9), time_ms()}; }
    Leadership leadership() { return {random_.next(), id(), time_ms()}; }
    Removal removal() { return {bytes(kSealedKeyBytesMax)}; }
    TopologyErrors errors() {
        TopologyErrors record;
        for (std::uint32_t i = below(kTopologyErrorsMax + 1); i > 0; --i) {
            record.errors.push_back({below(2) == 0 ? std::string() : name(), bytes(40), time_ms()});
        }
        return record;
    }

    Bootstrap bootstrap() {
        Bootstrap bootstrap;
        bootstrap.topology = topology();
        do bootstrap.assignment = assignment();
        while (bootstrap.assignment.workers.empty());
        bootstrap.assignment.topology = bootstrap.topology.id;
        const WorkerSlot& slot = bootstrap.assignment.workers.back();
        bootstrap.number = slot.number;
        bootstrap.incarnation = slot.epoch << 32 | below(100);
        bootstrap.supervisor_socket = "/" + id();
        bootstrap.token = secret();
        bootstrap.nimbuses = nimbuses();
        return bootstrap;
    }
    std::vector<NimbusAddress> nimbuses() {
        std::vector<NimbusAddress> found;
        for (std::uint32_t i = below(4); i > 0; --i) found.push_back({id(), port()});
        return found;
    }
    ToWorker to_worker() {
        if (below(3) == 0) return Vouch{below(2) == 0, nimbuses()};
        if (below(2) == 0) return Stop{below(2) == 0};
        return Assign{assignment()};
    }
    ToSupervisor to_supervisor() {
        if (below(3) == 0) {
            return Hello{secret(), bytes(9), static_cast<std::int32_t>(1 + below(1U << 22))};
        }
        return report();
    }
    WorkerReport report() {
        WorkerReport report{random_.next() >> 32,
                            static_cast<WorkerState>(below(4)),
                            static_cast<LeaseHolder>(below(4)),
                            port(),
                            bytes(30),
                            {}};
        for (std::uint32_t i = below(4); i > 0; --i) report.components.push_back(component());
        return report;
    }
    ComponentReport component() {
        ComponentReport component{name(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  random_.next(),
                                  {random_.next(), random_.next(), random_.next(), random_.next()},
                                  {},
                                  {},
                                  {},
                                  below(9),
                                  below(9)};
        for (std::uint32_t i = below(64); i > 0; --i) {
            component.complete_latency.push_back(random_.next());
        }
        for (std::uint32_t i = below(4); i > 0; --i) {
            component.last_errors.push_back(
                {bytes(30), random_.next(), static_cast<std::uint32_t>(random_.next())});
            component.statuses.push_back({static_cast<std::uint32_t>(random_.next()), bytes(30)});
        }
        return component;
    }

private:
    std::string text(std::string_view letters, std::uint32_t length) {
        std::string made;
        while (made.size() < length) {
            made += letters[below(static_cast<std::uint32_t>(letters.size()))];
        }
        return made;
    }

    base::Random random_;
};

/// One of them as bytes, of each kind in turn.
inline std::string any_record_bytes(std::uint64_t seed) {
    AnyRecord any(seed);
    switch (seed % 7) {
        case 0:
            return encode(any.topology());
        case 1:
            return encode(any.assignment());
        case 2:
            return encode(any.supervisor());
        case 3:
            return encode(any.nimbus());
        case 4:
            return encode(any.leadership());
        case 5:
            return encode(any.removal());
        default:
            return encode(any.errors());
    }
}

}  // namespace storm::cluster
