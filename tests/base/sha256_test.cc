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

TEST(Sha256, KnownVectorsWithAKey) {
    // RFC 4231, 4.3 and 4.7: a key that is longer than a block.
    EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'),
                                 "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(hmac_sha256("", "").size(), 32U);
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
