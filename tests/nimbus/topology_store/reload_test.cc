// Goal:   what was answered with success is what ZooKeeper and the list say in the end, and each
//         epoch of an assignment has one content, whatever fails, and whatever is asked while the
//         leader reads everything anew.
// Method: the simulated cluster. A first request meets each kind of fault; a second one, or a
//         Supervisor that comes, follows after each single step of what the first one sets off.
//         After each step ZooKeeper is looked at.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "cluster/record_codec.h"
#include "nimbus/limits.h"
#include "tests/nimbus/described.h"
#include "tests/nimbus/simulated.h"

namespace storm::nimbus {
namespace {

using base::kMicrosPerSecond;
using cluster::Assignment;
using coordination::MultiFault;
using tests::SimulatedNimbus;
using tests::SimulatedSupervisor;
using tests::World;

enum class Ask : std::uint8_t { kSubmit, kSubmitTooLarge, kKill, kActivate, kDeactivate, kSlot };
constexpr Ask kAll[] = {Ask::kSubmit,   Ask::kSubmitTooLarge, Ask::kKill,
                        Ask::kActivate, Ask::kDeactivate,     Ask::kSlot};

enum class Fault : std::uint8_t {
    kNone,
    kRefused,
    kLostBefore,
    kLostAfter,
    kUnknown,
    kUnknownDone
};
constexpr Fault kFaults[] = {Fault::kNone,      Fault::kRefused, Fault::kLostBefore,
                             Fault::kLostAfter, Fault::kUnknown, Fault::kUnknownDone};

const char* text(Ask ask) {
    switch (ask) {
        case Ask::kSubmit:
            return "submit";
        case Ask::kSubmitTooLarge:
            return "submit too large";
        case Ask::kKill:
            return "kill";
        case Ask::kActivate:
            return "activate";
        case Ask::kDeactivate:
            return "deactivate";
        case Ask::kSlot:
            return "a slot comes";
    }
    return "";
}

/// How a request was answered.
enum class Answer : std::uint8_t { kNone, kDone, kRefused, kPerhaps };

/// A topology "wc" that wants three workers and has two, and all that may become of it.
class Play {
public:
    Play() {
        add_supervisor("s1");
        add_supervisor("s2");
        world.time.run_for(kMicrosPerSecond);
        id = nimbus.submit("wc", 3);
        world.time.run_for(kMicrosPerSecond);
    }

    void add_supervisor(const std::string& name) {
        supervisors.push_back(std::make_unique<SimulatedSupervisor>(world, name, 1));
    }

    void arm(Fault fault) {
        const auto fail = [this](int count, MultiFault kind) {
            world.server.fail_multis(nimbus.loop, count, kind);
        };
        switch (fault) {
            case Fault::kNone:
                return;
            case Fault::kRefused:
                return fail(1, MultiFault::kRefused);
            case Fault::kLostBefore:
                return fail(1, MultiFault::kLostBefore);
            case Fault::kLostAfter:
                return fail(1, MultiFault::kLostAfter);
            case Fault::kUnknown:
                return fail(coordination::kWriteTriesMax, MultiFault::kLostBefore);
            case Fault::kUnknownDone:
                return fail(coordination::kWriteTriesMax, MultiFault::kLostAfter);
        }
    }

    void ask(Ask what) {
        asked.emplace_back(what, std::make_shared<Answer>(Answer::kNone));
        const auto answer = asked.back().second;
        const Answered done = [answer](const std::optional<Refusal>& refused) {
            EXPECT_EQ(*answer, Answer::kNone) << "answered once";
            if (!refused) {
                *answer = Answer::kDone;
            } else if (refused->why.find("may have happened") != std::string::npos) {
                *answer = Answer::kPerhaps;
            } else {
                *answer = Answer::kRefused;
            }
        };
        const std::string name = "new-" + std::to_string(asked.size());
        switch (what) {
            case Ask::kSubmit:
            case Ask::kSubmitTooLarge:
                return submit(name, what == Ask::kSubmitTooLarge, done);
            case Ask::kKill:
                return nimbus.topologies.kill("wc", 1'000, done);
            case Ask::kActivate:
                return nimbus.topologies.activate("wc", done);
            case Ask::kDeactivate:
                return nimbus.topologies.deactivate("wc", done);
            case Ask::kSlot:
                *answer = Answer::kDone;
                return add_supervisor("s-" + name);
        }
    }

    void submit(const std::string& name, bool too_large, const Answered& done) {
        Submission made;
        made.record.name = name;
        made.record.description = tests::describe_json(tests::word_count(1));
        if (too_large) made.record.settings["x"] = std::string(cluster::kRecordBytesMax, 'x');
        made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
        made.description = tests::word_count(1);
        nimbus.topologies.submit(
            std::move(made),
            [done](const std::string&, const std::optional<Refusal>& refused) { done(refused); });
    }

    /// False: nothing happens any more within `limit`.
    bool step(base::Micros limit) {
        const bool more = world.time.run_next(limit) != nullptr;
        look();
        return more;
    }
    void run(base::Micros duration) {
        const base::Micros until = world.time.now() + duration;
        while (world.time.now() < until && step(until - world.time.now())) {
        }
    }

    /// One epoch has one content, and so has one incarnation of a worker.
    void look() {
        for (const std::string& each : world.server.children("/storm/assignments")) {
            const std::string data = world.server.data("/storm/assignments/" + each);
            std::string& last = last_[each];
            if (data == last) continue;
            const auto before = last.empty() ? Assignment{} : *cluster::decode<Assignment>(last);
            last = data;
            const auto now = cluster::decode<Assignment>(data);
            ASSERT_TRUE(now);
            EXPECT_GE(now->epoch, before.epoch);
            const auto [at, is_new] = contents_.try_emplace({each, now->epoch}, data);
            EXPECT_EQ(at->second, data) << "two contents of epoch " << now->epoch;
            for (const cluster::WorkerSlot& slot : now->workers) {
                const std::string place = slot.supervisor + ':' + std::to_string(slot.port);
                const auto [known, fresh] =
                    places_.try_emplace({each, slot.number, slot.epoch}, place);
                EXPECT_EQ(known->second, place) << "two places of one incarnation";
            }
        }
    }

    /// Possible states of "wc", given the answers; "none": it is gone.
    std::set<std::string> possible() const {
        std::set<std::string> states = {"ACTIVE"};
        for (const auto& [what, answer] : asked) {
            std::set<std::string> next;
            for (const std::string& state : states) {
                if (*answer != Answer::kDone) next.insert(state);
                if (*answer == Answer::kRefused) continue;
                if (state == "KILLED" || what == Ask::kKill) {
                    next.insert("KILLED");
                } else if (what == Ask::kActivate || what == Ask::kDeactivate) {
                    next.insert(what == Ask::kActivate ? "ACTIVE" : "INACTIVE");
                } else {
                    next.insert(state);
                }
            }
            states = std::move(next);
        }
        return states;
    }

    void judge() {
        run(4 * kMicrosPerSecond);
        ASSERT_TRUE(nimbus.topologies.leading());
        for (std::size_t i = 0; i < asked.size(); ++i) {
            EXPECT_NE(*asked[i].second, Answer::kNone) << text(asked[i].first) << " has no answer";
        }
        const std::string status = nimbus.status("wc");
        EXPECT_EQ(possible().count(status), 1U) << status;
        list_is_what_zookeeper_says();
        for (std::size_t i = 0; i < asked.size(); ++i) {
            if (asked[i].first != Ask::kSubmit && asked[i].first != Ask::kSubmitTooLarge) continue;
            const std::string made = nimbus.status("new-" + std::to_string(i + 1));
            if (*asked[i].second == Answer::kDone) {
                EXPECT_EQ(made, "ACTIVE");
            } else if (*asked[i].second == Answer::kRefused) {
                EXPECT_EQ(made, "none");
            }
        }
        if (status != "KILLED") return;
        run((kKillGraceMs + 2'000) * base::kMicrosPerMilli);
        EXPECT_EQ(nimbus.status("wc"), "none") << "what is killed goes";
        EXPECT_FALSE(world.server.exists("/storm/topologies/" + id));
        list_is_what_zookeeper_says();
    }

    void list_is_what_zookeeper_says() const {
        const auto all = nimbus.topologies.all();
        EXPECT_EQ(all.size(), world.server.children("/storm/topologies").size());
        for (const TopologyView& view : all) {
            const std::string& each = view.record.id;
            const auto record = cluster::decode<cluster::TopologyRecord>(
                world.server.data("/storm/topologies/" + each));
            const auto assignment =
                cluster::decode<Assignment>(world.server.data("/storm/assignments/" + each));
            ASSERT_TRUE(record && assignment) << each;
            EXPECT_EQ(*record, view.record);
            EXPECT_EQ(*assignment, view.assignment);
            EXPECT_EQ(record->status, assignment->status);
        }
    }

    World world;
    SimulatedNimbus nimbus{world, "n1:6627"};
    std::vector<std::unique_ptr<SimulatedSupervisor>> supervisors;
    std::string id;
    std::vector<std::pair<Ask, std::shared_ptr<Answer>>> asked;

private:
    std::map<std::string, std::string> last_;
    std::map<std::pair<std::string, std::uint64_t>, std::string> contents_;
    std::map<std::tuple<std::string, std::uint32_t, std::uint64_t>, std::string> places_;
};

TEST(Reload, NoDecisionIsLostAndNoEpochHasTwoContentsWhateverFailsAndWhenever) {
    constexpr std::size_t kStepsMax = 400;
    // Warnings of thousands of plays would fill the output.
    base::log::set_level(base::LogLevel::kError);
    for (const Fault fault : kFaults) {
        for (const Ask first : kAll) {
            for (const Ask second : kAll) {
                for (std::size_t moment = 0; moment < kStepsMax; ++moment) {
                    SCOPED_TRACE(::testing::Message()
                                 << text(first) << " with fault " << int(fault) << ", then "
                                 << text(second) << " after " << moment << " steps");
                    Play play;
                    play.arm(fault);
                    play.ask(first);
                    std::size_t taken = 0;
                    while (taken < moment && play.step(kReloadDelay + 200'000)) ++taken;
                    if (taken < moment) break;
                    play.ask(second);
                    play.judge();
                    if (::testing::Test::HasFailure()) return;
                }
            }
        }
    }
}

}  // namespace
}  // namespace storm::nimbus
