#include "supervisor/stop_workers.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <poll.h>

#include "base/clock.h"
#include "daemon/local_dir.h"
#include "supervisor/leftovers.h"
#include "supervisor/saved_worker.h"
#include "supervisor/worker_process.h"
#include "supervisor/worker_users.h"

namespace storm::supervisor {
namespace {

/// Whether it has ended by the deadline.
bool await(const WorkerProcess& process, Micros deadline, const base::Clock& clock) {
    pollfd waiting = {process.pidfd(), POLLIN, 0};
    const Micros left = std::max<Micros>(0, deadline - clock.now());
    return ::poll(&waiting, 1, static_cast<int>((left + 999) / kMicrosPerMilli)) > 0;
}

}  // namespace

base::Result<std::size_t> stop_workers(const Settings& settings) {
    if (!std::filesystem::exists(settings.places.local_dir)) return std::size_t{0};
    const auto lock = daemon::LocalDir::open(settings.places.local_dir, "supervisor");
    if (!lock) return lock.error();
    std::vector<WorkerProcess> processes;
    std::vector<WorkerMarks> marks;
    for (const SavedWorker& saved : read_states(settings.places)) {
        if (!saved.running) continue;
        auto process =
            saved.pid > 0
                ? WorkerProcess::find(saved.pid, saved.start_time)
                : WorkerProcess::find_in(settings.places.worker(saved.topology, saved.number));
        if (!process) continue;
        marks.push_back(
            {saved.topology, saved.number, saved.port, process->pid(), process->start_time()});
        processes.push_back(*std::move(process));
    }
    const base::SteadyClock clock;
    const Micros asked_until = clock.now() + settings.times.shutdown_sleep;
    for (const WorkerProcess& process : processes) process.signal(SIGTERM);
    for (const WorkerProcess& process : processes) {
        if (!await(process, asked_until, clock)) process.signal(SIGKILL);
    }
    constexpr Micros kKillPatience = 5 * kMicrosPerSecond;
    const Micros killed_until = clock.now() + kKillPatience;
    for (const WorkerProcess& process : processes) {
        if (await(process, killed_until, clock)) continue;
        return base::Error{"process " + std::to_string(process.pid()) +
                           " does not end, not even by SIGKILL"};
    }
    for (const WorkerMarks& each : marks) end_leftovers(settings.places, each, {});
    return processes.size();
}

}  // namespace storm::supervisor
