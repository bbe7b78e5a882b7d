// A worker's output is bounded even without a Supervisor. Method: a file that is too long.

#include "worker/serve/own_logs.h"

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.h"
#include "tests/support/temp_dir.h"

namespace storm::worker {
namespace {

constexpr std::size_t kMost = 64 * 1024;

/// The rest of a log of lines with `bytes`, after it was kept short.
std::string left_of(std::size_t bytes, const std::string& last) {
    const testing::TempDir folder;
    const std::string path = folder.path("stderr");
    const base::Descriptor log(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    EXPECT_TRUE(base::write_all(log.get(), std::string(bytes, 'x') + last));
    keep_short(log.get(), kMost);
    EXPECT_TRUE(base::write_all(log.get(), "after\n"));
    return folder.read("stderr");
}

TEST(OwnLogs, ALongOneIsCutAndGoesOn) {
    const std::string left = left_of(10 * kMost, "last\n");

    EXPECT_LE(left.size(), kMost);
    EXPECT_TRUE(left.ends_with("after\n"));
    // A file system that cannot cut a file at its beginning empties it.
    EXPECT_TRUE(left == "after\n" || left.ends_with("last\nafter\n"));
}

TEST(OwnLogs, AShortOneStays) {
    EXPECT_EQ(left_of(100, "last\n").size(), 100 + 11U);
}

TEST(OwnLogs, APipeIsNoLog) {
    int ends[2] = {};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::Descriptor in(ends[0]), out(ends[1]);
    ASSERT_TRUE(base::write_all(out.get(), "text"));
    keep_short(out.get(), 1);
    char piece[4] = {};
    EXPECT_EQ(::read(in.get(), piece, sizeof(piece)), 4);
}

}  // namespace
}  // namespace storm::worker
