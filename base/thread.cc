#include "base/thread.h"

#include <algorithm>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include "base/alternate_stack.h"

namespace storm::base {

Thread::Thread(std::string name, std::function<void()> body)
    : thread_([name = std::move(name), body = std::move(body)] {
          name_thread(name);
          const AlternateStack for_signals;
          // In nanoseconds. By default a wait with a time may end 50 us late.
          prctl(PR_SET_TIMERSLACK, 1'000UL, 0UL, 0UL, 0UL);
          body();
      }) {}

void name_thread(const std::string& name) {
    // The kernel refuses longer ones, and then there would be none.
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

void yield() {
    sched_yield();
}

unsigned usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&cores)));
}

}  // namespace storm::base
