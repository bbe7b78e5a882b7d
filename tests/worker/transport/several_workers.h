// Several workers of one topology in this process: an engine and its links for each.
//
// kill() is what SIGKILL is to a process, as far as the others can see: the connection is gone, and
// what the worker held with it; its successor is of a newer incarnation.
//
// Threads: the test's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/support/any_topology.h"
#include "worker/engine/engine.h"
#include "worker/transport/transport.h"

namespace storm::testing {

class SeveralWorkers {
public:
    /// `place` says which of the workers runs an executor, by its component and index among those.
    using Place = std::function<std::uint32_t(const std::string& component, std::size_t index)>;

    /// Where the others are told that a worker listens: its port, or that of a proxy before it.
    using Reroute = std::function<std::uint16_t(std::uint32_t worker, std::uint16_t port)>;
    /// The same for one that dials alone.
    using RerouteFor = std::function<std::uint16_t(std::uint32_t dialer, std::uint32_t worker,
                                                   std::uint16_t port)>;

    SeveralWorkers(const Topology& topology, const Config& config, std::uint32_t workers,
                   const Place& place, Reroute reroute = {})
        : SeveralWorkers(
              topology, config, workers, place,
              reroute ? RerouteFor([reroute](std::uint32_t, std::uint32_t worker,
                                             std::uint16_t port) { return reroute(worker, port); })
                      : RerouteFor(),
              worker::LinkTimes{}) {}
    SeveralWorkers(const Topology& topology, const Config& config, std::uint32_t workers,
                   const Place& place, RerouteFor reroute, const worker::LinkTimes& times)
        : topology_(topology),
          config_(config),
          reroute_(std::move(reroute)),
          times_(times),
          workers_(workers) {
        const cluster::Plan plan = cluster::make_plan(topology, config);
        std::vector<std::size_t> seen(topology.components().size());
        for (const cluster::ExecutorPlan& executor : plan.executors) {
            worker_of_executor_.push_back(
                place(topology.components()[executor.component].id, seen[executor.component]++));
        }
        for (std::uint32_t i = 0; i < workers; ++i) start(i);
        tell_places();
    }
    SeveralWorkers(const SeveralWorkers&) = delete;
    SeveralWorkers& operator=(const SeveralWorkers&) = delete;
    ~SeveralWorkers() {
        for (std::uint32_t i = 0; i < workers_.size(); ++i) kill(i);
    }

    worker::Engine& engine(std::uint32_t worker) { return *workers_[worker].engine; }
    worker::Transport& transport(std::uint32_t worker) { return *workers_[worker].transport; }
    bool is_superseded(std::uint32_t worker) const { return *workers_[worker].superseded; }

    void kill(std::uint32_t worker) {
        Worker& killed = workers_[worker];
        if (killed.engine == nullptr) return;
        killed.transport->close();  // First: nothing of its end may get out.
        killed.engine->stop(base::EventCount::kForever);
        killed.transport.reset();
        killed.engine.reset();
    }
    /// Its orderly end, once it has finished or drained. Whether the others have taken all of it.
    bool leave(std::uint32_t worker, base::Micros patience = 60 * base::kMicrosPerSecond) {
        Worker& leaving = workers_[worker];
        leaving.engine->stop(base::EventCount::kForever);
        const auto complete = std::make_shared<std::atomic<int>>(-1);
        leaving.transport->flush(patience, [complete](bool all) { *complete = all ? 1 : 0; });
        EXPECT_TRUE(eventually([&] { return *complete >= 0; }, std::chrono::minutes(2)));
        kill(worker);
        return *complete == 1;
    }
    /// Makes a worker that was not there, or has been killed.
    void start(std::uint32_t number) {
        Worker& worker = workers_[number];
        worker.engine = std::make_unique<worker::Engine>(
            topology_, config_, clock_,
            worker::Share{.own = number,
                          .workers = static_cast<std::uint32_t>(workers_.size()),
                          .worker_of_executor = worker_of_executor_,
                          .incarnation = worker.incarnation + 1,
                          .workers_on_host = workers_.size()});
        worker.superseded = std::make_shared<std::atomic<bool>>(false);
        auto listening = worker::Transport::listen(
            worker.engine->shared(),
            {.topology = "test-1-1",
             .secret = std::string(32, 's'),
             .worker = number,
             .incarnation = ++worker.incarnation},
            "127.0.0.1", worker.port, clock_,
            [superseded = worker.superseded] { superseded->store(true); }, times_);
        ASSERT_TRUE(listening) << listening.error().message;
        worker.transport = std::move(listening).value();
        worker.port = worker.transport->port();
        worker.transport->start();
        worker.engine->start();
    }
    void restart(std::uint32_t worker) {
        kill(worker);
        start(worker);
        tell_places();
    }
    /// Where all that live are.
    void tell_places() {
        for (std::uint32_t dialer = 0; dialer < workers_.size(); ++dialer) {
            std::vector<std::optional<worker::PeerPlace>> places;
            for (std::uint32_t i = 0; i < workers_.size(); ++i) {
                const std::uint16_t port = workers_[i].port;
                places.emplace_back(
                    worker::PeerPlace{"127.0.0.1", reroute_ ? reroute_(dialer, i, port) : port, 0});
            }
            const auto& transport = workers_[dialer].transport;
            if (transport != nullptr) transport->set_peers(std::move(places));
        }
    }
    bool all_finish() {
        return eventually([this] {
            for (const Worker& worker : workers_) {
                if (worker.engine->wait(0) != worker::Engine::State::kFinished) return false;
            }
            return true;
        });
    }

private:
    struct Worker {
        std::unique_ptr<worker::Engine> engine;
        std::unique_ptr<worker::Transport> transport;
        std::shared_ptr<std::atomic<bool>> superseded;
        std::uint64_t incarnation = 0;
        std::uint16_t port = 0;
    };

    const Topology topology_;
    const Config config_;
    const RerouteFor reroute_;
    const worker::LinkTimes times_;
    const base::SteadyClock clock_;
    std::vector<std::uint32_t> worker_of_executor_;
    std::vector<Worker> workers_;
};

}  // namespace storm::testing
