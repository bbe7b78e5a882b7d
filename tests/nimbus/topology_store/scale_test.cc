// Goal:   with 1,000 topologies on 1,000 Supervisors an event costs the leader what it changes.
// Method: the simulated cluster. Counted: topologies that are placed anew. Printed, and for people
// to
//         judge: the longest turn of the leader's loop after each event, in processor time.

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "cluster/record_codec.h"
#include "nimbus/api/metrics.h"
#include "nimbus/api/views.h"
#include "nimbus/limits.h"
#include "tests/nimbus/described.h"
#include "tests/nimbus/simulated.h"

namespace storm::nimbus {
namespace {

using base::kMicrosPerSecond;
using cluster::Assignment;
using tests::SimulatedNimbus;
using tests::World;

constexpr std::size_t kTopologies = 1'000;
constexpr std::size_t kSupervisors = 1'000;
constexpr std::uint16_t kSlots = 4;

double cpu_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void told(const char* what, double ms) {
    base::log::error(what, {{"cpu_us", static_cast<std::int64_t>(ms * 1000)}});
}

cluster::TopologyRecord record(std::size_t i) {
    cluster::TopologyRecord made;
    made.name = "t" + std::to_string(i);
    made.id = made.name + '-' + std::to_string(i + 1) + "-1700000000";
    made.submitted_ms = 1'700'000'000'000;
    made.description = tests::describe_json(tests::word_count(4));
    made.settings["topology.workers"] = "3";
    made.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
    made.secret = std::string(32, 's');
    return made;
}

class Scale : public ::testing::Test {
protected:
    Scale() {
        base::log::set_level(base::LogLevel::kError);
        world.time.run_for(2 * kMicrosPerSecond);  // It makes the folders.
        nimbus.loop.hold();
        world.time.run_for(10 * kMicrosPerSecond);
        std::vector<coordination::Step> steps;
        for (std::size_t i = 0; i < kTopologies; ++i) {
            const cluster::TopologyRecord made = record(i);
            Assignment none;
            none.topology = made.id;
            steps.emplace_back(coordination::Create{"/storm/names/" + made.name, made.id});
            steps.emplace_back(coordination::Create{"/storm/topologies/" + made.id, encode(made)});
            steps.emplace_back(coordination::Create{"/storm/assignments/" + made.id, encode(none)});
            steps.emplace_back(coordination::Create{"/storm/errors/" + made.id,
                                                    encode(cluster::TopologyErrors{})});
        }
        for (std::size_t i = 0; i < kSupervisors; ++i) {
            steps.emplace_back(coordination::Create{"/storm/supervisors/s" + std::to_string(i),
                                                    encode(supervisor(i))});
        }
        EXPECT_EQ(world.server.change(steps), coordination::CoordinationError::kNone);
        nimbus.loop.release();
        world.time.run_for(60 * kMicrosPerSecond);
    }

    static cluster::SupervisorRecord supervisor(std::size_t i) {
        cluster::SupervisorRecord made;
        made.id = "s" + std::to_string(i);
        made.host = "host-" + std::to_string(i);
        made.http_port = 8000;
        made.machine = "x86_64";
        made.glibc = "2.36";
        for (int feature = 0; feature < 20; ++feature) {
            made.cpu_features.push_back("feature-number-" + std::to_string(feature));
        }
        for (std::uint16_t port = 0; port < kSlots; ++port) {
            made.slots.push_back(static_cast<std::uint16_t>(6700 + port));
        }
        return made;
    }

    /// The longest turn of the leader from now on.
    double longest_turn_ms(base::Micros duration) {
        double longest = 0;
        const base::Micros until = world.time.now() + duration;
        while (world.time.now() < until) {
            const double before = cpu_ms();
            const auto* const whose = world.time.run_next(until - world.time.now());
            if (whose == nullptr) break;
            if (whose == &nimbus.loop) longest = std::max(longest, cpu_ms() - before);
        }
        return longest;
    }
    std::uint64_t placed() const { return nimbus.topologies.counters().topologies_placed; }

    World world;
    SimulatedNimbus nimbus{world, "n1:6627"};
};

TEST_F(Scale, AnEventCostsWhatItChanges) {
    ASSERT_TRUE(nimbus.topologies.leading());
    ASSERT_EQ(nimbus.topologies.all().size(), kTopologies);
    for (const TopologyView& view : nimbus.topologies.all()) {
        ASSERT_EQ(view.assignment.workers.size(), 3U) << view.record.name;
    }

    std::uint64_t before = placed();
    world.server.change({coordination::Remove{"/storm/supervisors/s7"}});
    told("a Supervisor is lost", longest_turn_ms(kMicrosPerSecond));
    EXPECT_LE(placed() - before, 2 * kSlots);

    before = placed();
    world.server.change({coordination::Create{"/storm/supervisors/new", [] {
                                                  auto made = supervisor(kSupervisors);
                                                  made.id = "new";
                                                  return encode(made);
                                              }()}});
    told("a Supervisor comes", longest_turn_ms(kMicrosPerSecond));
    EXPECT_EQ(placed(), before);

    before = placed();
    double begin = cpu_ms();
    std::string answer = "none";
    Submission made;
    made.record = record(kTopologies);
    made.description = tests::word_count(4);
    nimbus.topologies.submit(std::move(made), [&](const std::string& id,
                                                  const std::optional<Refusal>&) { answer = id; });
    told("a topology is submitted", cpu_ms() - begin);
    told("  and what follows", longest_turn_ms(kMicrosPerSecond));
    EXPECT_NE(answer, "none");
    EXPECT_EQ(placed(), before);

    before = placed();
    nimbus.topologies.deactivate("t5", [](const std::optional<Refusal>&) {});
    told("one is deactivated", longest_turn_ms(kMicrosPerSecond));
    EXPECT_LE(placed() - before, 1U);

    cluster::SupervisorReport report;
    report.supervisor = "s1";
    report.host = "host-1";
    report.http_port = 8000;
    begin = cpu_ms();
    nimbus.topologies.report(report);
    told("a report", cpu_ms() - begin);
    begin = cpu_ms();
    const std::string list = topologies_json(nimbus.topologies, world.wall.now_ms());
    told("GET /topologies", cpu_ms() - begin);
    EXPECT_GT(list.size(), kTopologies);
    const Nimbuses nimbuses;
    const std::map<int, std::uint64_t> statuses;
    begin = cpu_ms();
    const std::string metrics = metrics_response({.topologies = nimbus.topologies,
                                                  .nimbuses = nimbuses,
                                                  .zookeeper_connected = true,
                                                  .blobs = {},
                                                  .requests_by_status = statuses})
                                    .body;
    told("GET /metrics", cpu_ms() - begin);
    EXPECT_NE(metrics.find("storm_nimbus_topologies"), std::string::npos);
}

}  // namespace
}  // namespace storm::nimbus
