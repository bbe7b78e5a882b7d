// The facts that must hold for a topology in several workers that are killed, cut off and started
// anew: a book that spouts and bolts keep beside the engines.
//
// An attempt is one emit of a tuple by a spout; its number travels in the rows of its tree, and is
// the message id. A source is what a spout task reads from: it outlives the task's workers, as a
// log on other hosts would, and says again what has not been acked. A life is what lies between
// open() or prepare() of a task and its end.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <storm/storm.h>

namespace storm::testing {

/// The tuples that one spout task has to emit until they are acked.
class Source {
public:
    /// A new life of its task: what it has to emit again. That is more than is open, since what is
    /// acked is noted now and then only.
    std::vector<std::uint64_t> begin(std::uint64_t life) {
        const std::lock_guard lock(mutex_);
        life_ = life;
        for (std::uint64_t id = next_ - std::min(next_, kUnnotedMax); id < next_; ++id)
            open_.insert(id);
        return {open_.begin(), open_.end()};
    }
    std::uint64_t new_id() {
        const std::lock_guard lock(mutex_);
        open_.insert(next_);
        return next_++;
    }
    void acked(std::uint64_t id) {
        const std::lock_guard lock(mutex_);
        open_.erase(id);
    }
    std::size_t open() const {
        const std::lock_guard lock(mutex_);
        return open_.size();
    }
    bool is_empty() const {
        const std::lock_guard lock(mutex_);
        return next_ >= kIdsMax;
    }
    std::uint64_t life() const {
        const std::lock_guard lock(mutex_);
        return life_;
    }

private:
    static constexpr std::uint64_t kIdsMax = 20'000;
    static constexpr std::uint64_t kUnnotedMax = 100;

    mutable std::mutex mutex_;
    std::uint64_t next_ = 0;
    std::uint64_t life_ = 0;
    std::set<std::uint64_t> open_;  // Emitted at least once, not yet acked.
};

class Book {
public:
    using Trees = std::vector<std::uint64_t>;  // Attempts.

    static constexpr std::size_t kAttemptsMax = 1 << 19;
    static constexpr std::size_t kRowsMax = 1 << 21;
    static constexpr int kCopiesMax = 60;  // Copies in one tree; a few more are possible.

    Book() : attempts_(kAttemptsMax), rows_(kRowsMax) {}

    std::uint64_t new_life() { return lives_.fetch_add(1) + 1; }
    /// Nothing new, please: what is left is for what has to be said again.
    bool is_full() const {
        return attempts() >= kAttemptsMax / 2 || rows_used_.load() >= kRowsMax / 2;
    }

    /// Nothing: the book is full, and says so at the end.
    std::optional<std::uint64_t> new_attempt(Source& source, std::uint64_t id, std::uint64_t life) {
        const std::size_t number = attempts_used_.fetch_add(1);
        if (number >= kAttemptsMax) {
            complain("the book is full: something is said again and again");
            return std::nullopt;
        }
        attempts_[number].source = &source;
        attempts_[number].id = id;
        attempts_[number].life = life;
        return number;
    }
    std::size_t attempts() const { return std::min(attempts_used_.load(), kAttemptsMax); }

    /// `copies` of a row are about to be emitted, as a part of these trees. Returns its number.
    std::uint64_t enter(const Trees& trees, int copies) {
        emitted_.fetch_add(static_cast<std::uint64_t>(copies));
        for (const std::uint64_t tree : trees) {
            attempts_[tree].open.fetch_add(copies);
            attempts_[tree].all.fetch_add(copies);
        }
        return rows_used_.fetch_add(1);
    }
    /// Whether these trees are small enough to grow on.
    bool may_grow(const Trees& trees) const {
        if (rows_used_.load() >= kRowsMax) return false;
        for (const std::uint64_t tree : trees) {
            if (attempts_[tree].all.load() >= kCopiesMax) return false;
        }
        return true;
    }
    /// A copy of a row is executed by a task. Tasks' numbers are below 64.
    void executed(std::uint64_t row, TaskId task) {
        executed_.fetch_add(1);
        if (row >= kRowsMax) return;
        const std::uint64_t bit = std::uint64_t{1} << task;
        if ((rows_[row].fetch_or(bit) & bit) != 0)
            complain("row " + std::to_string(row) + " came twice to task " + std::to_string(task));
    }
    /// A copy is about to be acked.
    void leave(const Trees& trees) {
        for (const std::uint64_t tree : trees) attempts_[tree].open.fetch_sub(1);
    }
    /// A copy is about to be failed, one way or the other.
    void fail(const Trees& trees) {
        for (const std::uint64_t tree : trees) attempts_[tree].failed.store(true);
    }

    /// A spout is told of what it emitted in its life `life`.
    void on_ack(MessageId number, std::uint64_t life) {
        Attempt& attempt = tell(number, life);
        const int open = attempt.open.load();
        if (open != 0)
            complain("ack too early: attempt " + std::to_string(number) + " with " +
                     std::to_string(open) + " of " + std::to_string(attempt.all.load()) +
                     " copies open");
        if (attempt.failed.load())
            complain("ack of attempt " + std::to_string(number) + " which a bolt failed");
        acked_.fetch_add(1);
        attempt.source->acked(attempt.id);
    }
    /// Returns the id that must be emitted again.
    std::uint64_t on_fail(MessageId number, FailReason reason, std::uint64_t life) {
        Attempt& attempt = tell(number, life);
        reasons_.at(static_cast<std::size_t>(reason)).fetch_add(1);
        const bool of_a_bolt = reason == FailReason::kBoltFailed ||
                               reason == FailReason::kException || reason == FailReason::kForgotten;
        if (of_a_bolt && !attempt.failed.load())
            complain(std::string(to_string(reason)) + " though no bolt failed it");
        return attempt.id;
    }

    void complain(const std::string& what) {
        const std::lock_guard lock(mutex_);
        if (complaints_.size() < 20) complaints_.push_back(what);
    }
    std::vector<std::string> complaints() const {
        const std::lock_guard lock(mutex_);
        return complaints_;
    }

    std::uint64_t acked() const { return acked_.load(); }
    std::uint64_t failed(FailReason reason) const {
        return reasons_.at(static_cast<std::size_t>(reason)).load();
    }
    std::uint64_t emitted() const { return emitted_.load(); }
    std::uint64_t executed() const { return executed_.load(); }
    /// Attempts of lives that still are, of which their spout was told nothing.
    std::size_t untold() const {
        std::size_t count = 0;
        for (std::size_t i = 0; i < attempts(); ++i) {
            const Attempt& attempt = attempts_[i];
            if (!attempt.told.load() && attempt.source->life() == attempt.life) ++count;
        }
        return count;
    }
    /// Those of them that wait for a copy, for a message that says what is missing.
    std::string untold_examples() const {
        std::string text;
        int left = 5;
        for (std::size_t i = 0; i < attempts() && left > 0; ++i) {
            const Attempt& attempt = attempts_[i];
            if (attempt.told.load() || attempt.source->life() != attempt.life) continue;
            --left;
            text += " attempt " + std::to_string(i) + ": " + std::to_string(attempt.open.load()) +
                    " of " + std::to_string(attempt.all.load()) + " copies open" +
                    (attempt.failed.load() ? ", failed;" : ";");
        }
        return text;
    }

private:
    struct Attempt {
        std::atomic<int> open{0};  // Copies that are neither acked nor failed.
        std::atomic<int> all{0};
        std::atomic<bool> failed{false};
        std::atomic<bool> told{false};
        // The spout's, which alone writes them, before the attempt is emitted.
        Source* source = nullptr;
        std::uint64_t id = 0;
        std::uint64_t life = 0;
    };

    Attempt& tell(MessageId number, std::uint64_t life) {
        Attempt& attempt = attempts_.at(number);
        if (attempt.told.exchange(true))
            complain("told twice of attempt " + std::to_string(number));
        if (attempt.life != life)
            complain("told in life " + std::to_string(life) + " of attempt " +
                     std::to_string(number) + " of life " + std::to_string(attempt.life));
        return attempt;
    }

    std::vector<Attempt> attempts_;
    // Indexed by row: a bit for each task that had it.
    std::vector<std::atomic<std::uint64_t>> rows_;
    std::atomic<std::size_t> attempts_used_{0};
    std::atomic<std::uint64_t> rows_used_{0};
    std::atomic<std::uint64_t> lives_{0};
    std::atomic<std::uint64_t> emitted_{0};  // Copies.
    std::atomic<std::uint64_t> executed_{0};
    std::atomic<std::uint64_t> acked_{0};
    std::array<std::atomic<std::uint64_t>, 8> reasons_{};
    mutable std::mutex mutex_;
    std::vector<std::string> complaints_;
};

/// A thread that calls things some time later. What is not yet due at its end is not called.
class Later {
public:
    Later() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

    void call(std::chrono::milliseconds after, std::function<void()> what) {
        const std::lock_guard lock(mutex_);
        calls_.emplace(std::chrono::steady_clock::now() + after, std::move(what));
    }

private:
    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            if (calls_.empty() || calls_.begin()->first > std::chrono::steady_clock::now()) {
                changed_.wait_for(lock, stop, std::chrono::milliseconds(1), [] { return false; });
                continue;
            }
            const auto call = calls_.extract(calls_.begin());
            lock.unlock();
            call.mapped()();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> calls_;
    std::jthread thread_;
};

}  // namespace storm::testing
