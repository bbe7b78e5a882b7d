// A named thread that is joined when it goes out of scope.
//
// Its timer slack is 1 microsecond, so that short waits end on time. It has an alternate stack, so
// that a crash can be reported when its own stack is exhausted.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace storm::base {

class Thread {
public:
    /// `name` is cut to the 15 characters that Linux keeps.
    Thread(std::string name, std::function<void()> body);

    void join() { thread_.join(); }
    bool joinable() const { return thread_.joinable(); }
    /// For a thread stuck in user code when the process ends.
    void detach() { thread_.detach(); }

private:
    std::jthread thread_;
};

/// Renames the calling thread; see Thread.
void name_thread(const std::string& name);

/// Lets another thread run, if one is ready.
void yield();

/// How many processors this process may use.
unsigned usable_cores();

}  // namespace storm::base
