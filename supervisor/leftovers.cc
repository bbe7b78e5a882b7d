#include "supervisor/leftovers.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "supervisor/limits.h"
#include "supervisor/worker_users.h"

namespace storm::supervisor {
namespace {

std::vector<base::Descriptor> kill_once(const WorkerMarks& worker, const Others& others) {
    std::vector<base::Descriptor> killed;
    for (const Process& each : leftovers_among(all_processes(), worker, others)) {
        base::Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, each.pid, 0)));
        if (!pidfd.is_open()) continue;
        // Looked at again: a pidfd never comes to mean another process.
        if (start_time_of(each.pid) != each.start_time) continue;
        if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0) continue;
        killed.push_back(std::move(pidfd));
    }
    return killed;
}

}  // namespace

std::size_t end_leftovers(const WorkerMarks& worker, const Others& others) {
    const base::SteadyClock clock;
    const Micros until = clock.now() + kLeftoverPatience;
    std::size_t count = 0;
    for (int pass = 0; pass < kLeftoverPasses; ++pass) {
        // A killed process may have started another one just before, so search until none is left.
        // Not for ever: a process that starts others faster than they are found would hold up the
        // next start of the slot.
        const std::vector<base::Descriptor> killed = kill_once(worker, others);
        if (killed.empty()) break;
        count += killed.size();
        for (const base::Descriptor& each : killed) {
            pollfd waiting = {each.get(), POLLIN, 0};
            const Micros left = std::max<Micros>(0, until - clock.now());
            static_cast<void>(::poll(&waiting, 1, static_cast<int>(left / kMicrosPerMilli)));
        }
    }
    return count;
}

/// Users are looked up here, on the thread for files, since they are written on folders.
void end_leftovers(const Places& places, WorkerMarks worker, Others others) {
    worker.user = user_of(places, worker.topology);
    for (OtherWorker& each : others.workers) each.user = user_of(places, each.topology);
    const std::size_t count = end_leftovers(worker, others);
    if (count == 0) return;
    base::log::info("killed what a worker has left behind",
                    {{"topology", worker.topology},
                     {"worker", std::int64_t{worker.number}},
                     {"processes", static_cast<std::int64_t>(count)}});
}

}  // namespace storm::supervisor
