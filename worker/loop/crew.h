// The threads that run loops.
//
// A loop may change threads while it runs (loop/loop.h). A thread whose loop has ended waits here
// for the next one, so there are never more threads than were once needed at the same time.
//
//     hire() ──► run() ──► parked ──take()──► run() ──► … ──► join()
//                             └─◄──give_back()──┘
//
// Order:   close(), then join() when no thread is at work any more.
// Threads: any; join() from none of the crew.
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
    struct Member;

    explicit Crew(const base::Clock& clock);
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew();

    /// For tests. To be called before anything else.
    void make_threads_with(MakeThread make) { make_thread_ = std::move(make); }

    /// Makes a new thread. Throws std::system_error if the system gives none.
    Member& hire();
    /// A parked thread, or a new one. Null after close(), or if the system gives no thread, which
    /// is logged once. The caller hands the thread to run() or give_back().
    Member* take();
    void give_back(Member& member);
    /// Calls `work` on that thread, which bears the name `name` meanwhile.
    void run(Member& member, std::string name, std::function<void()> work);

    void close();
    /// Whether any thread is running or taken.
    bool at_work() const;
    void join();
    /// Number of threads.
    std::size_t size() const;

private:
    Member& hire_locked();
    void live(Member& member);

    const base::Clock& clock_;
    MakeThread make_thread_;
    mutable std::mutex mutex_;  // Guards the following; held for a few statements.
    std::vector<std::unique_ptr<Member>> members_;
    std::vector<Member*> parked_;
    std::size_t at_work_ = 0;
    bool closed_ = false;
    bool ended_ = false;
    bool refused_before_ = false;  // The system has refused a thread before.
    base::Micros asked_in_vain_;   // When it last did.
};

}  // namespace storm::worker
