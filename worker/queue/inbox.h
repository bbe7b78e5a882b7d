// A queue into a loop: other threads push items, the loop takes all of them at once.
//
// Items of one producer token come out in the order of their pushes; nothing is promised between
// producers. The pusher notifies the loop's EventCount. The queue has no bound of its own: credit
// (queue/credit.h) bounds what is pushed.
//
// Threads: push from any, with a token that one thread uses at a time; take_all by one.
// Cost:    30-50 ns to push, and to take an item; nothing to look at an empty inbox.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include <concurrentqueue/concurrentqueue.h>

namespace storm::worker {

template <typename T>
class Inbox {
public:
    using Token = moodycamel::ProducerToken;

    Token token() { return Token(queue_); }
    void push(Token& token, T* item) {
        queue_.enqueue(token, item);
        count_.fetch_add(1, std::memory_order_release);
    }
    /// Without a token: in no particular order.
    void push(T* item) {
        queue_.enqueue(item);
        count_.fetch_add(1, std::memory_order_release);
    }
    bool empty() const { return count_.load(std::memory_order_acquire) == 0; }
    /// Calls use(item) for each item that was there when it was called.
    template <typename Use>
    void take_all(Use&& use) {
        std::size_t left = count_.load(std::memory_order_acquire);
        std::array<T*, 32> taken{};
        while (left > 0) {
            const std::size_t n =
                queue_.try_dequeue_bulk(taken.begin(), left < taken.size() ? left : taken.size());
            // Counted, but not visible to this thread yet: a later call gets it.
            if (n == 0) break;
            count_.fetch_sub(n, std::memory_order_relaxed);
            left -= n;
            for (std::size_t i = 0; i < n; ++i) use(taken[i]);
        }
    }

private:
    moodycamel::ConcurrentQueue<T*> queue_;
    alignas(64) std::atomic<std::size_t> count_{0};
};

}  // namespace storm::worker
