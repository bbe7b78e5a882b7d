// It must hold which processes count as left behind by an ended worker, and which never do. Method:
// processes that are made up, for the pure rules.

#include "supervisor/leftover_rules.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uid_t kUser = 70'000;
constexpr pid_t kWorker = 100, kOther = 200;
constexpr std::uint16_t kPort = 6700, kOtherPort = 6701;
const WorkerMarks kEnded = {"wc", 0, kPort, kWorker, 5000, kUser};

Process process(pid_t pid, uid_t user = kUser) {
    Process made;
    made.pid = pid;
    made.parent = 1;
    made.session = pid;
    made.start_time = 6000;
    made.user = user;
    made.is_without_privileges = true;
    return made;
}

Process marked(Process made, std::string worker, std::uint16_t port) {
    made.marks = {"wc", std::move(worker), std::to_string(port), ""};
    return made;
}

Others others(std::vector<OtherWorker> workers) {
    return {std::move(workers), {kPort, kOtherPort}};
}

std::vector<pid_t> found(const std::vector<Process>& processes, const WorkerMarks& ended,
                         const Others& others) {
    std::vector<pid_t> pids;
    for (const Process& each : leftovers_among(processes, ended, others)) pids.push_back(each.pid);
    return pids;
}

TEST(Leftovers, AreFoundBySessionMarksAndUser) {
    Process in_session = process(101, 0);
    in_session.session = kWorker;
    const Process with_marks = marked(process(102, 0), "0", kPort);
    const Process of_user = process(103);
    const Process nobodys = process(104, 0);
    Process ended = marked(process(105), "0", kPort);
    ended.has_ended = true;

    EXPECT_THAT(found({in_session, with_marks, of_user, nobodys, ended}, kEnded, others({})),
                ElementsAre(101, 102, 103));
}

TEST(Leftovers, AnotherWorkerIsNoneWhateverItsEnvironmentSays) {
    const Others known = others({{"wc", kOther, kUser}});
    const Process without_any = process(kOther);  // As setproctitle() leaves it.
    EXPECT_THAT(found({without_any}, kEnded, known), IsEmpty());
    EXPECT_THAT(found({marked(process(kOther), "0", kPort)}, kEnded, known), IsEmpty());
}

TEST(Leftovers, NorIsWhatAnotherWorkerHasStarted) {
    const Others known = others({{"wc", kOther, kUser}});
    Process in_session = marked(process(201), "0", kPort);
    in_session.session = kOther;
    Process child = marked(process(202), "0", kPort);
    child.parent = kOther;
    Process grandchild = marked(process(203), "0", kPort);
    grandchild.parent = 202;

    EXPECT_THAT(found({process(kOther), in_session, child, grandchild}, kEnded, known), IsEmpty());
}

TEST(Leftovers, AreNotFoundByUserWhileAnotherWorkerIsHis) {
    const Process of_user = process(103);

    EXPECT_THAT(found({of_user}, kEnded, others({{"wc", kOther, kUser}})), IsEmpty());
    EXPECT_THAT(found({of_user}, kEnded, others({{"wc", 0, kUser}})), IsEmpty())
        << "it is being started";
    EXPECT_THAT(found({of_user}, kEnded, others({{"other", kOther, kUser + 1}})), ElementsAre(103));
}

TEST(Leftovers, AMarkOfAnEarlierSlotOfOursHidesNobody) {
    const Process of_user = process(103);
    const Process old = marked(process(104), "1", kOtherPort);

    EXPECT_THAT(found({of_user, old}, kEnded, others({})), ElementsAre(103, 104));
}

TEST(Leftovers, AreNotFoundByUserBesideAWorkerOfAnotherSupervisor) {
    const Process of_user = process(103);
    const Process foreign = marked(process(104), "1", 9000);
    Process of_another_user = foreign;
    of_another_user.user = kUser + 1;
    Process ended = foreign;
    ended.has_ended = true;

    EXPECT_THAT(found({of_user, foreign}, kEnded, others({})), IsEmpty());
    EXPECT_THAT(found({of_user, of_another_user, ended}, kEnded, others({})), ElementsAre(103));
}

TEST(Leftovers, AWorkerOfAnotherSupervisorIsNoneThoughAllElseIsTheSame) {
    Others known = others({});
    known.home = "ours";
    const Process of_user = process(103);
    Process foreign = marked(process(104), "1", kPort);  // In a network of its own.
    foreign.marks.home = "theirs";
    Process moved = marked(process(105), "0", kPort);
    moved.marks.home = "theirs";
    Process own = marked(process(106), "0", kPort);
    own.marks.home = "ours";
    Process earlier = marked(process(107), "1", 9000);
    earlier.marks.home = "ours";

    EXPECT_THAT(found({of_user, foreign}, kEnded, known), IsEmpty());
    EXPECT_THAT(found({of_user, moved}, kEnded, known), IsEmpty());
    EXPECT_THAT(found({own, moved}, kEnded, known), ElementsAre(106));
    EXPECT_THAT(found({of_user, own, earlier}, kEnded, known), ElementsAre(103, 106, 107));
    known.home.clear();
    EXPECT_THAT(found({own}, kEnded, known), IsEmpty()) << "it cannot know whose that is";
}

TEST(Leftovers, WithoutAUserOfItsOwnNothingIsFoundByUser) {
    WorkerMarks ended = kEnded;
    ended.user.reset();
    Process unknown = process(103);
    unknown.user.reset();

    EXPECT_THAT(found({process(104, 0), unknown}, ended, others({})), IsEmpty());
}

TEST(Leftovers, ASessionCountsOnlyAsLongAsItCanBeTheWorkers) {
    WorkerMarks ended = kEnded;
    ended.user.reset();
    Process member = process(101, 0);
    member.session = kWorker;
    ASSERT_THAT(found({member}, ended, others({})), ElementsAre(101));

    Process older = member;
    older.start_time = ended.start_time - 1;
    EXPECT_THAT(found({older}, ended, others({})), IsEmpty());
    Process with_privileges = member;
    with_privileges.is_without_privileges = false;
    EXPECT_THAT(found({with_privileges}, ended, others({})), IsEmpty());
    Process successor = process(kWorker, 0);
    EXPECT_THAT(found({successor, member}, ended, others({})), IsEmpty()) << "its pid was reused";
    Process waited_for = process(kWorker, 0);
    waited_for.has_ended = true;
    waited_for.start_time = ended.start_time;
    EXPECT_THAT(found({waited_for, member}, ended, others({})), ElementsAre(101))
        << "it is the worker itself";
    ended.pid = 0;
    Process of_kernel = member;
    of_kernel.session = 0;
    EXPECT_THAT(found({of_kernel}, ended, others({})), IsEmpty());
}

TEST(Leftovers, ParentsInACircleEndTheSearch) {
    Process one = process(101, 0);
    one.parent = 102;
    Process two = process(102, 0);
    two.parent = 101;

    EXPECT_THAT(found({one, two}, kEnded, others({{"wc", kOther, kUser}})), IsEmpty());
}

TEST(EnvironmentMarks, AreReadBetweenZeros) {
    constexpr std::string_view kAll("X=STORM_WORKER=9\0STORM_TOPOLOGY_ID=wc\0STORM_WORKER=1\0", 53);
    const auto marks = marks_in(std::string(kAll) + std::string("STORM_SUPERVISOR_HOME=ab\0", 25) +
                                "STORM_WORKER_PORT=6700");
    EXPECT_EQ(marks.home, "ab");
    EXPECT_EQ(marks.topology, "wc");
    EXPECT_EQ(marks.worker, "1");
    EXPECT_EQ(marks.port, "6700");
    EXPECT_EQ(marks_in({"\0\0STORM_WORKER", 14}).worker, "");
}

}  // namespace
}  // namespace storm::supervisor
