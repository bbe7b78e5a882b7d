// Goal:   a Supervisor counts as there exactly as long as it may be.
// Method: the pure class, with times and reports by hand.

#include "nimbus/topology_store/supervisor_presence.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using base::kMicrosPerSecond;
using base::Micros;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

constexpr Micros kTaskTimeout = 4 * kMicrosPerSecond;
constexpr Micros kBegin = 1000 * kMicrosPerSecond;

struct PresenceTest : ::testing::Test {
    void have(std::initializer_list<const char*> ids, Micros now) {
        SupervisorPresence::Records records;
        for (const char* const id : ids) records[id].id = id;
        touched = presence.take(records, {}, now);
    }
    void report(const std::string& id, Micros now) {
        cluster::SupervisorReport report;
        report.supervisor = id;
        book.take(report, now, 0);
    }

    ReportBook book;
    SupervisorPresence presence{book, kTaskTimeout};
    std::set<std::string> touched;
};

TEST_F(PresenceTest, OneThatIsGoneIsExpectedAsLongAsTheGraceOfTheTermLasts) {
    presence.begin(kBegin);
    have({"a"}, kBegin);
    EXPECT_THAT(touched, ElementsAre("a"));
    have({}, kBegin + kMicrosPerSecond);
    EXPECT_THAT(touched, ElementsAre("a"));

    EXPECT_TRUE(presence.is_present("a", kBegin + kReturnGrace - 1));
    EXPECT_FALSE(presence.is_present("a", kBegin + kReturnGrace));
    EXPECT_EQ(presence.expected_until("a"), kBegin + kReturnGrace);
    presence.expect_all(kBegin + 2 * kReturnGrace);
    EXPECT_TRUE(presence.is_present("a", kBegin + 3 * kReturnGrace - 1));
}

TEST_F(PresenceTest, OneWithoutASessionThatReportsIsThere) {
    have({"a"}, kBegin);
    have({}, kBegin + 1);
    report("a", kBegin + kMicrosPerSecond);

    EXPECT_TRUE(presence.is_present("a", kBegin + kMicrosPerSecond + kTaskTimeout - 1));
    EXPECT_FALSE(presence.is_present("a", kBegin + kMicrosPerSecond + kTaskTimeout));
}

TEST_F(PresenceTest, OneThatSpokeAMomentBeforeItWentComesBack) {
    have({"a"}, kBegin);
    report("a", kBegin);
    have({}, kBegin + kAliveUntilGone - 1);

    EXPECT_TRUE(presence.is_present("a", kBegin + kAliveUntilGone - 2 + kTaskTimeout));
    EXPECT_FALSE(presence.is_present("a", kBegin + kAliveUntilGone - 1 + kTaskTimeout));
}

TEST_F(PresenceTest, OneWhoseSessionExpiresAsEarlyAsItCanIsLost) {
    constexpr Micros kSessionTimeout = 5 * kMicrosPerSecond;  // The default.
    have({"a"}, kBegin);
    report("a", kBegin);  // At this moment it is cut off; its last ping was a third earlier.
    have({}, kBegin + kSessionTimeout * 2 / 3);

    EXPECT_FALSE(presence.is_present("a", kBegin + kTaskTimeout));
}

TEST_F(PresenceTest, OneThatCannotBeReadIsThere) {
    presence.take({}, {{"a", "garbage"}}, kBegin);

    EXPECT_TRUE(presence.is_present("a", kBegin + 3600 * kMicrosPerSecond));
    presence.take({}, {}, kBegin);
    EXPECT_FALSE(presence.is_present("a", kBegin));
}

TEST_F(PresenceTest, OneThatWasMissedAndIsBackIsUnsteadyForAWhile) {
    have({"a", "b"}, kBegin);
    have({}, kBegin);
    EXPECT_EQ(presence.miss("a", kBegin + 1), kBegin + 1);
    EXPECT_EQ(presence.miss("a", kBegin + 2), kBegin + 1) << "since then";
    have({"a", "b"}, kBegin + 3);

    EXPECT_THAT(presence.unsteady_until(kBegin + 3), ElementsAre(Key("a")));
    EXPECT_THAT(presence.unsteady_until(kBegin + 3 + kSteadyAfter), IsEmpty());
}

TEST_F(PresenceTest, OneThatGoesAgainWhileItIsUnsteadyIsMissedSinceThen) {
    have({}, kBegin);
    presence.miss("a", kBegin);
    have({"a"}, kBegin + 5);
    have({}, kBegin + 10);

    EXPECT_EQ(presence.miss("a", kBegin + 20), kBegin + 10);
}

TEST_F(PresenceTest, OneThatWasLostForLongIsNew) {
    presence.miss("a", kBegin);
    presence.miss("b", kBegin + kLostKept + 1);
    have({"a"}, kBegin + kLostKept + 2);

    EXPECT_THAT(presence.unsteady_until(kBegin + kLostKept + 2), IsEmpty());
}

TEST_F(PresenceTest, OneThatDoesNotReportIsLostIfHalfOfAllDo) {
    presence.begin(kBegin);
    have({"a", "b"}, kBegin);
    const Micros late = kBegin + kReportsLost + 1;
    EXPECT_EQ(presence.silent_for("a", late), kReportsLost + 1);
    EXPECT_FALSE(presence.look_at_silent(late)) << "nobody is heard, so it is we";

    report("b", late);
    EXPECT_TRUE(presence.look_at_silent(late));
    EXPECT_FALSE(presence.is_present("a", late));
    EXPECT_TRUE(presence.is_present("b", late));
    EXPECT_THAT(presence.reporting(), ElementsAre(Key("b")));
    EXPECT_FALSE(presence.look_at_silent(late)) << "nothing new";

    report("a", late + 1);
    EXPECT_TRUE(presence.look_at_silent(late + 1));
    EXPECT_TRUE(presence.is_present("a", late + 1));
}

TEST_F(PresenceTest, NobodyIsSilentForWhoDoesNotLead) {
    have({"a"}, kBegin);
    EXPECT_EQ(presence.silent_for("a", kBegin + kReportsLost), 0);
    presence.begin(kBegin + kReportsLost);
    EXPECT_EQ(presence.silent_for("a", kBegin + kReportsLost + 5), 5) << "since the term began";
    presence.end();
    EXPECT_EQ(presence.silent_for("a", kBegin + 2 * kReportsLost), 0);
}

}  // namespace
}  // namespace storm::nimbus
