// The threads that run loops.
//
// A loop changes threads while it runs (loop/loop.h); a thread whose loop has come to an end waits
// here for the next one, so that there are never more than were once needed at the same time.
//
//     hire() ──► run() ──► parked ──take()──► run() ──► … ──► join()
//                             └─◄──give_back()──┘
//
// Order:   close(), then join() once nobody is at work any more.
// Threads: any; join() from none of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread.h"

namespace storm::worker {

class Crew {
public:
    using MakeThread =
        std::function<base::Thread(const std::string& name, std::function<void()> body)>;
    class Member;

    explicit Crew(const base::Clock& clock);
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew();

    /// For tests; before anything else.
    void make_threads_with(MakeThread make) { make_thread_ = std::move(make); }

    /// A new thread. Throws std::system_error when the system gives none.
    Member& hire();
    /// A parked thread, or a new one; null when the system gives none, which is logged once, or
    /// after close(). Whoever took one calls run() or give_back().
    Member* take();
    void give_back(Member& member);
    /// Calls `work` on that thread, which is called `name` meanwhile.
    void run(Member& member, std::string name, std::function<void()> work);

    void close();
    /// Whether anybody is at work, or taken.
    bool at_work() const;
    void join();
    /// How many threads there are.
    std::size_t size() const;

private:
    Member& hire_locked();
    void live(Member& member);

    const base::Clock& clock_;
    MakeThread make_thread_;
    mutable std::mutex mutex_;  // Guards what follows; held for a few statements.
    std::vector<std::unique_ptr<Member>> members_;
    std::vector<Member*> parked_;
    std::size_t at_work_ = 0;
    bool closed_ = false;
    bool ended_ = false;
    bool refused_before_ = false;  // The system has given no thread.
    base::Micros asked_in_vain_;   // When it did so last.
};

}  // namespace storm::worker
