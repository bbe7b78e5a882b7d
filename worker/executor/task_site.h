// The part of a task that other threads may hold: its identity, its mailbox for post(), its kept
// tuples.
//
// Order:   end() when the task has ended: from then on posts are refused, and kept tuples fail.
// Threads: post() and release() from any thread; everything else from the task's executor. The
//          lock is held for a few statements, never across user code. A thread that is not the
//          engine's waits in post() while the mailbox is full.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/context.h>
#include <storm/detail/tuple_access.h>
#include <storm/tuple.h>

#include "base/check.h"
#include "worker/acker/ack_ledger.h"

namespace storm::detail {

/// A tuple with a row of its own. Owned by the Kept that points to it, and linked into its task's
/// list.
struct KeptTuple {
    KeptTuple(std::vector<std::byte> bytes, const Tuple& original, std::shared_ptr<TaskSite> owner)
        : row(std::move(bytes)),
          tuple(TupleAccess::make(row.data(), TupleAccess::offsets_at(original),
                                  TupleAccess::schema(original), original.source_task(),
                                  original.is_tick())),
          site(std::move(owner)) {}

    std::vector<std::byte> row;
    Tuple tuple;
    std::shared_ptr<TaskSite> site;  // Owners: the engine's task, contexts, and kept tuples.
    KeptTuple* previous = nullptr;
    KeptTuple* next = nullptr;
    bool failed_at_end = false;  // The task ended first.
    bool reported = false;       // An error says already that it fails.
};

}  // namespace storm::detail

namespace storm::worker {

class Executor;
struct Shared;

class TaskSite final : public detail::TaskSite, public std::enable_shared_from_this<TaskSite> {
public:
    TaskSite(Shared& shared, Executor& executor, std::size_t component, TaskId task, int index,
             Config config);
    ~TaskSite() override;

    TaskId task() const override { return task_; }
    std::string_view component() const override;
    int index() const override { return index_; }
    std::vector<TaskId> tasks_of(std::string_view component) const override;
    const Config& config() const override { return config_; }
    Counter& counter(std::string_view name) override;
    void set_status(std::string status) override;
    void log(int level, std::string_view message) override;
    bool post(std::unique_ptr<detail::Posted> posted) override;

    /// Makes the executor run; false if the task has ended.
    bool wake();
    std::string status() const;

    // ---- For the executor.
    /// Moves out what was posted since the last call.
    void take_posted(std::vector<std::unique_ptr<detail::Posted>>& posted);
    /// Number of calls in the mailbox.
    std::size_t posted_count() const;
    /// Something was posted or abandoned.
    bool has_mail() const { return has_mail_.load(std::memory_order_acquire); }
    /// While one exists nobody waits in post(), because the task may be about to wait for that
    /// thread.
    class AllMayPost {
    public:
        explicit AllMayPost(TaskSite& site);
        ~AllMayPost();
        AllMayPost(const AllMayPost&) = delete;
        AllMayPost& operator=(const AllMayPost&) = delete;

    private:
        TaskSite& site_;
    };
    /// From now on post() returns false. Returns whether that is new.
    bool refuse_posts();
    /// From now on it accepts calls again.
    void accept_posts();
    /// Whether any kept input is neither acked nor failed.
    bool keeps_any() const { return kept_count_.load(std::memory_order_acquire) > 0; }
    /// Any thread.
    std::size_t kept_count() const { return kept_count_.load(std::memory_order_relaxed); }
    Kept keep(const Tuple& tuple);
    /// `kept` is acked or failed now, and no longer kept. False if the task has ended before.
    bool settle(detail::KeptTuple& kept);
    /// A Kept was destroyed without ack or fail. Any thread.
    void release(detail::KeptTuple* kept);
    /// The tuples that release() has brought; the caller fails and deletes them.
    std::vector<std::unique_ptr<detail::KeptTuple>> take_abandoned();
    /// The task has ended. Calls `fail_kept` for each tuple that it still keeps; it must not call
    /// this object.
    void end(const std::function<void(const Tuple&)>& fail_kept = [](const Tuple&) {});
    void for_each_counter(const std::function<void(const std::string&, std::uint64_t)>& use) const;

private:
    void unlink(detail::KeptTuple& kept);

    Shared* shared_;  // Both are null once the task has ended. Other threads need mutex_.
    Executor* executor_;
    const std::string component_;
    const TaskId task_;
    const int index_;
    const Config config_;

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<detail::Posted>> posted_;
    std::condition_variable room_;
    int all_may_post_ = 0;  // Number of AllMayPost objects.
    bool refuses_posts_ = false;
    std::atomic<bool> has_mail_{false};  // Avoids the lock for a mere look.
    std::vector<std::unique_ptr<detail::KeptTuple>> abandoned_;
    detail::KeptTuple* kept_ = nullptr;  // The first of a doubly linked list.
    std::atomic<std::size_t> kept_count_{0};
    std::map<std::string, Counter, std::less<>> counters_;
    std::string status_;
};

}  // namespace storm::worker
