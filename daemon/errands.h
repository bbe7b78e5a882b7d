// Runs blocking calls, one at a time, on a thread of its own, for a loop that must not wait.
//
//     errands.run([path] { return sha256_of(path); }, [this](Result<…> sum) { … });
//
// Threads: run() on the loop's thread; the work runs on this object's thread, `then` on the
//          loop's. The destructor waits for running work; after it no `then` comes, and waiting
//          work is dropped.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/lifetime.h"
#include "base/thread.h"

namespace storm::daemon {

class Errands {
public:
    Errands(base::EventLoop& loop, std::string thread_name, std::size_t waiting_max);
    ~Errands();
    Errands(const Errands&) = delete;
    Errands& operator=(const Errands&) = delete;

    /// How long the errand at work has been so; 0: there is none. Any thread.
    base::Micros at_work_for() const;

    /// False: `waiting_max` errands wait already.
    template <typename Work, typename Then>
    bool run(Work work, Then then) {
        return push_([this, watch = lifetime_.watch(), work = std::move(work),
                      then = std::move(then)]() mutable {
            auto result = std::make_shared<decltype(work())>(work());
            loop_.post(watch.guard(
                [result, then = std::move(then)]() mutable { then(std::move(*result)); }));
        });
    }

private:
    static constexpr base::Micros kIdle = -1;

    bool push_(std::function<void()> errand);
    void serve_();

    base::EventLoop& loop_;
    const base::SteadyClock clock_;
    const std::size_t waiting_max_;
    base::Lifetime lifetime_;  ///< Used on the loop's thread.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> waiting_;  ///< Guarded by mutex_, like closing_.
    bool closing_ = false;
    std::atomic<base::Micros> begun_{kIdle};  ///< When the errand at work began.
    std::optional<base::Thread> thread_;
};

}  // namespace storm::daemon
