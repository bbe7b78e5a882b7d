#include "bench/macro/worker_processes.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/event_count.h"
#include "base/log.h"
#include "cluster/plan.h"
#include "worker/engine/engine.h"
#include "worker/transport/transport.h"

namespace storm::bench {
namespace {

constexpr std::uint32_t kWorkersMax = 64;
constexpr base::Micros kPollMicros = 10 * base::kMicrosPerMilli;
constexpr base::Micros kStopMicrosMax = 5 * base::kMicrosPerSecond;

void pause(base::Micros micros) {
    base::EventCount nobody;
    nobody.wait(nobody.prepare_wait(), micros);
}

}  // namespace

/// Shared by all processes.
struct WorkerProcesses::Shared {
    std::atomic<std::uint16_t> ports[kWorkersMax];
    std::atomic<bool> stop;
};

WorkerProcesses::WorkerProcesses(const Graph& graph, const Options& options) {
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("cannot share memory with workers");
    shared_ = new (memory) Shared{};
    for (std::uint32_t i = 0; i < options.workers; ++i) {
        const pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error("cannot start a worker");
        if (pid == 0) run(i, graph, options);
        pids_.push_back(pid);
    }
    running_ = pids_;
}

WorkerProcesses::~WorkerProcesses() {
    for (const pid_t pid : running_) ::kill(pid, SIGKILL);
    for (const pid_t pid : running_) ::waitpid(pid, nullptr, 0);
    ::munmap(shared_, sizeof(Shared));
}

void WorkerProcesses::run(std::uint32_t number, const Graph& graph, const Options& options) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    base::log::set_level(base::LogLevel::kWarn);
    const auto fail = [](const std::string& why) {
        std::fprintf(stderr, "storm-bench: a worker: %s\n", why.c_str());
        std::_Exit(1);
    };
    const base::SteadyClock clock;
    const cluster::Plan plan = cluster::make_plan(graph.topology, options.settings);
    worker::Share share{.own = number,
                        .workers = options.workers,
                        .worker_of_executor = {},
                        .incarnation = 1,
                        .workers_on_host = options.workers};
    for (std::size_t e = 0; e < plan.executors.size(); ++e)
        share.worker_of_executor.push_back(static_cast<std::uint32_t>(e) % options.workers);
    worker::Engine engine(graph.topology, options.settings, clock, share);
    auto listening = worker::Transport::listen(
        engine.shared(),
        {.topology = "bench-1-1", .secret = "bench", .worker = number, .incarnation = 1},
        "127.0.0.1", 0, clock, [] { std::_Exit(1); });
    if (!listening) fail(listening.error().message);
    const std::unique_ptr<worker::Transport> transport = std::move(listening).value();
    shared_->ports[number].store(transport->port());
    std::vector<std::optional<worker::PeerPlace>> places;
    for (std::uint32_t i = 0; i < options.workers; ++i) {
        while (shared_->ports[i].load() == 0) pause(base::kMicrosPerMilli);
        places.emplace_back(worker::PeerPlace{"127.0.0.1", shared_->ports[i].load(), 0});
    }
    transport->start();
    transport->set_peers(places);
    engine.start();
    while (!shared_->stop.load()) {
        if (engine.wait(kPollMicros) == worker::Engine::State::kFailed) fail(engine.failure());
    }
    if (!engine.stop(kStopMicrosMax)) fail("the engine does not stop");
    for (const worker::ComponentSnapshot& component : engine.snapshot()) {
        if (component.dropped > 0) fail(component.id + " has dropped tuples");
        if (!component.last_errors.empty())
            fail(component.id + ": " + component.last_errors[0].text);
    }
    std::_Exit(0);
}

void WorkerProcesses::reap(bool block) {
    for (std::size_t i = 0; i < running_.size();) {
        int status = 0;
        if (::waitpid(running_[i], &status, block ? 0 : WNOHANG) == 0) {
            ++i;
            continue;
        }
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            throw std::runtime_error("a worker has failed");
    }
}

void WorkerProcesses::wait(base::Micros timeout) {
    pause(timeout);
    reap(false);
    if (running_.size() < pids_.size()) throw std::runtime_error("a worker has ended");
}

void WorkerProcesses::stop() {
    shared_->stop.store(true);
    reap(true);
}

double WorkerProcesses::peak_rss_mb() const {
    double most = 0;
    for (const pid_t pid : pids_) most = std::max(most, bench::peak_rss_mb(pid));
    return most;
}

}  // namespace storm::bench
