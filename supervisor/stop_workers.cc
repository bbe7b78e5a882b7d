#include "supervisor/stop_workers.h"

#include <csignal>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "daemon/local_dir.h"
#include "supervisor/identity.h"
#include "supervisor/leftovers.h"
#include "supervisor/saved_worker.h"
#include "supervisor/worker_process.h"
#include "supervisor/worker_users.h"

namespace storm::supervisor {

base::Result<std::size_t> stop_workers(const Settings& settings) {
    if (!std::filesystem::exists(settings.places.local_dir)) return std::size_t{0};
    // A running Supervisor would start again what ends here, so there must be none, and none may
    // begin. The saved states stay: the next one finds that these have ended, and counts on from
    // their starts.
    const auto lock = daemon::LocalDir::open(settings.places.local_dir, "supervisor");
    if (!lock) return lock.error();
    std::vector<WorkerProcess> processes;
    std::vector<SavedWorker> ended;
    Others none;
    none.ports.insert(settings.slots.begin(), settings.slots.end());
    none.home = home_in(settings.places);
    SavedWorkers states = read_states(settings.places);
    for (SavedWorker& saved : states.workers) {
        none.ports.insert(saved.port);
        if (!saved.running) continue;
        auto process = find_process(settings.places, saved);
        if (process) {
            saved.pid = process->pid();
            saved.start_time = process->start_time();
            processes.push_back(*std::move(process));
        }
        ended.push_back(std::move(saved));
    }
    const base::SteadyClock clock;
    const Micros asked_until = clock.now() + settings.times.shutdown_sleep;
    // All are asked first, so that they end at the same time, and the patience is spent once.
    for (const WorkerProcess& process : processes) process.signal(SIGTERM);
    for (const WorkerProcess& process : processes) {
        if (!process.ends_within(asked_until - clock.now())) process.signal(SIGKILL);
    }
    constexpr Micros kKillPatience = 5 * kMicrosPerSecond;
    const Micros killed_until = clock.now() + kKillPatience;
    for (const WorkerProcess& process : processes) {
        if (process.ends_within(killed_until - clock.now())) continue;
        return base::Error{"process " + std::to_string(process.pid()) +
                           " does not end, not even by SIGKILL"};
    }
    // Only now: no worker is left that could be taken for the leftover of another one.
    for (const SavedWorker& each : ended) {
        if (!is_of_this_boot(each)) continue;
        end_leftovers(settings.places,
                      {each.topology, each.number, each.port, each.pid, each.start_time}, none);
    }
    if (!states.unreadable.empty()) {
        return base::Error{"ended " + std::to_string(processes.size()) +
                           " workers, but others may still run: " + states.unreadable.front()};
    }
    return processes.size();
}

}  // namespace storm::supervisor
