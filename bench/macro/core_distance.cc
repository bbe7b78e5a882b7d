#include "bench/macro/core_distance.h"

#include <atomic>
#include <vector>

#include <sched.h>

#include "base/clock.h"
#include "base/thread.h"

namespace storm::bench {
namespace {

constexpr unsigned kTrips = 100'000;

struct alignas(64) Line {
    std::atomic<unsigned> value{0};
};

std::vector<int> usable(const cpu_set_t& set) {
    std::vector<int> found;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(static_cast<std::size_t>(i), &set)) found.push_back(i);
    }
    return found;
}

void stay_on(int processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(processor), &only);
    ::sched_setaffinity(0, sizeof(only), &only);
}

}  // namespace

std::optional<double> core_round_trip_ns() {
    cpu_set_t before;
    if (::sched_getaffinity(0, sizeof(before), &before) != 0) return std::nullopt;
    const std::vector<int> processors = usable(before);
    if (processors.size() < 2) return std::nullopt;
    Line there, back;
    const base::SteadyClock clock;
    stay_on(processors[0]);
    base::Micros took = 0;
    {
        base::Thread other("echo", [&] {
            stay_on(processors[1]);
            for (unsigned i = 1; i <= kTrips; ++i) {
                while (there.value.load(std::memory_order_acquire) != i) {
                }
                back.value.store(i, std::memory_order_release);
            }
        });
        const base::Micros begin = clock.now();
        for (unsigned i = 1; i <= kTrips; ++i) {
            there.value.store(i, std::memory_order_release);
            while (back.value.load(std::memory_order_acquire) != i) {
            }
        }
        took = clock.now() - begin;
    }
    ::sched_setaffinity(0, sizeof(before), &before);
    return static_cast<double>(took) * 1e3 / kTrips;
}

}  // namespace storm::bench
