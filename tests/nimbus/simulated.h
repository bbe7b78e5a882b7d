// Whole Nimbuses but for HTTP, and Supervisors that only publish themselves, on the in-memory
// ZooKeeper; time stands still until told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordination/election.h"
#include "coordination/memory_coordination.h"
#include "coordination/session.h"
#include "nimbus/topology_store/topologies.h"
#include "tests/nimbus/described.h"
#include "tests/support/manual_loop.h"

namespace storm::nimbus::tests {

using base::kMicrosPerSecond;
using cluster::Assignment;
using storm::testing::ManualLoop;
using storm::testing::ManualTime;

inline constexpr base::Micros kTaskTimeout = 4 * base::kMicrosPerSecond;
inline constexpr base::Micros kSessionTimeout = 5 * kMicrosPerSecond;

class TimeOfDay final : public base::WallClock {
public:
    explicit TimeOfDay(const ManualTime& time) : time_(time) {}
    std::int64_t now_ms() const override {
        return 1'700'000'000'000 + time_.now() / 1000 + ahead_ms;
    }

    std::int64_t ahead_ms = 0;

private:
    const ManualTime& time_;
};

/// The surroundings of all Nimbuses.
struct World {
    ManualTime time;
    ManualLoop server_loop{time};
    coordination::MemoryServer server{server_loop,
                                      {kSessionTimeout, [] { return base::Micros{100}; }}};
    TimeOfDay wall{time};
};

struct SimulatedNimbus {
    SimulatedNimbus(World& given, const std::string& id)
        : world(given),
          session(
              loop, [this] { return world.server.connect(loop); }, "/storm"),
          state(session),
          topologies(
              state, loop, world.wall, kTaskTimeout,
              [this] { return election ? election->term() : std::optional<coordination::Term>(); },
              seal) {
        session.on_ready([this](std::uint64_t) { topologies.connection_lost(); });
        state.follow_leader([this](const std::optional<cluster::Leadership>& leader) {
            if (leader) topologies.saw_leader(*leader);
        });
        election.emplace(session, id, world.wall.now_ms(),
                         [this](const std::optional<coordination::Term>& term) {
                             if (term) return topologies.begin_term(*term);
                             topologies.end_term();
                         });
    }

    /// The id; or why not.
    std::string submit(const std::string& name, std::size_t workers, int executors = 4,
                       const std::string& large = "") {
        Submission made;
        made.record.name = name;
        made.record.settings["topology.workers"] = std::to_string(workers);
        if (!large.empty()) made.record.settings["large"] = large;
        made.record.description = describe_json(word_count(executors));
        made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
        made.description = word_count(executors);
        std::string answer = "no answer";
        topologies.submit(std::move(made),
                          [&](const std::string& id, const std::optional<Refusal>& refused) {
                              answer = refused ? refused->why : id;
                          });
        world.time.run_for(kMicrosPerSecond / 10);
        return answer;
    }
    /// "" or why not.
    template <typename Ask>
    std::string ask(const Ask& ask_it) {
        std::string answer = "no answer";
        ask_it(
            [&](const std::optional<Refusal>& refused) { answer = refused ? refused->why : ""; });
        world.time.run_for(kMicrosPerSecond / 10);
        return answer;
    }
    std::string kill(const std::string& name, std::optional<std::int64_t> wait_ms) {
        return ask([&](const Answered& done) { topologies.kill(name, wait_ms, done); });
    }
    std::string rebalance(const std::string& name, const cluster::Rebalance& asked,
                          std::optional<std::int64_t> wait_ms = {}) {
        return ask([&](const Answered& done) { topologies.rebalance(name, wait_ms, asked, done); });
    }
    std::optional<Assignment> assignment(const std::string& name) const {
        for (const TopologyView& view : topologies.all()) {
            if (view.record.name == name) return view.assignment;
        }
        return std::nullopt;
    }
    std::string status(const std::string& name) const {
        for (const TopologyView& view : topologies.all()) {
            if (view.record.name == name) return std::string(view.state);
        }
        return "none";
    }

    World& world;
    ManualLoop loop{world.time};
    coordination::Session session;
    coordination::ClusterState state;
    std::optional<coordination::Election> election;
    const cluster::Seal seal{"token"};
    Topologies topologies;
};

struct SimulatedSupervisor {
    SimulatedSupervisor(World& world, const std::string& id, std::uint16_t slots)
        : loop(world.time),
          session(
              loop, [this, &world] { return world.server.connect(loop); }, "/storm"),
          state(session) {
        record.id = id;
        record.host = "host-" + id;
        record.http_port = 8000;
        record.started_ms = world.wall.now_ms();
        record.machine = "x86_64";
        record.glibc = "2.36";
        for (std::uint16_t i = 0; i < slots; ++i) {
            record.slots.push_back(static_cast<std::uint16_t>(6700 + i));
        }
        state.publish(record, [](const std::string&) {});
    }

    /// As if each of its workers were so.
    cluster::SupervisorReport report(const Assignment& assignment,
                                     cluster::WorkerState worker_state, std::int32_t pid) const {
        cluster::SupervisorReport made;
        made.supervisor = record.id;
        made.host = record.host;
        for (const cluster::WorkerSlot& slot : assignment.workers) {
            if (slot.supervisor != record.id) continue;
            cluster::WorkerStatus worker;
            worker.topology = assignment.topology;
            worker.number = slot.number;
            worker.incarnation = slot.epoch << 32U;
            worker.port = slot.port;
            worker.pid = pid;
            worker.report.state = worker_state;
            made.workers.push_back(worker);
        }
        return made;
    }

    ManualLoop loop;
    coordination::Session session;
    coordination::ClusterState state;
    cluster::SupervisorRecord record;
};

}  // namespace storm::nimbus::tests
