#include "worker/run/crash.h"

#include <atomic>
#include <cstdint>

#include "base/crash.h"
#include "worker/executor/executor.h"
#include "worker/executor/running.h"
#include "worker/run/screen.h"

namespace storm::worker {
namespace {

// In a signal handler, on any thread: reads a thread-local, an atomic and a constant text, and
// allocates nothing.
void add_task(base::LineBuffer& line) {
    const Executor* const executor = running_executor;
    if (executor == nullptr) return;
    const auto task = static_cast<std::uint64_t>(executor->in_task.load(std::memory_order_relaxed));
    line << base::kCrashCodeOf << executor->quoted_id() << base::kCrashTask;
    line.number(task) << ")";
}

}  // namespace

void tell_of_crashes() {
    base::tell_of_crashes({.first = &Screen::give_back, .whose = &add_task});
}

}  // namespace storm::worker
