// A Supervisor's identity survives restarts, and no two have the same. Method: a temporary folder;
// ports are free or not as the test says.

#include "supervisor/identity.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "supervisor/limits.h"
#include "supervisor/reporter.h"
#include "supervisor/saved_worker.h"
#include "supervisor/worker_process.h"
#include "tests/support/temp_dir.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Identities : public ::testing::Test {
protected:
    Identities() {
        settings_.places = {temp_.root(), "unused"};
        settings_.slots = {6700, 0, 0};
    }

    Identity identify_with(const std::set<std::uint16_t>& taken = {}) const {
        return *identify(settings_, [&](std::uint16_t port) { return taken.count(port) == 0; });
    }

    storm::testing::TempDir temp_;
    Settings settings_;
};

TEST_F(Identities, StayTheSame) {
    const Identity first = identify_with();
    const Identity second = identify_with();

    EXPECT_EQ(first.id, second.id);
    EXPECT_EQ(first.slots, second.slots);
    ASSERT_THAT(first.slots, SizeIs(3));
    EXPECT_EQ(first.slots[0], 6700);
    EXPECT_GE(first.slots[1], kAnyPortMin);
    EXPECT_LT(first.slots[1], kAnyPortMax);
    EXPECT_NE(first.slots[1], first.slots[2]);
}

TEST_F(Identities, GetAnotherPortWhenTheirsIsTaken) {
    const Identity first = identify_with();

    const Identity second = identify_with({first.slots[1]});

    EXPECT_EQ(second.id, first.id);
    EXPECT_NE(second.slots[1], first.slots[1]);
    EXPECT_NE(second.slots[2], first.slots[1]);
}

TEST_F(Identities, AreTheSettings) {
    identify_with();
    settings_.id = "alpha";

    EXPECT_EQ(identify_with().id, "alpha");
}

TEST_F(Identities, SurviveAFileThatIsNotTheirs) {
    for (const char* const text : {"", "{", "[]", "{\"id\":7}", "{\"id\":\"a/b\",\"ports\":[1]}"}) {
        std::ofstream(settings_.places.identity()) << text;
        EXPECT_THAT(identify_with().id, HasSubstr("supervisor-")) << text;
    }
}

TEST_F(Identities, KeepTheStateOfWorkersAndLeaveOutWhatIsNone) {
    const SavedWorker saved = {.topology = "wc-1",
                               .number = 3,
                               .port = 6700,
                               .epoch = 9,
                               .starts = 4,
                               .finished = true,
                               .running = true,
                               .pid = 77,
                               .start_time = 123456,
                               .token_hash = "ab"};
    fs::create_directories(settings_.places.topology("wc-1"));
    ASSERT_TRUE(write_state(settings_.places, saved));
    std::ofstream(settings_.places.state("wc-1", 4)) << R"({"topology":"wc-1","number":5})";
    std::ofstream(settings_.places.state("wc-1", 5)) << "nothing";
    std::ofstream(settings_.places.topology("wc-1") + "/x.json") << "{}";

    EXPECT_THAT(read_states(settings_.places).workers, ElementsAre(saved));
    EXPECT_EQ(read_states(settings_.places).unreadable.size(), 2) << "they may still run";
}

TEST_F(Identities, AreNotGivenAnewBecauseTheDiskDoesNotGiveTheOldOne) {
    fs::remove(settings_.places.identity());
    fs::create_directories(settings_.places.identity());  // As good as an error of the disk.

    const auto identity = identify(settings_, [](std::uint16_t) { return true; });

    ASSERT_FALSE(identity);
    EXPECT_THAT(identity.error().message, ::testing::HasSubstr(settings_.places.identity()));
}

TEST_F(Identities, TellAProcessFromAnotherOneWithItsNumber) {
    const pid_t own = ::getpid();

    EXPECT_FALSE(WorkerProcess::find(own, 1).has_value());
    EXPECT_FALSE(WorkerProcess::find(0, 0).has_value());
    EXPECT_FALSE(WorkerProcess::find_in(settings_.places.worker("wc-1", 0)).has_value());
}

TEST(Report, FitsWhateverWorkersSay) {
    cluster::SupervisorReport report;
    report.supervisor = "one";
    report.host = "h";
    for (int i = 0; i < 50; ++i) {
        cluster::WorkerStatus worker;
        worker.topology = "wc-1";
        worker.last_stderr.assign(20, std::string(1000, 'x'));
        worker.report.components.resize(10);
        for (auto& component : worker.report.components) {
            component.id = "count";
            component.last_errors.assign(20, {std::string(1000, 'y')});
        }
        report.workers.push_back(worker);
    }

    const std::string without_texts = fitting_json(report, 1024 * 1024);
    const std::string without_counts = fitting_json(report, 20'000);

    EXPECT_LE(without_texts.size(), 1024U * 1024U);
    EXPECT_THAT(without_texts, HasSubstr("count"));
    EXPECT_LE(without_counts.size(), 20'000U);
    EXPECT_TRUE(cluster::supervisor_report(without_counts));
}

TEST(Report, OfOneWorkerCostsItsNeighboursNothing) {
    cluster::SupervisorReport report;
    report.supervisor = "one";
    report.host = "h";
    report.workers.resize(3);
    for (auto& worker : report.workers) {
        worker.topology = "wc-1";
        worker.last_stderr = {"a line"};
        worker.report.components.resize(1);
        worker.report.components[0].id = "count";
        worker.report.components[0].executed = 7;
    }
    report.workers[1].report.failure.assign(100'000, 'f');
    report.workers[1].report.components.assign(20'000, report.workers[1].report.components[0]);

    const std::string json = fitting_json(report, 20'000);

    EXPECT_LE(json.size(), 20'000U);
    const auto read = cluster::supervisor_report(json);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->workers[0], report.workers[0]);
    EXPECT_EQ(read->workers[2], report.workers[2]);
    EXPECT_TRUE(read->workers[1].report.components.empty());
    EXPECT_FALSE(read->workers[1].report.failure.empty()) << "why it ended";
}

}  // namespace
}  // namespace storm::supervisor
