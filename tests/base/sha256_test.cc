// Names of files by what is in them; vectors of FIPS 180-4.

#include "base/sha256.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace storm::base {
namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Sha256, KnownVectors) {
    EXPECT_EQ(sha256("abc"), kOfAbc);
    EXPECT_EQ(sha256(""), kOfNothing);
}

TEST(Sha256, PiecesAreAsTheWhole) {
    Sha256 digest;
    digest.add("a");
    digest.add("");
    digest.add("bc");
    EXPECT_EQ(digest.hex(), kOfAbc);
}

TEST(Sha256, OfAFileOfManyPieces) {
    const storm::testing::TempDir dir;
    const std::string bytes(1'000'001, 'x');
    const std::string path = dir.write("file", bytes);
    const auto found = digest_of_file(path);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bytes, bytes.size());
    EXPECT_EQ(found->sha256, sha256(bytes));

    const auto missing = digest_of_file(dir.path("none"));
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("no such file"), std::string::npos);
}

}  // namespace
}  // namespace storm::base
