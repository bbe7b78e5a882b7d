// Credit: how much one executor may send to another before that one has consumed it.
//
// The receiver announces an absolute limit, "up to byte N on this channel", and moves it on as it
// consumes; what it has announced cannot be lost or counted twice. A sender past the limit pauses:
// it sets `waiting` and looks at the limit once more; the receiver moves the limit and then looks
// at `waiting`. With a full fence between the two steps on both sides, one of them sees the other,
// so that no wake-up is lost (Dekker's argument).
//
// A row may take a channel past its limit by what one call of user code emits; it is the next call
// that waits.
//
// A receiver that is gone for good is waited for by nobody: there is credit without limit for it,
// and yet its channel counts as used up for whoever may choose another one.
//
// Threads: CreditSender is the emitting executor's, CreditReceiver the consuming one's; the atomics
// join them. Cost:    an add and a compare per row; a fence per quarter of the window.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace storm::worker {

class CreditReceiver {
public:
    enum class Sender : std::uint8_t { kHere, kElsewhere };
    static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

    /// A sender elsewhere, in another worker, must be told of each new limit.
    explicit CreditReceiver(std::uint64_t window, Sender sender = Sender::kHere)
        : limit_(window), window_(window), sender_(sender) {}

    /// True when a sender waited for this, or is elsewhere, and must be told.
    [[nodiscard]] bool consume(std::uint64_t bytes) {
        consumed_ += bytes;
        const std::uint64_t limit = consumed_ + window_;
        // Own stores are seen in order; the sender reads it with acquire.
        if (limit - limit_.load(std::memory_order_relaxed) < window_ / 4) return false;
        return announce(limit);
    }
    /// Any thread.
    std::uint64_t limit() const { return limit_.load(std::memory_order_acquire); }

    /// For the copy of a receiver elsewhere that its senders here look at: it has announced
    /// `limit`. True when a sender waited. Threads: one, instead of consume().
    [[nodiscard]] bool announced(std::uint64_t limit) { return announce(limit); }
    /// The same: the receiver is lost. There is no credit until another one announces some, and a
    /// sender that has not used up its own learns of it by CreditSender::revoke().
    void revoke() { limit_.store(0, std::memory_order_release); }
    /// The same, for good: whoever waits is to look again. Nothing is announced after this.
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
    /// Without a receiver: a channel inside a cycle, which needs no credit.
    explicit CreditSender(CreditReceiver* receiver)
        : limit_(receiver == nullptr ? CreditReceiver::kUnlimited : receiver->window_),
          receiver_(receiver) {}

    /// Whether the channel was within its limit before, and no longer is.
    [[nodiscard]] bool send(std::uint64_t bytes) {
        sent_ += bytes;
        if (sent_ < limit_ || exhausted_) [[likely]]
            return false;
        look();
        beyond_from_ = sent_;
        return exhausted_;
    }
    /// Also when the receiver is gone: whoever may choose takes another one.
    bool exhausted() const { return exhausted_; }
    /// Nobody waits for this one. REQUIRES: refresh() has returned true.
    bool gone() const { return limit_ == CreditReceiver::kUnlimited; }
    /// Bytes sent since the credit was used up, or since count_beyond(). REQUIRES: exhausted().
    std::uint64_t beyond() const { return sent_ - beyond_from_; }
    void count_beyond() { beyond_from_ = sent_; }

    /// The limit may have been taken back. Returns whether the channel was within its limit, and no
    /// longer is.
    [[nodiscard]] bool revoke() {
        beyond_from_ = sent_;
        if (exhausted_) return false;  // Who waits already goes on with refresh() alone.
        look();
        return exhausted_;
    }

    /// Looks for a new limit; asks to be told of one if there is none. Returns whether there is
    /// credit again, or nobody to wait for.
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
