#include "cli/operations.h"

#include <algorithm>
#include <ostream>

#include "cli/await_ready.h"
#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/listing.h"
#include "cli/nimbus_client.h"
#include "cluster/plan.h"

namespace storm::cli {
namespace {

constexpr const char* kTopologies = "/api/v1/topologies";

std::string target_of(const std::string& name) {
    return std::string(kTopologies) + '/' + escaped(name);
}

void write(const Output& output, const Json& answer, const char* list, const char* id,
           std::string (*text)(const Json&, const Terminal&)) {
    switch (output.format) {
        case Format::kJson:
            output.out << to_text(answer);
            break;
        case Format::kNames:
            for (const Json& item : list_at(answer, list)) {
                output.out << printable(text_at(item, id)) << '\n';
            }
            break;
        case Format::kTable:
            output.out << text(answer, output.terminal);
            break;
    }
}

void tell_of_withheld(const NimbusClient& nimbus, const Json& answer, const Output& output) {
    const std::string text = nimbus.withheld_text(answer);
    if (output.format == Format::kTable && !text.empty()) output.out << '\n' << text << '\n';
}

/// Whether the topology with that id is gone. It is not while nobody can be asked.
bool is_gone(NimbusClient& nimbus, const std::string& name, const std::string& id) {
    try {
        return text_at(nimbus.get(target_of(name)), "id") != id;
    } catch (const StillRuns& failure) {
        throw Failure(ExitCode::kFailed, "\"" + name + "\" was killed, but " + failure.what(),
                      failure.hint());
    } catch (const Failure& failure) {
        if (failure.code() == ExitCode::kNotFound) return true;
        if (failure.code() == ExitCode::kUnreachable) return false;
        throw;
    }
}

/// Knows it by its id: a topology that was submitted meanwhile under the same name is not waited
/// for.
void wait_until_gone(NimbusClient& nimbus, const std::string& name, const std::string& id,
                     std::chrono::seconds draining, const Patience& patience, std::ostream& out) {
    const std::chrono::seconds patience_secs = draining + kKillPatience;
    const base::Micros begin = patience.clock.now();
    const base::Micros deadline = begin + std::chrono::microseconds(patience_secs).count();
    bool told = false;
    std::chrono::milliseconds pause = kLookPauseMin;
    while (!is_gone(nimbus, name, id)) {
        if (patience.clock.now() >= deadline) {
            throw Failure(ExitCode::kFailed,
                          "\"" + name + "\" is killed, but not gone after " +
                              duration_text(static_cast<std::uint64_t>(patience_secs.count())),
                          "storm status " + name + " shows which workers still run");
        }
        if (!told && patience.clock.now() - begin >= base::kMicrosPerSecond) {
            told = true;
            out << "draining \"" << name << "\", for at most "
                << duration_text(static_cast<std::uint64_t>(draining.count()))
                << "; -w 0 ends it at once\n"
                << std::flush;
        }
        patience.pause(pause);
        pause = std::min(pause * 3 / 2, kLookPauseMax);
    }
}

/// How long draining may take: as asked, or as Nimbus says for who does not ask.
std::chrono::seconds draining_time(std::optional<std::int64_t> wait_secs, const Json& topology) {
    if (wait_secs) return std::chrono::seconds(*wait_secs);
    const std::uint64_t set =
        count_at(object_at(topology, "settings"), "topology.message.timeout.secs");
    return set > 0 ? std::chrono::seconds(set) : kKillWait;
}

void change(const Config& config, const std::string& name, const char* what, const Output& output) {
    NimbusClient(config).post(target_of(name) + '/' + what, Json::object());
    output.out << what << "d \"" << name << "\"\n";
}

}  // namespace

void list_topologies(const Config& config, const Output& output) {
    write(output, NimbusClient(config).get(kTopologies), "topologies", "name", topologies_text);
}

std::vector<std::string> topology_names(const Config& config) {
    std::vector<std::string> names;
    const Json answer = NimbusClient(config).get(kTopologies);
    for (const Json& topology : list_at(answer, "topologies"))
        names.push_back(text_at(topology, "name"));
    return names;
}

void list_supervisors(const Config& config, const Output& output) {
    write(output, NimbusClient(config).get("/api/v1/supervisors"), "supervisors", "id",
          supervisors_text);
}

void list_nimbuses(const Config& config, const Output& output) {
    write(output, NimbusClient(config).get("/api/v1/nimbuses"), "nimbuses", "id", nimbuses_text);
}

void list_errors(const Config& config, const Output& output) {
    NimbusClient nimbus(config);
    const Json errors = nimbus.get("/api/v1/errors");
    write(output, errors, "errors", "topology", errors_text);
    tell_of_withheld(nimbus, errors, output);
}

void show_status(const Config& config, const std::string& name, const Output& output) {
    NimbusClient nimbus(config);
    const Json topology = nimbus.get(target_of(name));
    output.out << (output.format == Format::kJson ? to_text(topology)
                                                  : topology_text(topology, output.terminal));
    tell_of_withheld(nimbus, topology, output);
}

/// Shown first, judged then: scripts look at the exit code, people at what is wrong.
void show_health(const Config& config, const Output& output) {
    NimbusClient nimbus(config);
    Json health = nimbus.health();
    const Json supervisors = nimbus.get("/api/v1/supervisors");
    if (output.format == Format::kJson) {
        health["supervisors"] = list_at(supervisors, "supervisors");
        output.out << to_text(health);
    } else {
        output.out << health_text(health, supervisors, output.terminal);
    }
    output.out << std::flush;
    if (text_at(health, "zookeeper") != "connected") {
        throw Failure(ExitCode::kFailed,
                      "Nimbus has no connection to ZooKeeper: workers run on, but nothing can be "
                      "changed, and none is moved",
                      "check storm.zookeeper.servers, and that ZooKeeper runs");
    }
    if (text_at(health, "status") != "ok" || text_at(health, "leader").empty()) {
        throw Failure(ExitCode::kFailed, "the cluster is not healthy",
                      "storm nimbuses, storm errors");
    }
    if (list_at(supervisors, "supervisors").empty()) {
        throw Failure(ExitCode::kFailed, "there is no Supervisor, so nothing can run",
                      "start storm-supervisor on the hosts that are to run workers");
    }
}

void kill_topology(const Config& config, const Kill& kill, const Patience& patience,
                   const Output& output) {
    NimbusClient nimbus(config);
    const Json topology = nimbus.get(target_of(kill.name));
    // Before the kill, after which the name may be another one's.
    const std::string id = text_at(topology, "id");
    Json body = Json::object();
    if (kill.wait_secs) body["wait_secs"] = *kill.wait_secs;
    nimbus.post(target_of(kill.name) + "/kill", body);
    if (kill.detach) {
        output.out << "killing \"" << kill.name << "\"\n";
        return;
    }
    wait_until_gone(nimbus, kill.name, id, draining_time(kill.wait_secs, topology), patience,
                    output.out);
    output.out << "killed \"" << kill.name << "\"\n";
}

void rebalance(const Config& config, const Rebalance& rebalance, const Patience& patience,
               const Output& output) {
    Json body = Json::object();
    if (rebalance.workers) body["workers"] = *rebalance.workers;
    if (rebalance.wait_secs) body["wait_secs"] = *rebalance.wait_secs;
    for (const std::string& asked : rebalance.executors) {
        const auto read = cluster::executors_in(asked);
        if (!read) {
            throw Failure(ExitCode::kUsage, "-e " + asked + ": this is not COMPONENT=N",
                          "write such as -e count=4");
        }
        if (body["executors"].contains(read->first)) {
            throw Failure(ExitCode::kUsage, "-e " + asked + ": it is there twice",
                          "name each component once");
        }
        body["executors"][read->first] = read->second;
    }
    NimbusClient nimbus(config);
    const Json topology = nimbus.get(target_of(rebalance.name));
    nimbus.post(target_of(rebalance.name) + "/rebalance", body);
    const std::chrono::seconds draining = draining_time(rebalance.wait_secs, topology);
    output.out << "rebalancing \"" << rebalance.name << "\"; it drains for at most "
               << duration_text(static_cast<std::uint64_t>(draining.count())) << '\n'
               << std::flush;
    if (rebalance.detach) return;
    const std::chrono::microseconds timeout = draining + kRebalancePatience;
    output.out << await_ready(nimbus, rebalance.name, text_at(topology, "id"), timeout.count(),
                              patience, output.out)
               << '\n';
}

void activate(const Config& config, const std::string& name, const Output& output) {
    change(config, name, "activate", output);
}

void deactivate(const Config& config, const std::string& name, const Output& output) {
    change(config, name, "deactivate", output);
}

}  // namespace storm::cli
