// A Supervisor in this process, with real workers, a cluster's state in memory and a TestNimbus.
//
//     TestCluster cluster;
//     cluster.start();
//     cluster.submit("wc", "run");            // See tests/support/test_worker.cc.
//     cluster.wait_until([&] { return cluster.runs("wc"); });
//
// Threads: as TestNimbus.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "coordination/memory_coordination.h"
#include "supervisor/supervisor.h"
#include "tests/support/test_nimbus.h"

namespace storm::testing {

class TestCluster {
public:
    TestCluster() {
        settings.places = nimbus.places;
        settings.host = "127.0.0.1";
        settings.slots = {0, 0};
        settings.token_file = nimbus.token_file();
        settings.times.worker_timeout = 2 * base::kMicrosPerSecond;
        settings.times.shutdown_sleep = base::kMicrosPerSecond;
    }
    TestCluster(const TestCluster&) = delete;
    TestCluster& operator=(const TestCluster&) = delete;
    ~TestCluster() { supervisor_.reset(); }

    base::Result<base::Done> try_start() {
        auto made = supervisor::Supervisor::start(
            {nimbus.io(), session_, wall_, [](const std::string&) {}}, settings);
        if (!made) return made.error();
        supervisor_ = std::move(made).value();
        return base::Done{};
    }
    void start() {
        const auto started = try_start();
        ASSERT_TRUE(started) << started.error().message;
    }
    /// As SIGTERM: workers stay.
    void stop() { supervisor_.reset(); }
    supervisor::Supervisor& supervisor() { return *supervisor_; }

    /// Uses `workers` workers, on the first slots.
    void submit(const std::string& id, const std::string& mode, std::size_t workers = 1) {
        std::vector<std::uint16_t> ports = nimbus.slots();
        ASSERT_GE(ports.size(), workers);
        ports.resize(workers);
        nimbus.submit(id, mode, supervisor_->id(), ports);
    }
    /// Nothing: it has no slot.
    std::optional<cluster::WorkerStatus> status(const std::string& id, std::uint32_t number = 0) {
        for (cluster::WorkerStatus& each : supervisor_->report().workers) {
            if (each.topology == id && each.number == number) return std::move(each);
        }
        return std::nullopt;
    }
    bool runs(const std::string& id, std::uint32_t number = 0) {
        const auto found = status(id, number);
        return found && found->pid > 0 && !found->report.components.empty() &&
               found->report.state == cluster::WorkerState::kRunning;
    }

private:
    // Before all that has loops or clients of it.
    std::unique_ptr<coordination::MemoryServer> server_;

public:
    TestNimbus nimbus{[this](base::EventLoop& loop) {
        if (!server_) server_ = std::make_unique<coordination::MemoryServer>(loop);
        return server_->connect(loop);
    }};
    coordination::MemoryServer& zookeeper() { return *server_; }
    daemon::AsioLoop& loop() { return loop_; }
    supervisor::Settings settings;

private:
    daemon::AsioLoop loop_{nimbus.io()};
    const base::SystemWallClock wall_;
    coordination::Session session_{loop_, [this] { return server_->connect(loop_); }, "/storm"};
    std::unique_ptr<supervisor::Supervisor> supervisor_;
};

}  // namespace storm::testing
