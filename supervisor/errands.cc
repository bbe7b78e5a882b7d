#include "supervisor/errands.h"

#include "supervisor/limits.h"

namespace storm::supervisor {

Errands::Errands(cluster::EventLoop& loop, std::string name) : loop_(loop) {
    thread_.emplace(std::move(name), [this] { serve_(); });
}

Errands::~Errands() {
    *alive_ = false;
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
        if (waiting_.size() >= kErrandsMax) return false;
        waiting_.push_back(std::move(errand));
    }
    wake_.notify_one();
    return true;
}

void Errands::serve_() {
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (closing_) return;
        const std::function<void()> errand = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        errand();
    }
}

}  // namespace storm::supervisor
