// Goal:   every executor is placed, or it is said why not; no slot is used twice; nothing moves
//         without need.
// Method: cases by hand, and histories of clusters at random for what must hold of all.

#include "nimbus/scheduler/even_scheduler.h"

#include <algorithm>
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "nimbus/scheduler/spread.h"
#include "tests/nimbus/described.h"

namespace storm::nimbus {
namespace {

using cluster::Assignment;
using cluster::Description;
using cluster::WorkerSlot;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::word_count;

cluster::SupervisorRecord supervisor(const std::string& host, std::uint16_t slots,
                                     std::uint16_t first_port = 6700) {
    cluster::SupervisorRecord made;
    made.host = host;
    made.machine = "x86_64";
    made.glibc = "2.36";
    made.cpu_features = {"sse4_2"};
    for (std::uint16_t i = 0; i < slots; ++i) {
        made.slots.push_back(static_cast<std::uint16_t>(first_port + i));
    }
    return made;
}

/// A cluster that schedules again and again.
class Cluster {
public:
    void add(const std::string& id, cluster::SupervisorRecord record) {
        record.id = id;
        supply.supervisors[id] = std::move(record);
    }
    Demand& submit(Description description, std::size_t workers) {
        descriptions_.push_back(std::move(description));
        Demand demand;
        demand.description = &descriptions_.back();
        demand.workers = workers;
        demand.current.topology = "t" + std::to_string(demands.size());
        demands.push_back(std::move(demand));
        return demands.back();
    }
    /// The results become the present state.
    std::vector<Placement> run() {
        std::vector<Placement> placements = schedule(demands, supply);
        for (std::size_t i = 0; i < demands.size(); ++i) {
            demands[i].current = placements[i].assignment;
        }
        return placements;
    }

    Supply supply;
    std::vector<Demand> demands;

private:
    std::deque<Description> descriptions_;  // Where they are, they stay.
};

std::vector<std::string> supervisors_of(const Assignment& assignment) {
    std::vector<std::string> ids;
    for (const WorkerSlot& slot : assignment.workers) ids.push_back(slot.supervisor);
    return ids;
}

bool all_assigned(const Assignment& assignment) {
    const auto& workers = assignment.worker_of_executor;
    return std::find(workers.begin(), workers.end(), cluster::kUnassigned) == workers.end();
}

TEST(EvenScheduler, SpreadsOverHostsBeforeSlots) {
    Cluster c;
    c.add("s1", supervisor("alpha", 4));
    c.add("s2", supervisor("beta", 4));
    c.add("s3", supervisor("beta", 4, 6800));
    c.submit(word_count(4), 4);

    const Placement placement = c.run()[0];

    EXPECT_THAT(supervisors_of(placement.assignment), ElementsAre("s2", "s1", "s3", "s1"));
    EXPECT_TRUE(all_assigned(placement.assignment));
    EXPECT_TRUE(placement.changed);
    EXPECT_EQ(placement.assignment.epoch, 1U);
    EXPECT_EQ(placement.assignment.workers[0].epoch, 1U);
    EXPECT_EQ(placement.assignment.workers[0].host, "beta");
    EXPECT_THAT(placement.unassigned, IsEmpty());
    EXPECT_THAT(placement.notes, IsEmpty());
}

TEST(EvenScheduler, ChangesNothingThatIsWell) {
    Cluster c;
    c.add("s1", supervisor("alpha", 2));
    c.submit(word_count(2), 2);
    const Assignment first = c.run()[0].assignment;
    c.add("s2", supervisor("beta", 4));

    const Placement again = c.run()[0];

    EXPECT_FALSE(again.changed);
    EXPECT_EQ(again.assignment, first);
}

TEST(EvenScheduler, SaysThatNobodyIsThere) {
    Cluster c;
    c.submit(word_count(1), 1);

    const Placement placement = c.run()[0];

    EXPECT_THAT(placement.assignment.workers, IsEmpty());
    EXPECT_THAT(placement.assignment.worker_of_executor,
                ElementsAre(cluster::kUnassigned, cluster::kUnassigned, cluster::kUnassigned));
    EXPECT_THAT(placement.unassigned, ElementsAre("no supervisor is connected"));
}

TEST(EvenScheduler, UsesFewerWorkersWhenSlotsAreShortAndSaysSo) {
    Cluster c;
    c.add("s1", supervisor("alpha", 2));
    c.submit(word_count(4), 4);

    const Placement placement = c.run()[0];

    EXPECT_THAT(placement.assignment.workers, SizeIs(2));
    EXPECT_TRUE(all_assigned(placement.assignment));
    EXPECT_THAT(placement.notes, ElementsAre("2 of 4 workers run all executors",
                                             "no free slot: 4 wanted, 2 free on 1 supervisor"));
}

TEST(EvenScheduler, GrowsAgainWhenSlotsCome) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1));
    c.submit(word_count(2), 2);
    c.run();
    c.add("s2", supervisor("beta", 1));

    const Placement placement = c.run()[0];

    EXPECT_THAT(supervisors_of(placement.assignment), ElementsAre("s1", "s2"));
    EXPECT_EQ(placement.assignment.workers[0].epoch, 2U) << "it has other executors than before";
    EXPECT_THAT(placement.notes, IsEmpty());
}

TEST(EvenScheduler, SaysThatAllSlotsAreTaken) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1));
    c.submit(word_count(1), 1);
    c.submit(word_count(1), 3);

    const Placement second = c.run()[1];

    EXPECT_THAT(second.unassigned, ElementsAre("no free slot: 3 wanted, 0 free on 1 supervisor"));
}

TEST(EvenScheduler, SaysThatThereIsNoWorkForSoManyWorkers) {
    Cluster c;
    c.add("s1", supervisor("alpha", 8));
    c.submit(tests::Described().spout("a", 1).bolt("b", 2, {"a", "c"}).bolt("c", 1, {"b"}).get(),
             4);

    const Placement placement = c.run()[0];

    EXPECT_THAT(placement.assignment.workers, SizeIs(2));
    EXPECT_THAT(
        placement.notes,
        ElementsAre("4 workers wanted, but there is work for 2 only: one for each executor; "
                    "the cycle of b, c is on one worker"));
}

TEST(EvenScheduler, ExcludesSupervisorsThatCannotRunTheProgramAndSaysWhy) {
    Cluster c;
    c.add("arm", supervisor("alpha", 4));
    c.supply.supervisors["arm"].machine = "aarch64";
    c.add("old", supervisor("beta", 4));
    c.supply.supervisors["old"].glibc = "2.9";
    c.add("weak", supervisor("gamma", 4));
    c.supply.supervisors["weak"].cpu_features = {};
    Description program = word_count(2);
    program.machine = "x86_64";
    program.glibc = "2.31";
    program.cpu_features = {"avx2", "sse4_2"};
    c.submit(program, 2);

    EXPECT_THAT(c.run()[0].unassigned,
                ElementsAre("supervisor \"arm\" is excluded: it is aarch64, the program is built "
                            "for x86_64",
                            "supervisor \"old\" is excluded: it has glibc 2.9, the program needs "
                            "2.31",
                            "supervisor \"weak\" is excluded: its processor lacks avx2, sse4_2, "
                            "which the program is built for"));

    c.add("good", supervisor("delta", 4));
    c.supply.supervisors["good"].cpu_features = {"avx", "avx2", "sse4_2"};
    EXPECT_THAT(supervisors_of(c.run()[0].assignment), ElementsAre("good", "good"));
}

TEST(EvenScheduler, MovesOnlyTheWorkersOfALostSupervisor) {
    Cluster c;
    c.add("s1", supervisor("alpha", 4));
    c.add("s2", supervisor("beta", 4));
    c.submit(word_count(4), 4);
    const Assignment before = c.run()[0].assignment;
    c.supply.supervisors.erase("s1");

    const Assignment after = c.run()[0].assignment;

    EXPECT_EQ(after.epoch, 2U);
    EXPECT_EQ(after.worker_of_executor, before.worker_of_executor);
    for (std::size_t i = 0; i < 4; ++i) {
        if (before.workers[i].supervisor == "s2") {
            EXPECT_EQ(after.workers[i], before.workers[i]);
        } else {
            EXPECT_EQ(after.workers[i].supervisor, "s2");
            EXPECT_EQ(after.workers[i].number, before.workers[i].number);
            EXPECT_EQ(after.workers[i].epoch, 2U);
        }
    }
    c.add("s1", supervisor("alpha", 4));
    EXPECT_FALSE(c.run()[0].changed) << "nothing moves back";
}

TEST(EvenScheduler, MovesNothingAwayFromASupervisorThatIsExpected) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1));
    c.add("s2", supervisor("beta", 4));
    c.submit(word_count(2), 2);
    const Assignment before = c.run()[0].assignment;
    c.supply.supervisors.clear();
    c.supply.expected = {"s1", "s2"};

    EXPECT_EQ(c.run()[0].assignment, before);
}

TEST(EvenScheduler, LeavesWorkersWithALostSupervisorWhenThereIsNoOtherPlace) {
    Cluster c;
    c.add("s1", supervisor("alpha", 4));
    c.submit(word_count(2), 2);
    const Assignment before = c.run()[0].assignment;
    c.supply.supervisors.clear();

    const Placement placement = c.run()[0];

    EXPECT_EQ(placement.assignment, before);
    EXPECT_THAT(placement.unassigned,
                ElementsAre("worker 0 waits for supervisor \"s1\" on alpha to return",
                            "worker 1 waits for supervisor \"s1\" on alpha to return",
                            "no supervisor is connected"));
}

TEST(EvenScheduler, GivesNobodyASlotThatATopologyBehindItHas) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1));
    c.submit(word_count(1), 1);
    c.submit(word_count(1), 1);
    std::swap(c.demands[0], c.demands[1]);
    c.run();  // The one in front has the slot now.
    std::swap(c.demands[0], c.demands[1]);

    const auto placements = c.run();

    EXPECT_THAT(placements[0].unassigned, SizeIs(1));
    EXPECT_THAT(placements[1].assignment.workers, SizeIs(1));
}

TEST(EvenScheduler, KeepsTheSlotsOfWhatIsBeingKilled) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1));
    c.submit(word_count(1), 1);
    c.run();
    c.demands[0].settled = true;
    c.submit(word_count(1), 1);

    const auto placements = c.run();

    EXPECT_FALSE(placements[0].changed);
    EXPECT_THAT(placements[1].unassigned, SizeIs(1));
}

TEST(EvenScheduler, LeavesASlotThatItsSupervisorNoLongerHas) {
    Cluster c;
    c.add("s1", supervisor("alpha", 1, 6700));
    c.submit(word_count(1), 1);
    c.run();
    c.supply.supervisors["s1"].slots = {6800};

    EXPECT_EQ(c.run()[0].assignment.workers.at(0).port, 6800);
    c.supply.supervisors["s1"].slots = {};
    const Placement none = c.run()[0];
    EXPECT_THAT(none.assignment.workers, IsEmpty());
    EXPECT_THAT(none.assignment.worker_of_executor, Contains(cluster::kUnassigned));
    EXPECT_EQ(none.assignment.epoch, 3U);
}

void check_soundness(const Cluster& c, const std::vector<Placement>& placements) {
    std::set<std::pair<std::string, std::uint16_t>> used;
    for (std::size_t i = 0; i < placements.size(); ++i) {
        const Assignment& made = placements[i].assignment;
        const Description& topology = *c.demands[i].description;
        RC_ASSERT(made.worker_of_executor.size() == topology.component_of_executor().size());
        std::set<std::uint32_t> numbers;
        for (const WorkerSlot& slot : made.workers) {
            RC_ASSERT(numbers.insert(slot.number).second);
            RC_ASSERT(slot.epoch > 0U);
            RC_ASSERT(slot.epoch <= made.epoch);
            RC_ASSERT(used.insert({slot.supervisor, slot.port}).second);
            const auto live = c.supply.supervisors.find(slot.supervisor);
            if (live == c.supply.supervisors.end()) continue;
            const auto& ports = live->second.slots;
            RC_ASSERT(std::count(ports.begin(), ports.end(), slot.port) == 1);
            RC_ASSERT(misfit(topology, live->second).empty());
        }
        std::set<std::uint32_t> busy;
        for (const std::uint32_t number : made.worker_of_executor) {
            if (number == cluster::kUnassigned) {
                RC_ASSERT(!placements[i].unassigned.empty());
            } else {
                RC_ASSERT(numbers.count(number) == 1U);
                busy.insert(number);
            }
        }
        RC_ASSERT(busy == numbers);
        RC_ASSERT(made.workers.size() <= c.demands[i].workers);
        if (made.workers.size() < std::min(c.demands[i].workers, useful_workers(topology))) {
            RC_ASSERT(!placements[i].notes.empty() || !placements[i].unassigned.empty());
        }
    }
}

RC_GTEST_PROP(EvenScheduler, IsSoundAndStableInAnyHistory, ()) {
    Cluster c;
    const int steps = *rc::gen::inRange(1, 12);
    for (int step = 0; step < steps; ++step) {
        const std::string id = "s" + std::to_string(*rc::gen::inRange(0, 4));
        switch (*rc::gen::inRange(0, 6)) {
            case 0:
            case 1:
                c.submit(tests::any_description(), *rc::gen::inRange<std::size_t>(1, 6));
                break;
            case 2:
                c.supply.supervisors.erase(id);
                c.supply.expected.erase(id);
                break;
            case 3:
                if (c.supply.supervisors.erase(id) > 0) c.supply.expected.insert(id);
                break;
            default:
                c.add(id, supervisor("host" + std::to_string(*rc::gen::inRange(0, 2)),
                                     *rc::gen::inRange<std::uint16_t>(1, 5)));
                c.supply.expected.erase(id);
        }
        const std::vector<Demand> before = c.demands;
        const auto placements = c.run();
        check_soundness(c, placements);
        for (std::size_t i = 0; i < placements.size(); ++i) {
            // A worker is started anew only if its slot or its executors changed.
            const Assignment& was = before[i].current;
            const Assignment& is = placements[i].assignment;
            RC_ASSERT(placements[i].changed == (was != is));
            RC_ASSERT(is.epoch == was.epoch + (placements[i].changed ? 1U : 0U));
            for (const WorkerSlot& old : was.workers) {
                for (const WorkerSlot& now : is.workers) {
                    if (now.number != old.number || now.epoch == old.epoch) continue;
                    bool executors_differ = false;
                    for (std::size_t e = 0; e < is.worker_of_executor.size(); ++e) {
                        executors_differ |= (was.worker_of_executor[e] == old.number) !=
                                            (is.worker_of_executor[e] == old.number);
                    }
                    RC_ASSERT(now.supervisor != old.supervisor || now.port != old.port ||
                              executors_differ);
                }
            }
        }
        for (const Placement& again : c.run()) RC_ASSERT(!again.changed);
    }
}

RC_GTEST_PROP(EvenScheduler, MovesNoMoreThanWasLost, ()) {
    Cluster c;
    for (const char* id : {"s0", "s1", "s2"}) {
        c.add(id, supervisor(std::string("host-") + id, *rc::gen::inRange<std::uint16_t>(2, 9)));
    }
    c.submit(tests::any_description(), *rc::gen::inRange<std::size_t>(1, 6));
    const Assignment before = c.run()[0].assignment;
    c.supply.supervisors.erase("s1");
    const std::size_t left =
        c.supply.supervisors["s0"].slots.size() + c.supply.supervisors["s2"].slots.size();
    RC_PRE(left >= before.workers.size());

    const Assignment after = c.run()[0].assignment;

    RC_ASSERT(after.workers.size() == before.workers.size());
    RC_ASSERT(after.worker_of_executor == before.worker_of_executor);
    for (std::size_t i = 0; i < before.workers.size(); ++i) {
        if (before.workers[i].supervisor != "s1") RC_ASSERT(after.workers[i] == before.workers[i]);
    }
}

}  // namespace
}  // namespace storm::nimbus
