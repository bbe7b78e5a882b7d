// Artifacts are what their SHA-256 says, or are not used; what nobody uses goes. Method: files in a
// temporary folder, and a Nimbus of a few lines; a full disk is a small tmpfs.

#include "supervisor/artifact_cache.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/sha256.h"
#include "net/http_server.h"
#include "supervisor/limits.h"
#include "tests/support/local_socket.h"
#include "tests/support/temp_dir.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::seconds kSome{5};

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

class Artifacts : public ::testing::Test {
protected:
    Artifacts() {
        places_.local_dir = temp_.root();
        places_.log_dir = places_.local_dir + "/logs";
        topology_.id = "wc-1";
        topology_.artifacts = {{"program", base::sha256("the program"), 0755, 11},
                               {"model.bin", base::sha256("a model"), 0640, 7}};
        nimbus_ = std::move(net::HttpServer::listen(0, [this](const net::HttpRequest& request) {
                      net::HttpResponse response;
                      response.body = request.target.ends_with(topology_.artifacts[0].sha256)
                                          ? program_
                                          : "a model";
                      return response;
                  })).value();
    }

    std::vector<net::Address> nimbuses() const { return {{"127.0.0.1", nimbus_->port()}}; }
    void download_all() const {
        for (const cluster::Artifact& artifact : topology_.artifacts) {
            const auto done = download(places_, artifact, nimbuses());
            ASSERT_TRUE(done) << done.error().message;
        }
    }
    std::string path(std::size_t i) const {
        return places_.artifacts() + '/' + topology_.artifacts[i].sha256;
    }
    void flip_a_byte(std::size_t i) const {
        std::string bytes = content(path(i));
        bytes[0] = static_cast<char>(bytes[0] ^ 1);
        fs::remove(path(i));
        std::ofstream(path(i), std::ios::binary) << bytes;
    }

    storm::testing::TempDir temp_;
    Places places_;
    cluster::TopologyRecord topology_;
    std::string program_ = "the program";
    std::unique_ptr<net::HttpServer> nimbus_;
};

TEST(Sha256, IsTheKnownOne) {
    EXPECT_EQ(base::sha256("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Artifacts, ComeFromTheNextNimbusWhenOneTricklesOrSaysAnotherSize) {
    const tests::Listener other_size("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n",
                                     tests::Listener::Then::kTrickle);
    const cluster::Artifact& program = topology_.artifacts[0];

    const auto done = download(places_, program, {{"127.0.0.1", other_size.port()}, nimbuses()[0]});

    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(content(path(0)), "the program");
    const auto call = call_for(program, nimbuses()[0], "/x");
    EXPECT_EQ(call.deadline, net::file_deadline(11));
    EXPECT_EQ(call.save_bytes_max, 11U);
    EXPECT_GT(call.file_bytes_min, 0U);
}

TEST_F(Artifacts, AreMissingUntilTheyAreDownloaded) {
    EXPECT_THAT(stage(places_, topology_, 0)->missing, SizeIs(2));

    download_all();

    const auto staged = stage(places_, topology_, 0);
    ASSERT_TRUE(staged);
    EXPECT_THAT(staged->missing, SizeIs(0));
    EXPECT_EQ(content(staged->program), "the program");
    EXPECT_EQ(content(places_.worker("wc-1", 0) + "/model.bin"), "a model");
}

TEST_F(Artifacts, AreDeletedWhenAByteHasFlipped) {
    download_all();
    flip_a_byte(1);

    const auto staged = stage(places_, topology_, 0);

    ASSERT_THAT(staged->missing, SizeIs(1));
    EXPECT_EQ(staged->missing[0].name, "model.bin");
    EXPECT_FALSE(fs::exists(path(1)));
}

TEST_F(Artifacts, AreStagedAgainOverWhatAWorkerMadeOfThem) {
    download_all();
    ASSERT_TRUE(stage(places_, topology_, 0));
    std::ofstream(places_.worker("wc-1", 0) + "/model.bin") << "mine";

    ASSERT_TRUE(stage(places_, topology_, 0));

    EXPECT_EQ(content(places_.worker("wc-1", 0) + "/model.bin"), "a model");
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& each : fs::directory_iterator(places_.worker("wc-1", 0))) {
        ++files;
    }
    EXPECT_EQ(files, 2U) << "nothing is left over";
}

TEST_F(Artifacts, AreRefusedWhenNimbusSendsSomethingElse) {
    program_ = "the PROGRAM";

    const auto done = download(places_, topology_.artifacts[0], nimbuses());

    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, AllOf(HasSubstr("program"), HasSubstr("SHA-256")));
    EXPECT_TRUE(fs::is_empty(places_.artifacts()));
}

TEST_F(Artifacts, ComeFromTheNextNimbusWhenOneIsAway) {
    auto some = nimbuses();
    some.insert(some.begin(), {"127.0.0.1", 1});

    EXPECT_TRUE(download(places_, topology_.artifacts[0], some));
    const auto none = download(places_, topology_.artifacts[1], {{"127.0.0.1", 1}});
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message, HasSubstr("127.0.0.1:1"));
    EXPECT_THAT(download(places_, topology_.artifacts[1], {}).error().message,
                HasSubstr("nimbus.seeds"));
}

TEST_F(Artifacts, GoWhenNothingUsesThemForLong) {
    download_all();
    ASSERT_TRUE(stage(places_, topology_, 0));
    fs::create_directories(places_.logs("wc-1", 0));
    fs::create_directories(places_.log_dir + "/wc-2/0");
    const auto now = base::SystemWallClock().now();

    const InUse none = {{}, std::set<std::string>()};

    EXPECT_THAT(put_aside(places_, none, now), IsEmpty());
    EXPECT_TRUE(fs::exists(path(0))) << "it was used a moment ago";
    const InUse some = {{"wc-1"}, std::set<std::string>{topology_.artifacts[0].sha256}};
    EXPECT_THAT(put_aside(places_, some, now + kUnusedArtifactAge + kSome), IsEmpty());
    EXPECT_TRUE(fs::exists(path(0)));
    EXPECT_FALSE(fs::exists(path(1)));
    EXPECT_TRUE(fs::exists(places_.worker("wc-1", 0)));

    const InUse other = {{"wc-2"}, std::set<std::string>()};
    const auto aside = put_aside(places_, other, now + kOldWorkerAge + kSome);

    EXPECT_FALSE(fs::exists(places_.topology("wc-1")));
    EXPECT_FALSE(fs::exists(places_.log_dir + "/wc-1"));
    EXPECT_TRUE(fs::exists(places_.log_dir + "/wc-2"));
    ASSERT_EQ(aside.size(), 2U);
    EXPECT_EQ(put_aside(places_, other, now + kSome), aside) << "also after a kill -9";
    remove_all(aside);
    EXPECT_THAT(put_aside(places_, other, now + kSome), IsEmpty());
    EXPECT_TRUE(fs::is_empty(places_.workers()));
}

// ZooKeeper was emptied, and the Supervisor began again: its workers run on.
TEST_F(Artifacts, StayWhileItIsNotKnownWhatIsInUse) {
    download_all();
    std::ofstream(path(0) + ".download.part-abc123") << "half";

    put_aside(places_, {{"wc-1"}, std::nullopt},
              base::SystemWallClock().now() + kUnusedArtifactAge + kSome);

    EXPECT_TRUE(fs::exists(path(0)));
    EXPECT_TRUE(fs::exists(path(1)));
    EXPECT_FALSE(fs::exists(path(0) + ".download.part-abc123")) << "a killed process left it";
}

TEST_F(Artifacts, LeaveNothingHalfWrittenOnAFullDisk) {
    const std::string full = places_.local_dir + "/full";
    fs::create_directory(full);
    if (::mount("tmpfs", full.c_str(), "tmpfs", 0, "size=1m") != 0) {
        GTEST_SKIP() << "a small file system needs root";
    }
    Places places = {full, full + "/logs"};
    program_ = std::string(3 << 20, 'x');
    const cluster::Artifact artifact = {"program", base::sha256(program_), 0755, program_.size()};
    topology_.artifacts[0] = artifact;

    const auto done = download(places, artifact, nimbuses());
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& each : fs::directory_iterator(places.artifacts())) ++files;
    const auto saved = base::write_whole_file(full + "/state", std::string(2 << 20, 'x'), 0600);
    const bool state_exists = fs::exists(full + "/state") || fs::exists(full + "/state.partial");
    ::umount(full.c_str());

    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("pace left")) << "no space left on device";
    EXPECT_EQ(files, 0U);
    EXPECT_FALSE(saved);
    EXPECT_FALSE(state_exists);
}

}  // namespace
}  // namespace storm::supervisor
