// A worker finds its Supervisor again wherever its user code has gone. Method: a Unix socket in a
// temporary folder; the loop turns in this thread.

#include "worker/serve/supervisor_link.h"

#include <chrono>
#include <filesystem>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "tests/support/temp_dir.h"

namespace storm::worker {
namespace {

namespace fs = std::filesystem;
using Stream = boost::asio::local::stream_protocol;

TEST(SupervisorLink, APathFromItsFolderCountsFromWhereTheWorkerWasStarted) {
    const testing::TempDir folder;
    const fs::path before = fs::current_path();
    fs::create_directories(folder.path("wc/0"));
    fs::current_path(folder.path("wc/0"));
    boost::asio::io_context io;
    Stream::acceptor acceptor(io, Stream::endpoint(folder.path("socket")));
    int connections = 0;
    Stream::socket first(io), second(io);
    acceptor.async_accept(first, [&](const boost::system::error_code& error) {
        connections += error ? 0 : 1;
        first.close();  // A Supervisor that ends; the next one is connected to.
        acceptor.async_accept(second, [&](const boost::system::error_code& again) {
            connections += again ? 0 : 1;
            io.stop();
        });
    });

    SupervisorLink link(io, "/proc/self/cwd/../../socket", "token",
                        [](const cluster::ToWorker&) {});
    fs::current_path("/");
    link.start();
    io.run_for(std::chrono::seconds(10));
    link.close();
    fs::current_path(before);

    EXPECT_EQ(connections, 2);
}

}  // namespace
}  // namespace storm::worker
