#include "base/thread_activity.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "base/process_stat.h"

namespace storm::base {

pid_t thread_number() {
    thread_local const pid_t kNumber = gettid();  // Cached, since loops ask again and again.
    return kNumber;
}

Micros cpu_time(pid_t thread) {
    // The kernel's encoding of "the scheduler's clock of thread N" (linux/posix-timers.h).
    // pthread_getcpuclockid() would need a live pthread_t.
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6U);
    timespec time{};
    if (clock_gettime(clock, &time) != 0) return 0;
    return time.tv_sec * kMicrosPerSecond + time.tv_nsec / 1'000;
}

ThreadUse own_use() {
    rusage use{};
    getrusage(RUSAGE_THREAD, &use);
    const auto micros = [](const timeval& time) {
        return time.tv_sec * kMicrosPerSecond + time.tv_usec;
    };
    return {.cpu = micros(use.ru_utime) + micros(use.ru_stime), .waits = use.ru_nvcsw};
}

bool is_asleep(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    if (!std::getline(file, line)) return false;
    const auto stat = parse_process_stat(line);
    return stat && (stat->state == 'S' || stat->state == 'D');
}

}  // namespace storm::base
