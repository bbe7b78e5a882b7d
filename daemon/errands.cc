#include "daemon/errands.h"

namespace storm::daemon {

Errands::Errands(base::EventLoop& loop, std::string thread_name, std::size_t waiting_max)
    : loop_(loop), waiting_max_(waiting_max) {
    thread_.emplace(std::move(thread_name), [this] { serve_(); });
}

Errands::~Errands() {
    lifetime_.end();
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    thread_->join();
}

bool Errands::push_(std::function<void()> errand) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= waiting_max_) return false;
        waiting_.push_back(std::move(errand));
    }
    wake_.notify_one();
    return true;
}

/// Relaxed: a moment too old does not matter to limits of many seconds.
base::Micros Errands::at_work_for() const {
    const base::Micros begun = begun_.load(std::memory_order_relaxed);
    return begun == kIdle ? 0 : clock_.now() - begun;
}

/// Jobs that still wait at the end are let go: the loop that their answers are for has ended.
void Errands::serve_() {
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (closing_) return;
        const std::function<void()> errand = std::move(waiting_.front());
        waiting_.pop_front();
        begun_.store(clock_.now(), std::memory_order_relaxed);
        lock.unlock();
        errand();
        begun_.store(kIdle, std::memory_order_relaxed);
    }
}

}  // namespace storm::daemon
