// A queue in one block of memory that grows by doubling and never shrinks.
//
// Threads: one.
// Cost:    push and pop are a few instructions; growing copies.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace storm::worker {

template <typename T>
class Ring {
public:
    bool empty() const { return head_ == tail_; }
    std::size_t size() const { return tail_ - head_; }
    T& front() { return slots_[head_ & (slots_.size() - 1)]; }
    void push(T value) {
        if (size() == slots_.size()) [[unlikely]]
            grow();
        slots_[tail_++ & (slots_.size() - 1)] = std::move(value);
    }
    void pop() { ++head_; }
    /// Puts it back to where pop() took one from.
    void push_front(T value) {
        if (size() == slots_.size()) [[unlikely]]
            grow();
        slots_[--head_ & (slots_.size() - 1)] = std::move(value);
    }

private:
    void grow() {
        std::vector<T> larger(slots_.empty() ? 8 : 2 * slots_.size());
        const std::size_t count = size();
        for (std::size_t i = 0; i < count; ++i)
            larger[i] = std::move(slots_[(head_ + i) & (slots_.size() - 1)]);
        slots_ = std::move(larger);
        head_ = 0;
        tail_ = count;
    }

    std::vector<T> slots_;  // Its size is a power of two.
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
};

}  // namespace storm::worker
