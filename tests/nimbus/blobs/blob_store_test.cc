// Goal:   a blob is there whole and right, or not at all. (CVE-2026-82426, CVE-2018-8008: nothing
//         that a client says becomes a path.)
// Method: a folder below the temp folder.

#include "nimbus/blobs/blob_store.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace storm::nimbus {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kNow{0};
constexpr std::chrono::seconds kHour{3'600};
// The hash of "abc"; FIPS 180-2.
const std::string kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class BlobStoreTest : public ::testing::Test {
protected:
    BlobStoreTest() { store_.emplace(BlobStore::open(blobs()).value()); }

    std::string blobs() const { return (dir_ / "blobs").string(); }
    void put(const std::string& sha256, const std::string& text) const {
        auto blob = store_->create(sha256);
        ASSERT_TRUE(blob);
        ASSERT_TRUE(blob.value()->write(text));
        ASSERT_TRUE(blob.value()->publish());
    }
    BlobStore::Stock sweep(const BlobUsers& users, const std::set<std::string>& removed,
                           const BlobStore::Keep& keep) const {
        return store_->sweep(users, removed, keep, base::SystemWallClock().now());
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(blobs()), fs::directory_iterator()));
    }

    storm::testing::TempDir temp_;
    const fs::path dir_ = temp_.root();
    std::optional<BlobStore> store_;
};

TEST_F(BlobStoreTest, KeepsWhatHasTheHashReadOnly) {
    auto blob = store_->create(kAbc);
    ASSERT_TRUE(blob);
    EXPECT_TRUE(blob.value()->write("a"));
    EXPECT_TRUE(blob.value()->write("bc"));
    EXPECT_FALSE(store_->size(kAbc)) << "not before it is whole";
    ASSERT_TRUE(blob.value()->publish());

    EXPECT_EQ(store_->size(kAbc), 3U);
    EXPECT_TRUE(store_->verify(kAbc));
    struct stat found {};
    ASSERT_EQ(::stat(store_->path(kAbc).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0400U);
    std::ostringstream text;
    text << std::ifstream(store_->path(kAbc)).rdbuf();
    EXPECT_EQ(text.str(), "abc");
}

TEST_F(BlobStoreTest, RefusesOtherBytesAndLeavesNothing) {
    {
        auto blob = store_->create(kAbc);
        EXPECT_TRUE(blob.value()->write("abd"));
        EXPECT_FALSE(blob.value()->hash_is_right());
        EXPECT_FALSE(blob.value()->publish());
    }
    EXPECT_EQ(files(), 0U);
}

TEST_F(BlobStoreTest, LeavesNothingOfAnUploadThatBreaksOff) {
    EXPECT_TRUE(store_->create(kAbc).value()->write("ab"));

    EXPECT_EQ(files(), 0U);
}

TEST_F(BlobStoreTest, RemovesWhatAKilledProcessLeft) {
    std::ofstream(blobs() + "/new-abc123") << "half";

    ASSERT_TRUE(BlobStore::open(blobs()));

    EXPECT_EQ(files(), 0U);
}

TEST_F(BlobStoreTest, RemovesABlobThatADiskHasSpoilt) {
    put(kAbc, "abc");
    fs::permissions(store_->path(kAbc), fs::perms::owner_all);
    std::ofstream(store_->path(kAbc)) << "abd";

    EXPECT_FALSE(store_->verify(kAbc));
    EXPECT_FALSE(store_->size(kAbc));
    put(kAbc, "abc");
    EXPECT_TRUE(store_->verify(kAbc));
}

TEST_F(BlobStoreTest, Cve2026_82426_KnowsNoNamesButHashes) {
    std::ofstream(dir_ / "secret") << "x";
    const std::string upper = "BA" + kAbc.substr(2);
    for (const std::string& name :
         {std::string("../secret"), std::string("/etc/passwd"), std::string(), std::string("."),
          upper, kAbc + "/", kAbc.substr(1), "..%2fsecret" + kAbc.substr(11)}) {
        EXPECT_FALSE(store_->size(name)) << name;
        EXPECT_FALSE(store_->create(name)) << name;
        EXPECT_FALSE(store_->verify(name)) << name;
    }
}

TEST_F(BlobStoreTest, FollowsNoLinks) {
    std::ofstream(dir_ / "secret") << "abc";
    fs::create_symlink(dir_ / "secret", store_->path(kAbc));

    EXPECT_FALSE(store_->size(kAbc));
    EXPECT_FALSE(store_->verify(kAbc));
}

TEST_F(BlobStoreTest, SweepsWhatNobodyNamesOrAsksFor) {
    const std::string other(64, '0');
    put(kAbc, "abc");
    std::ofstream(store_->path(other)) << "zeros";

    BlobStore::Stock stock = sweep({}, {}, {kHour, kHour});
    EXPECT_EQ(stock.blobs, 2U);
    EXPECT_EQ(stock.bytes, 8U);

    stock = sweep({{kAbc, {"words-1-5"}}}, {}, {kNow, kHour});
    EXPECT_EQ(stock.blobs, 1U);
    EXPECT_TRUE(store_->size(kAbc));
    EXPECT_FALSE(store_->size(other));
}

// ZooKeeper was emptied, and Nimbus began again.
TEST_F(BlobStoreTest, KeepsWhatALostTopologyHasNamedUntilItIsRemoved) {
    put(kAbc, "abc");
    store_->note_users({{kAbc, {"words-1-5", "more-2-6"}}, {std::string(64, '0'), {"away-3-7"}}});
    store_.emplace(BlobStore::open(blobs()).value());

    EXPECT_EQ(sweep({}, {}, {kNow, kHour}).blobs, 1U);
    EXPECT_EQ(sweep({}, {"words-1-5"}, {kNow, kHour}).blobs, 1U);
    // Marks of removals are swept, too.
    EXPECT_EQ(sweep({}, {"more-2-6"}, {kNow, kHour}).blobs, 0U);
    EXPECT_EQ(sweep({}, {}, {kNow, kHour}).blobs, 0U);
    EXPECT_TRUE(fs::is_empty(blobs() + "/users")) << "nothing is noted of what is not here";
}

TEST_F(BlobStoreTest, RemembersWhoWasRemovedWhileOthersUseTheBlob) {
    put(kAbc, "abc");
    store_->note_users({{kAbc, {"words-1-5", "more-2-6"}}});

    EXPECT_EQ(sweep({{kAbc, {"more-2-6"}}}, {"words-1-5"}, {kNow, kHour}).blobs, 1U);
    EXPECT_EQ(sweep({}, {"more-2-6"}, {kNow, kHour}).blobs, 0U);
}

TEST_F(BlobStoreTest, GivesUpWhatALostTopologyHasNamedAfterVeryLong) {
    put(kAbc, "abc");
    store_->note_users({{kAbc, {"words-1-5"}}});

    const auto now = base::SystemWallClock().now();
    EXPECT_EQ(store_->sweep({}, {}, {kNow, kHour}, now).blobs, 1U);
    EXPECT_EQ(store_->sweep({}, {}, {kNow, kHour}, now + kHour).blobs, 0U);
}

TEST_F(BlobStoreTest, KeepsABlobThatCannotBeRead) {
    if (testing::kSanitized) GTEST_SKIP() << testing::kSanitizersNeedDescriptors;
    put(kAbc, "abc");
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);

    EXPECT_FALSE(store_->verify(kAbc));
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

    EXPECT_TRUE(store_->verify(kAbc));
}

}  // namespace
}  // namespace storm::nimbus
