// A logged text stays on its line, whoever wrote it.

#include "base/log.h"

#include <string>

#include <gtest/gtest.h>

namespace storm::base {
namespace {

std::string logged(const std::string& message, const std::string& value) {
    ::testing::internal::CaptureStderr();
    log::info(message, {{"key", value}});
    std::string line = ::testing::internal::GetCapturedStderr();
    return line.substr(line.find(" info ") + 6);
}

TEST(Log, QuotesWhatIsNotPlain) {
    EXPECT_EQ(logged("text", "plain"), "text key=plain\n");
    EXPECT_EQ(logged("text", ""), "text key=\"\"\n");
    EXPECT_EQ(logged("text", "a b"), "text key=\"a b\"\n");
    EXPECT_EQ(logged("text", "a=b"), "text key=\"a=b\"\n");
    EXPECT_EQ(logged("text", "ü"), "text key=ü\n");
}

TEST(Log, NobodysTextIsTakenForAnotherFieldOrLine) {
    EXPECT_EQ(logged("text", "a\" level=error b=\""), "text key=\"a\\\" level=error b=\\\"\"\n");
    EXPECT_EQ(logged("text", "a\n2026-11-26T00:00:00.000 error b"),
              "text key=\"a\\n2026-11-26T00:00:00.000 error b\"\n");
    EXPECT_EQ(logged("one\ntwo\r\x1b[31m", "\x1b]0;title\a"),
              "one\\ntwo\\x0d\\x1b[31m key=\"\\x1b]0;title\\x07\"\n");
}

TEST(Log, CutsATextThatIsTooLong) {
    // NOLINTNEXTLINE(bugprone-string-constructor): that large.
    const std::string line = logged("text", std::string(20'000'000, 'x'));

    EXPECT_EQ(line, "text key=\"" + std::string(8192, 'x') + " … (19991808 bytes more)\"\n");
    const std::string in_character = logged("text", std::string(8191, 'x') + "üü");
    EXPECT_EQ(in_character, "text key=\"" + std::string(8191, 'x') + " … (4 bytes more)\"\n");
    EXPECT_EQ(logged("text", std::string(8192, 'x')), "text key=" + std::string(8192, 'x') + '\n');
}

}  // namespace
}  // namespace storm::base
