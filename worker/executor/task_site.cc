#include "worker/executor/task_site.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"
#include "worker/executor/executor.h"
#include "worker/executor/shared.h"
#include "worker/executor/this_thread.h"

namespace storm::detail {

void release_kept(KeptTuple* kept) {
    // Only worker::TaskSite makes KeptTuples.
    const std::shared_ptr<TaskSite> site = kept->site;
    static_cast<worker::TaskSite&>(*site).release(kept);
}

}  // namespace storm::detail

namespace storm {

const Tuple& Kept::tuple() const {
    STORM_CHECK(kept_ != nullptr, "tuple() of a Kept that holds nothing");
    return kept_->tuple;
}

}  // namespace storm

namespace storm::worker {

TaskSite::TaskSite(Shared& shared, Executor& executor, std::size_t component, TaskId task,
                   int index, Config config)
    : shared_(&shared),
      executor_(&executor),
      component_(shared.wiring.topology.components()[component].id),
      task_(task),
      index_(index),
      config_(std::move(config)) {}

TaskSite::~TaskSite() = default;

std::string_view TaskSite::component() const {
    return component_;
}

std::vector<TaskId> TaskSite::tasks_of(std::string_view component) const {
    const std::lock_guard lock(mutex_);
    return shared_ == nullptr ? std::vector<TaskId>{} : shared_->wiring.tasks_of(component);
}

Counter& TaskSite::counter(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = counters_.find(name);
    return found != counters_.end() ? found->second : counters_[std::string(name)];
}

void TaskSite::for_each_counter(
    const std::function<void(const std::string&, std::uint64_t)>& use) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, counter] : counters_) use(name, counter.value());
}

void TaskSite::set_status(std::string status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
}

std::string TaskSite::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

void TaskSite::log(int level, std::string_view message) {
    static constexpr base::LogLevel kLevels[] = {base::LogLevel::kInfo, base::LogLevel::kWarn,
                                                 base::LogLevel::kError};
    base::log::write(kLevels[std::clamp(level, 0, 2)], message,
                     {{"component", component_}, {"task", task_}});
}

bool TaskSite::post(std::unique_ptr<detail::Posted> posted) {
    std::unique_lock lock(mutex_);
    // An engine thread must not wait, because it may be the one that has to make room.
    if (!this_thread_runs_executors) {
        room_.wait(lock, [this] {
            return executor_ == nullptr || refuses_posts_ || all_may_post_ > 0 ||
                   posted_.size() < kPostedMax;
        });
    }
    if (executor_ == nullptr || refuses_posts_) return false;
    // The executor is resumed under the lock, which end() takes too. So it still exists then, and a
    // call that was accepted cannot be missed by an end that is just being decided.
    posted_.push_back(std::move(posted));
    has_mail_.store(true, std::memory_order_release);
    executor_->resume();
    return true;
}

// The flag makes an idle spout forget its pause; a bolt just looks at its mailbox and endings
// again.
bool TaskSite::wake() {
    const std::lock_guard lock(mutex_);
    if (executor_ == nullptr) return false;
    executor_->woken.store(true, std::memory_order_release);
    executor_->resume();
    return true;
}

void TaskSite::take_posted(std::vector<std::unique_ptr<detail::Posted>>& posted) {
    const std::lock_guard lock(mutex_);
    // The flag stands for both lists.
    has_mail_.store(!abandoned_.empty(), std::memory_order_relaxed);
    // Only a full mailbox has somebody waiting, and it is emptied as a whole.
    if (posted_.size() >= kPostedMax) room_.notify_all();
    posted.swap(posted_);
}

std::size_t TaskSite::posted_count() const {
    const std::lock_guard lock(mutex_);
    return posted_.size();
}

TaskSite::AllMayPost::AllMayPost(TaskSite& site) : site_(site) {
    const std::lock_guard lock(site_.mutex_);
    ++site_.all_may_post_;
    site_.room_.notify_all();
}

TaskSite::AllMayPost::~AllMayPost() {
    const std::lock_guard lock(site_.mutex_);
    --site_.all_may_post_;
}

bool TaskSite::refuse_posts() {
    const std::lock_guard lock(mutex_);
    room_.notify_all();
    return !std::exchange(refuses_posts_, true);
}

void TaskSite::accept_posts() {
    const std::lock_guard lock(mutex_);
    refuses_posts_ = false;
}

// A copy of the row, since its batch goes back to the loop's pool. What was anchored to the input
// before it was kept stays part of the balance that the later ack settles.
Kept TaskSite::keep(const Tuple& tuple) {
    const std::byte* const row = detail::TupleAccess::row(tuple);
    auto kept = std::make_unique<detail::KeptTuple>(
        std::vector<std::byte>(row, row + detail::row_bytes(row)), tuple, shared_from_this());
    detail::TupleAccess::emitted_edges(kept->tuple) = detail::TupleAccess::emitted_edges(tuple);
    const std::lock_guard lock(mutex_);
    kept->next = kept_;
    if (kept_ != nullptr) kept_->previous = kept.get();
    kept_ = kept.get();
    kept_count_.fetch_add(1, std::memory_order_relaxed);
    return detail::TupleAccess::make_kept(kept.release());
}

void TaskSite::unlink(detail::KeptTuple& kept) {
    (kept.previous == nullptr ? kept_ : kept.previous->next) = kept.next;
    if (kept.next != nullptr) kept.next->previous = kept.previous;
    kept.previous = kept.next = nullptr;
    kept_count_.fetch_sub(1, std::memory_order_release);
}

bool TaskSite::settle(detail::KeptTuple& kept) {
    const std::lock_guard lock(mutex_);
    if (kept.failed_at_end) return false;
    unlink(kept);
    return true;
}

// `owned` is declared before the lock, so it is destroyed after the lock is given back: its tuple
// may be the last owner of this site.
void TaskSite::release(detail::KeptTuple* kept) {
    std::unique_ptr<detail::KeptTuple> owned(kept);
    const std::lock_guard lock(mutex_);
    // The end of the task has failed it already, and cleared the list.
    if (kept->failed_at_end) return;
    unlink(*kept);
    if (executor_ == nullptr) return;
    abandoned_.push_back(std::move(owned));
    has_mail_.store(true, std::memory_order_release);
    executor_->resume();
}

std::vector<std::unique_ptr<detail::KeptTuple>> TaskSite::take_abandoned() {
    const std::lock_guard lock(mutex_);
    has_mail_.store(!posted_.empty(), std::memory_order_relaxed);
    return std::exchange(abandoned_, {});
}

void TaskSite::end(const std::function<void(const Tuple&)>& fail_kept) {
    // Destroyed after the lock is released, because a posted call may own a Kept.
    std::vector<std::unique_ptr<detail::Posted>> dropped;
    const std::lock_guard lock(mutex_);
    // From here on other threads see the end: nobody may reach the executor through this any more.
    shared_ = nullptr;
    executor_ = nullptr;
    room_.notify_all();
    dropped.swap(posted_);
    for (detail::KeptTuple* kept = kept_; kept != nullptr; kept = kept->next) {
        kept->failed_at_end = true;
        fail_kept(kept->tuple);
    }
    kept_ = nullptr;
    kept_count_.store(0, std::memory_order_relaxed);
    for (const auto& kept : abandoned_) fail_kept(kept->tuple);
    abandoned_.clear();
}

}  // namespace storm::worker
