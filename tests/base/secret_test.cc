// Random bytes and their comparison.

#include "base/secret.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace storm::base {
namespace {

TEST(Secret, RandomBytesDoNotRepeat) {
    std::set<std::string> seen;
    for (int i = 0; i < 1'000; ++i) seen.insert(random_bytes(16));
    EXPECT_EQ(seen.size(), 1'000);
    EXPECT_EQ(seen.begin()->size(), 16);
    EXPECT_EQ(random_bytes(0), "");
}

TEST(Secret, OnlyEqualOnesAreTheSame) {
    const std::string secret = "0123456789abcdef";
    EXPECT_TRUE(same_secret(secret, std::string(secret)));
    EXPECT_FALSE(same_secret(secret, ""));
    EXPECT_FALSE(same_secret(secret, secret.substr(1)));
    EXPECT_FALSE(same_secret(secret, secret + '\0'));
    EXPECT_FALSE(same_secret(secret, "0123456789abcdeF"));
    EXPECT_TRUE(same_secret("", ""));
}

TEST(Secret, AFileHoldsOneLine) {
    const storm::testing::TempDir dir;
    EXPECT_EQ(read_secret(dir.write("a", "the secret\r\n\n"), 100).value(), "the secret");
    EXPECT_EQ(read_secret(dir.write("b", " a\nb "), 100).value(), " a\nb ");
    EXPECT_EQ(read_secret(dir.write("c", ""), 100).value(), "");
    EXPECT_FALSE(read_secret(dir.write("d", "12345"), 4));
    EXPECT_FALSE(read_secret(dir.path("none"), 4));
}

}  // namespace
}  // namespace storm::base
