// No socket of ours is open in a program that user code starts: a slot's port would stay taken, and
// a peer would not see that its worker is gone.
// Method: two workers and /metrics in this process; the flag of every socket it has.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_topology.h"
#include "tests/support/local_socket.h"
#include "tests/worker/transport/several_workers.h"
#include "worker/run/metrics_server.h"

namespace storm::testing {
namespace {

struct Sockets {
    int all = 0;
    std::vector<int> inherited;
};

Sockets sockets_of_this_process() {
    Sockets found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
        if (gone || !target.starts_with("socket:")) continue;
        const int descriptor = std::stoi(entry.path().filename().string());
        if (descriptor <= 2) continue;  // The caller of this test may have made those.
        ++found.all;
        if ((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0) found.inherited.push_back(descriptor);
    }
    return found;
}

TEST(CloseOnExec, HoldsForEverySocketOfAWorker) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 100'000'000, outcomes);
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("numbers");
    SeveralWorkers workers(
        t.build(), config_of({1, false}), 2,
        [](const std::string& component, std::size_t) { return component == "numbers" ? 0U : 1U; });
    ASSERT_TRUE(eventually([&] { return outcomes->acked() > 0; }));
    const auto server = worker::serve_metrics(0, workers.engine(0).shared(), {"wc", "local"});
    ASSERT_TRUE(server) << server.error().message;
    const int own = sockets_of_this_process().all;
    const tests::RawClient client(server.value()->port());
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.receive_until("storm_worker");

    const Sockets found = sockets_of_this_process();

    // The client's own is the test's; the server's end of that connection is ours.
    EXPECT_EQ(found.all, own + 2);
    EXPECT_THAT(found.inherited, ::testing::SizeIs(::testing::Le(1)));
}

}  // namespace
}  // namespace storm::testing
