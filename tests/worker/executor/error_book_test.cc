// Goal:   equal errors are one, in the log and in reports, and the last ones stay.
// Method: errors by hand, at times by hand; what is logged is read from stderr.

#include "worker/executor/error_book.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_topology.h"
#include "tests/support/stopped_clock.h"
#include "worker/queue/limits.h"

namespace storm::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ErrorBookTest : ::testing::Test {
    testing::StoppedClock clock;
    const Wiring wiring{topology(), testing::config_of({1, false})};
    ErrorBook book{wiring, clock};

    static Topology topology() {
        TopologyBuilder t;
        t.spout<testing::Numbers>("numbers", 0);
        return t.build();
    }
    /// The lines that a report of this error writes to the log.
    std::string logged(const std::string& what) {
        ::testing::internal::CaptureStderr();
        book.report(0, 1, what);
        return ::testing::internal::GetCapturedStderr();
    }
};

TEST_F(ErrorBookTest, EqualErrorsAreOneAndLoggedOnceInAWhile) {
    EXPECT_THAT(logged("no disk"), HasSubstr("no disk component=numbers task=1"));
    clock.advance(kErrorRepeatMicros - 1);
    EXPECT_THAT(logged("no disk"), IsEmpty());
    EXPECT_THAT(logged("no net"), HasSubstr("no net"));
    clock.advance(1);
    EXPECT_THAT(logged("no disk"), HasSubstr("no disk (3 times so far)"));

    const auto last = book.last(0);
    ASSERT_EQ(last.size(), 2U);
    EXPECT_EQ(last[0].text, "no net");
    EXPECT_EQ(last[1].text, "no disk");
    EXPECT_EQ(last[1].count, 3U);
}

TEST_F(ErrorBookTest, TheOneThatHasNotComeForLongestGoes) {
    for (std::size_t i = 0; i < kErrorsKept; ++i) book.report(0, 1, std::to_string(i));
    book.report(0, 1, "0");
    book.report(0, 1, "new");

    const auto last = book.last(0);
    ASSERT_EQ(last.size(), kErrorsKept);
    EXPECT_EQ(last.front().text, "2");
    EXPECT_EQ(last[kErrorsKept - 2].text, "0");
    EXPECT_EQ(last.back().text, "new");
}

}  // namespace
}  // namespace storm::worker
