// Logs are rotated without losing a line that is written meanwhile, and only logs are read. Method:
// files in a temporary folder, and a thread that writes.

#include "supervisor/logs.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/files.h"
#include "base/thread.h"
#include "supervisor/limits.h"
#include "tests/support/temp_dir.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class Logs : public ::testing::Test {
protected:
    Logs() {
        places_.log_dir = folder_;
        fs::create_directories(folder_ + "/wc-1/0");
    }

    static std::string content(const std::string& path) {
        std::ifstream file(path);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
    void write(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }
    base::Result<LogPart> read(const std::string& topology, const std::string& stream,
                               std::int64_t offset = -1, std::uint64_t bytes = 100) const {
        return read_log(places_, {topology, 0, stream, offset, bytes});
    }

    storm::testing::TempDir temp_;
    const std::string folder_ = temp_.root(), path_ = folder_ + "/wc-1/0/stderr";
    Places places_;
};

TEST_F(Logs, KeepsSoManyOldOnesOfASmallEnoughSize) {
    constexpr std::uint64_t kMax = 64 * 1024;
    for (int i = 0; i < 8; ++i) {
        write(std::string(100'000, static_cast<char>('a' + i)));
        ASSERT_TRUE(rotate(path_, kMax, 3));
        EXPECT_LT(file_size(path_), kMax);
    }

    EXPECT_NEAR(static_cast<double>(file_size(path_ + ".1")), kMax, 5000);
    EXPECT_NEAR(static_cast<double>(file_size(path_ + ".3")), kMax, 5000);
    EXPECT_EQ(content(path_ + ".1").substr(0, 19), "[storm-supervisor: ")
        << "it says what is left out";
    EXPECT_FALSE(fs::exists(path_ + ".4"));
    EXPECT_EQ(content(path_ + ".1").back(), 'h') << "the youngest bytes are kept";
}

TEST_F(Logs, LeavesASmallLogAlone) {
    write("some lines\n");

    ASSERT_TRUE(rotate(path_, 1000, 3));

    EXPECT_EQ(content(path_), "some lines\n");
    EXPECT_FALSE(fs::exists(path_ + ".1"));
}

TEST_F(Logs, LosesNoLineWhileItRotates) {
    const base::Descriptor probe(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600));
    write(std::string(8192, 'x'));
    if (::fallocate(probe.get(), FALLOC_FL_COLLAPSE_RANGE, 0, 4096) != 0) {
        GTEST_SKIP() << "this file system cannot cut a file's beginning";
    }
    ASSERT_EQ(::ftruncate(probe.get(), 0), 0);
    constexpr int kLines = 300'000;
    std::atomic<bool> over{false};
    base::Thread writer("writer", [&] {
        const base::Descriptor log(::open(path_.c_str(), O_WRONLY | O_APPEND));
        for (int i = 0; i < kLines; ++i) {
            static_cast<void>(base::write_all(log.get(), "line " + std::to_string(i) + '\n'));
        }
        over = true;
    });
    while (!over) ASSERT_TRUE(rotate(path_, 1024 * 1024, 100));
    writer.join();

    std::string all;
    for (int age = 100; age > 0; --age) all += content(path_ + '.' + std::to_string(age));
    all += content(path_);
    std::istringstream lines(all);
    int next = 0;
    for (std::string line; std::getline(lines, line); ++next) {
        ASSERT_EQ(line, "line " + std::to_string(next));
    }
    EXPECT_EQ(next, kLines);
}

TEST_F(Logs, GivesTheLastLinesSinceAProcessBegan) {
    write("of a former one\n");
    const std::uint64_t begin = file_size(path_);
    write("one\ntwo\n");
    EXPECT_THAT(last_lines(path_, begin), ElementsAre("one", "two"));

    for (int i = 0; i < 5'000; ++i) write("line " + std::to_string(i) + '\n');

    const auto lines = last_lines(path_, begin);
    ASSERT_THAT(lines, SizeIs(kLastStderrLines));
    EXPECT_EQ(lines.back(), "line 4999");
    EXPECT_THAT(last_lines(folder_ + "/none", 0), SizeIs(0));
}

TEST_F(Logs, ReadsParts) {
    write("0123456789");

    EXPECT_EQ(read("wc-1", "stderr")->bytes, "0123456789");
    EXPECT_EQ(read("wc-1", "stderr", -1, 3)->bytes, "789");
    EXPECT_EQ(read("wc-1", "stderr", -1, 3)->offset, 7U);
    EXPECT_EQ(read("wc-1", "stderr", 2, 3)->bytes, "234");
    EXPECT_EQ(read("wc-1", "stderr", 99, 3)->bytes, "");
    EXPECT_EQ(read("wc-1", "stderr", 99, 3)->offset, 10U);
    EXPECT_EQ(read("wc-1", "stderr", 2, 3)->size, 10U);
    EXPECT_EQ(read("wc-1", "stderr", 0, ~0ULL)->bytes, "0123456789");
}

TEST_F(Logs, Cve2019_0202_2026_124495_FollowsNoLinksAndNoPaths) {
    write("secret");
    fs::create_directories(folder_ + "/evil/0");
    ASSERT_EQ(::symlink("/etc/passwd", (folder_ + "/evil/0/stderr").c_str()), 0);
    ASSERT_EQ(::symlink((folder_ + "/wc-1").c_str(), (folder_ + "/link").c_str()), 0);
    fs::create_directories(folder_ + "/wc-1/0/stdout");
    ASSERT_EQ(::mkfifo((folder_ + "/wc-1/0/stdout.1").c_str(), 0600), 0);

    EXPECT_FALSE(read("evil", "stderr"));
    EXPECT_FALSE(read("link", "stderr"));
    EXPECT_FALSE(read("wc-1", "stdout")) << "a folder";
    EXPECT_FALSE(read("wc-1", "stdout.1")) << "a pipe, which must not block us";
    for (const char* const id : {"", ".", "..", "../wc-1", "wc-1/0", "/etc", "wc-1\n"}) {
        EXPECT_FALSE(read(id, "stderr")) << id;
    }
    for (const char* const stream : {"", "stderr.0", "stderr.5", "stderr.10", "stderr.", "std",
                                     "stderr/../stderr", "../0/stderr", "0.json", "stderr.1.1"}) {
        EXPECT_FALSE(read("wc-1", stream)) << stream;
    }
}

}  // namespace
}  // namespace storm::supervisor
