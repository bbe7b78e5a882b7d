// Credit: how much one executor may send to another before that one has consumed it.
//
// The receiver announces an absolute limit, "up to byte N on this channel", and advances it as it
// consumes. Limits are absolute, so an announcement that is repeated or overtaken does no harm. A
// sender past the limit pauses: it sets `waiting` and looks at the limit once more; the receiver
// moves the limit and then looks at `waiting`. Each side has a full fence between its two steps,
// so one of them sees the other, and no wake-up is lost (Dekker's argument).
//
// One call of user code may take a channel past its limit with what it emits; the next call waits.
//
// Nobody waits for a receiver that is gone: its limit is kUnlimited. Yet its channel counts as
// exhausted, so that groupings with a choice choose another one.
//
// Threads: CreditSender belongs to the emitting executor, CreditReceiver to the consuming one;
//          they meet in the atomics.
// Cost:    an add and a compare per row; a fence per quarter of the window.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

namespace storm::worker {

class CreditReceiver {
public:
    enum class Sender : std::uint8_t { kHere, kElsewhere };
    static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

    /// A sender elsewhere, in another worker, has to be told each new limit.
    explicit CreditReceiver(std::uint64_t window, Sender sender = Sender::kHere)
        : limit_(window), window_(window), sender_(sender) {}

    /// True if the sender must be told: it waited for this, or is elsewhere.
    [[nodiscard]] bool consume(std::uint64_t bytes) {
        consumed_ += bytes;
        const std::uint64_t limit = consumed_ + window_;
        // The only writer, so relaxed will do; the sender reads with acquire.
        if (limit - limit_.load(std::memory_order_relaxed) < window_ / 4) return false;
        return announce(limit);
    }
    /// Announces what was consumed, however little. True if the sender must be told.
    [[nodiscard]] bool announce_all() {
        if (limit_.load(std::memory_order_relaxed) == consumed_ + window_) return false;
        return announce(consumed_ + window_);
    }
    /// Any thread.
    std::uint64_t limit() const { return limit_.load(std::memory_order_acquire); }

    /// For the local copy of a receiver in another worker: the receiver has announced `limit`. True
    /// if a sender waited. Threads: one, which calls this instead of consume().
    [[nodiscard]] bool announced(std::uint64_t limit) { return announce(limit); }
    /// For the copy too: the receiver is lost. There is no credit until the next one announces
    /// some. A sender with credit left learns of it by CreditSender::revoke().
    void revoke() { limit_.store(0, std::memory_order_release); }
    /// For the copy too: the receiver is gone for good. Waiting senders must be made to look again.
    void give_up() { limit_.store(kUnlimited, std::memory_order_release); }

private:
    friend class CreditSender;

    bool announce(std::uint64_t limit) {
        limit_.store(limit, std::memory_order_release);
        if (sender_ == Sender::kElsewhere) return true;
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (waiting_.load(std::memory_order_relaxed) == 0) return false;
        return waiting_.exchange(0, std::memory_order_relaxed) != 0;
    }

    std::atomic<std::uint64_t> limit_;
    std::uint64_t consumed_ = 0;
    const std::uint64_t window_;
    const Sender sender_;
    std::atomic<std::uint32_t> waiting_{0};
};

class CreditSender {
public:
    /// `receiver` is null for a channel inside a cycle, which needs no credit.
    explicit CreditSender(CreditReceiver* receiver)
        : limit_(receiver == nullptr ? CreditReceiver::kUnlimited : receiver->window_),
          receiver_(receiver) {}

    /// True if the channel was within its limit before, and is not any more.
    [[nodiscard]] bool send(std::uint64_t bytes) {
        sent_ += bytes;
        if (sent_ < limit_ || exhausted_) [[likely]]
            return false;
        look();
        beyond_from_ = sent_;
        return exhausted_;
    }
    /// True also if the receiver is gone, so that groupings with a choice choose another one.
    bool exhausted() const { return exhausted_; }
    /// False: the receiver is lost, gone or has not come yet, as far as the last look showed, so a
    /// row for it would have to wait for another one. REQUIRES: exhausted().
    bool is_there() const { return limit_ != 0 && !gone(); }
    /// Nobody waits for this receiver. REQUIRES: refresh() has returned true.
    bool gone() const { return limit_ == CreditReceiver::kUnlimited; }
    /// Bytes sent since the credit was exhausted, or since count_beyond(). REQUIRES: exhausted().
    std::uint64_t beyond() const { return sent_ - beyond_from_; }
    void count_beyond() { beyond_from_ = sent_; }

    /// Looks again, because the limit may have been taken back. True if the channel was within its
    /// limit, and is not any more.
    [[nodiscard]] bool revoke() {
        beyond_from_ = sent_;
        if (exhausted_) {
            // Already waiting; refresh() will see a higher limit.
            limit_ = std::min(limit_, receiver_->limit());
            return false;
        }
        look();
        return exhausted_;
    }

    /// Looks for a new limit; if there is none, asks for a wake-up. True if there is credit again,
    /// or nobody to wait for.
    bool refresh() {
        if (look()) return true;
        receiver_->waiting_.store(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return look();
    }

private:
    bool look() {
        limit_ = receiver_->limit_.load(std::memory_order_acquire);
        const bool credit = sent_ < limit_;
        exhausted_ = !credit || gone();
        return credit;
    }

    std::uint64_t sent_ = 0;
    std::uint64_t limit_;
    std::uint64_t beyond_from_ = 0;
    CreditReceiver* receiver_;
    bool exhausted_ = false;
};

}  // namespace storm::worker
