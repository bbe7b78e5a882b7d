// Random bytes, their comparison, and files that they come from.

#include "base/secret.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(Secret, AFileThatOthersCanReadIsRefused) {
    const storm::testing::TempDir dir;
    const std::string path = dir.write("token", "secret\n");
    const auto refusal = [&](mode_t mode, Readers readers) {
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        const auto read = read_secret(path, 100, readers);
        return read ? *read : read.error().message;
    };
    const std::string refused = '"' + path + "\" can be read by others; chmod ";

    EXPECT_EQ(refusal(0600, Readers::kNone), "secret");
    EXPECT_EQ(refusal(0640, Readers::kNone), refused + "600 " + path);
    EXPECT_EQ(refusal(0604, Readers::kNone), refused + "600 " + path);
    EXPECT_EQ(refusal(0640, Readers::kGroup), "secret");
    EXPECT_EQ(refusal(0644, Readers::kGroup), refused + "640 " + path);
    EXPECT_EQ(refusal(0660, Readers::kGroup), refused + "640 " + path);
    EXPECT_EQ(refusal(0644, Readers::kAll), "secret");
    SecretFile file(path, 100);
    EXPECT_FALSE(file.read());
    EXPECT_EQ(refusal(0600, Readers::kNone), "secret");
    EXPECT_TRUE(file.read()) << "it was mended";
}

TEST(Secret, AFileIsReadAgainOnlyWhenItHasChanged) {
    const storm::testing::TempDir dir;
    const std::string path = dir.write("token", "first\n");
    SecretFile file(path, 100);
    ASSERT_EQ(file.read().value(), "first");
    const int opened = ::inotify_init1(IN_NONBLOCK);
    ASSERT_GE(::inotify_add_watch(opened, path.c_str(), IN_OPEN), 0);

    for (int i = 0; i < 1'000; ++i) ASSERT_EQ(file.read().value(), "first");
    std::array<char, 1024> event{};
    EXPECT_EQ(::read(opened, event.data(), event.size()), -1) << "nobody has opened it";
    ::close(opened);

    dir.write("token", "second one\n");
    EXPECT_EQ(file.read().value(), "second one");
    std::filesystem::rename(dir.write("other", "replaced..\n"), path);
    EXPECT_EQ(file.read().value(), "replaced..");
    std::filesystem::remove(path);
    EXPECT_FALSE(file.read());
    dir.write("token", "is back");
    EXPECT_EQ(file.read().value(), "is back");
    EXPECT_EQ(SecretFile("", 100).read().value(), "");
}

}  // namespace
}  // namespace storm::base
