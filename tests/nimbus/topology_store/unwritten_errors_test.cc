// Errors whose write failed wait for the next one. Method: errors by hand.

#include "nimbus/topology_store/unwritten_errors.h"

#include <gtest/gtest.h>

namespace storm::nimbus {
namespace {

ReportBook::News news(const std::string& error) {
    return {{"wc-1-1", {"count", error, 7, 1, 7, 0}}};
}

TEST(UnwrittenErrors, ThoseWhoseWriteFailedAreWrittenWithTheNext) {
    UnwrittenErrors errors;
    errors.add(news("no disk"));
    EXPECT_EQ(errors.take().at("wc-1-1").size(), 1U);
    EXPECT_TRUE(errors.empty());
    errors.add(news("no disk"));
    errors.add(news("no net"));

    errors.not_written("wc-1-1");

    UnwrittenErrors::Errors shown;
    errors.add_to(shown, "wc-1-1");
    EXPECT_EQ(shown.size(), 2U);
    const auto again = errors.take().at("wc-1-1");
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[0].error, "no disk");
    EXPECT_EQ(again[0].count, 2U);
}

TEST(UnwrittenErrors, ThoseOfATopologyThatWasForgottenDoNotComeBack) {
    UnwrittenErrors errors;
    errors.add(news("no disk"));
    static_cast<void>(errors.take());
    errors.forget("wc-1-1");

    errors.not_written("wc-1-1");

    EXPECT_TRUE(errors.empty());
}

}  // namespace
}  // namespace storm::nimbus
