#include "worker/loop/crew.h"

#include <exception>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "worker/queue/limits.h"

namespace storm::worker {

struct Crew::Member {
    std::condition_variable wake;
    std::string name;
    std::function<void()> work;  // Guarded by the crew's mutex, as is the name.
    std::unique_ptr<base::Thread> thread;
};

Crew::Crew(const base::Clock& clock)
    : clock_(clock),
      make_thread_([](const std::string& name, std::function<void()> body) {
          return base::Thread(name, std::move(body));
      }),
      asked_in_vain_(clock.now() - kNoThreadPauseMicros) {}

Crew::~Crew() {
    close();
    join();
}

Crew::Member& Crew::hire() {
    const std::lock_guard lock(mutex_);
    return hire_locked();
}

// The new thread begins with the lock that is held here, so it sees a complete Member.
Crew::Member& Crew::hire_locked() {
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    try {
        member.thread = std::make_unique<base::Thread>(
            make_thread_("spare", [this, &member] { live(member); }));
    } catch (const std::system_error&) {
        members_.pop_back();
        throw;
    }
    // Counted from now on, though it has no work yet: Loops::stop() must not join the crew before a
    // thread that was just taken has run, and left, its loop.
    ++at_work_;
    return member;
}

Crew::Member* Crew::take() {
    std::string why;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return nullptr;
        if (!parked_.empty()) {
            Member* const member = parked_.back();
            parked_.pop_back();
            ++at_work_;
            return member;
        }
        // The system is short of threads: asking again and again would only slow everything down.
        const base::Micros now = clock_.now();
        if (now - asked_in_vain_ < kNoThreadPauseMicros) return nullptr;
        try {
            return &hire_locked();
        } catch (const std::system_error& error) {
            asked_in_vain_ = now;
            if (std::exchange(refused_before_, true)) return nullptr;
            why = error.what();
        }
    }
    base::log::warn(
        "the system gives no more threads: a component that holds its event loop holds up its "
        "neighbours; raise the limit of processes (ulimit -u, pids.max)",
        {{"error", why}});
    return nullptr;
}

void Crew::give_back(Member& member) {
    const std::lock_guard lock(mutex_);
    STORM_CHECK(at_work_ > 0, "take() has counted it");
    --at_work_;
    parked_.push_back(&member);
}

void Crew::run(Member& member, std::string name, std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    STORM_CHECK(member.work == nullptr, "a member at work is not given more");
    member.name = std::move(name);
    member.work = std::move(work);
    member.wake.notify_one();
}

void Crew::live(Member& member) {
    std::unique_lock lock(mutex_);
    while (true) {
        member.wake.wait(lock, [&] { return member.work != nullptr || ended_; });
        // Work that was given before the end is still done: its loop waits for a thread.
        if (member.work == nullptr) return;
        const std::function<void()> work = std::exchange(member.work, {});
        const std::string name = member.name;
        lock.unlock();
        base::name_thread(name);
        work();
        base::name_thread("spare");
        lock.lock();
        --at_work_;
        parked_.push_back(&member);
    }
}

void Crew::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

bool Crew::at_work() const {
    const std::lock_guard lock(mutex_);
    return at_work_ > 0;
}

void Crew::join() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        for (const auto& member : members_) member->wake.notify_one();
    }
    // After close() there are no new members.
    for (const auto& member : members_) {
        if (member->thread->joinable()) member->thread->join();
    }
}

std::size_t Crew::size() const {
    const std::lock_guard lock(mutex_);
    return members_.size();
}

}  // namespace storm::worker
