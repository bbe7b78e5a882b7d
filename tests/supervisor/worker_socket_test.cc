// Whatever connects to the workers' socket: it gets nothing but its bounds until it is known.
// Method: raw bytes through real sockets; the loop turns in this thread.

#include "supervisor/worker_socket.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "cluster/limits.h"
#include "supervisor/limits.h"
#include "tests/support/temp_dir.h"

namespace storm::supervisor {
namespace {

using cluster::ToSupervisor;

const std::string kToken(cluster::kSecretBytes, 't');

std::string hello(const std::string& token = kToken) {
    return cluster::encode(ToSupervisor(cluster::Hello{token, "0.1.0", ::getpid()}));
}
std::string report(std::uint64_t epoch = 1) {
    cluster::WorkerReport made;
    made.assignment_epoch = epoch;
    return cluster::encode(ToSupervisor(made));
}

class Socket : public ::testing::Test {
protected:
    Socket() { listen(4); }

    void listen(std::size_t most, std::function<bool(uid_t)> admits = nullptr) {
        WorkerSocket::Callbacks callbacks;
        callbacks.admits = std::move(admits);
        callbacks.recognize = [this](const cluster::Hello& said,
                                     pid_t pid) -> std::optional<std::uint16_t> {
            ++hellos_;
            if (said.token != kToken || pid != ::getpid()) return std::nullopt;
            return 6700;
        };
        callbacks.connected = [this](std::uint16_t) { ++connected_; };
        callbacks.reported = [this](std::uint16_t slot, const cluster::WorkerReport& said) {
            EXPECT_EQ(slot, 6700);
            epochs_.push_back(said.assignment_epoch);
        };
        socket_ = std::move(WorkerSocket::listen(io_, path_, most, std::move(callbacks))).value();
    }

    int connect() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.data(), path_.size());
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const void* const any = &address;
        EXPECT_EQ(::connect(fd, static_cast<const sockaddr*>(any), sizeof(address)), 0);
        return fd;
    }
    static void send(int fd, const std::string& bytes) {
        static_cast<void>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    }
    /// Whether the other side has closed it.
    static bool is_closed(int fd) {
        char byte = 0;
        const ssize_t count = ::recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        return count == 0 || (count < 0 && errno != EAGAIN);
    }
    bool run_until(const std::function<bool()>& reached,
                   std::chrono::milliseconds patience = std::chrono::seconds(5)) {
        const base::SteadyClock clock;
        const base::Micros end = clock.now() + std::chrono::microseconds(patience).count();
        while (!reached() && clock.now() < end) {
            io_.run_for(std::chrono::milliseconds(1));
            io_.restart();
        }
        return reached();
    }
    void run_for(std::chrono::milliseconds time) {
        run_until([] { return false; }, time);
    }

    storm::testing::TempDir folder_;
    const std::string path_ = folder_.path("socket");
    boost::asio::io_context io_{1};
    std::unique_ptr<WorkerSocket> socket_;
    int hellos_ = 0, connected_ = 0;
    std::vector<std::uint64_t> epochs_;
};

TEST_F(Socket, IsForItsOwnerOnly) {
    struct stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);

    EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(Socket, IsForUsersOfTopologiesWhereTheyHaveTheirOwn) {
    listen(4, [](uid_t user) { return user == ::getuid() + 1; });
    struct stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0666U);

    const base::Descriptor fd(connect());
    send(fd.get(), hello());

    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); })) << "no worker runs as our user";
    EXPECT_EQ(hellos_, 0);
}

TEST_F(Socket, OneUserCannotKeepOutTheOthers) {
    listen(100, [](uid_t) { return true; });
    std::vector<base::Descriptor> strangers;
    for (std::size_t i = 0; i < kStrangersOfUserMax; ++i) strangers.emplace_back(connect());
    run_for(std::chrono::milliseconds(20));

    const base::Descriptor one_more(connect());
    EXPECT_TRUE(run_until([&] { return is_closed(one_more.get()); }));

    // A worker that has said its Hello is not counted among them.
    EXPECT_FALSE(is_closed(strangers[0].get()));
    send(strangers[0].get(), hello());
    ASSERT_TRUE(run_until([&] { return connected_ == 1; }));
    const base::Descriptor another(connect());
    run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_closed(another.get()));
    strangers.clear();
    run_for(std::chrono::milliseconds(20));
}

TEST_F(Socket, TakesReportsAfterAHelloByteByByte) {
    const base::Descriptor fd(connect());
    for (const char byte : hello() + report(7)) {
        send(fd.get(), std::string(1, byte));
        run_for(std::chrono::milliseconds(1));
    }

    EXPECT_TRUE(run_until([this] { return epochs_ == std::vector<std::uint64_t>{7}; }));
    EXPECT_EQ(connected_, 1);
}

TEST_F(Socket, ClosesWhoReportsBeforeItsHello) {
    const base::Descriptor fd(connect());
    send(fd.get(), report());

    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); }));
    EXPECT_TRUE(epochs_.empty());
}

TEST_F(Socket, ClosesWhoHasAnotherToken) {
    const base::Descriptor fd(connect());
    send(fd.get(), hello(std::string(cluster::kSecretBytes, 'x')) + report());

    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); }));
    EXPECT_EQ(connected_, 0);
    EXPECT_TRUE(epochs_.empty());
}

TEST_F(Socket, ClosesWhoSaysTooMuchBeforeItsHello) {
    const base::Descriptor fd(connect());
    const std::string length("\x00\x00\x10\x00", 4);  // 1 MiB is to come, it says.
    send(fd.get(), length + std::string(2 * kHelloBytesMax, 'x'));

    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); }));
    EXPECT_EQ(hellos_, 0);
}

TEST_F(Socket, ClosesWhoSaysNothing) {
    const base::Descriptor fd(connect());

    EXPECT_FALSE(run_until([&] { return is_closed(fd.get()); }, std::chrono::seconds(3)));
    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); }, std::chrono::seconds(4)));
}

TEST_F(Socket, ReplacesAnEarlierConnectionOfTheSameWorker) {
    const base::Descriptor first(connect());
    send(first.get(), hello());
    ASSERT_TRUE(run_until([this] { return connected_ == 1; }));
    const base::Descriptor second(connect());
    send(second.get(), hello());
    ASSERT_TRUE(run_until([this] { return connected_ == 2; }));

    EXPECT_TRUE(run_until([&] { return is_closed(first.get()); }));
    socket_->send(6700, cluster::Stop{});
    run_for(std::chrono::milliseconds(20));
    char byte = 0;
    EXPECT_EQ(::recv(second.get(), &byte, 1, MSG_DONTWAIT), 1);
}

TEST_F(Socket, ClosesAWorkerThatDoesNotRead) {
    const base::Descriptor fd(connect());
    send(fd.get(), hello());
    ASSERT_TRUE(run_until([this] { return connected_ == 1; }));
    cluster::Assignment large;
    large.topology = "wc";
    large.worker_of_executor.assign(100'000, cluster::kUnassigned);

    for (int i = 0; i < 40; ++i) socket_->send(6700, cluster::Assign{large});
    run_for(std::chrono::milliseconds(50));

    std::string drained(1 << 20, '\0');
    while (::recv(fd.get(), drained.data(), drained.size(), MSG_DONTWAIT) > 0) {
    }
    EXPECT_TRUE(run_until([&] { return is_closed(fd.get()); }));
}

TEST_F(Socket, LetsOthersInOnceStrangersAreGone) {
    std::vector<base::Descriptor> strangers;
    for (int i = 0; i < 8; ++i) strangers.emplace_back(connect());
    run_for(std::chrono::milliseconds(20));
    const base::Descriptor worker(connect());
    send(worker.get(), hello());
    run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(connected_, 0) << "four connections are allowed here";

    strangers.clear();

    EXPECT_TRUE(run_until([this] { return connected_ == 1; }));
}

TEST_F(Socket, SurvivesRandomBytes) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        base::Random random(seed);
        const base::Descriptor fd(connect());
        std::string bytes = random.below(2) == 0 ? hello() : "";
        std::string rest = random.below(2) == 0 ? report() : std::string(300, '\0');
        for (int i = 0; i < 8; ++i) {
            rest[random.below(static_cast<std::uint32_t>(rest.size()))] =
                static_cast<char>(random.next());
        }
        send(fd.get(), bytes + rest);
        run_for(std::chrono::milliseconds(1));
    }

    const base::Descriptor worker(connect());
    const int before = connected_;
    send(worker.get(), hello() + report(99));
    EXPECT_TRUE(run_until([&] { return connected_ > before; }));
    EXPECT_TRUE(run_until([&] { return !epochs_.empty() && epochs_.back() == 99; }));
}

TEST(SocketPath, MayNotBeTooLong) {
    boost::asio::io_context io(1);

    const auto refused = WorkerSocket::listen(io, "/tmp/" + std::string(110, 'x'), 4, {});

    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("storm.local.dir"));
}

}  // namespace
}  // namespace storm::supervisor
