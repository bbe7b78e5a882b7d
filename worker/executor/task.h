// One running copy of a spout or bolt, the emitting side: chooses targets, writes rows, draws edge
// ids, counts.
//
//     emit() ──► row built at the stream's outlet ──► routes choose targets ──► a copy in each
//                target's lane, with a fresh edge id per (copy, anchor)
//
// Invariant: a stream with exactly one target, by one route, outside of a cycle, has `only` set,
// and its outlet is that target's lane: rows are built in place. The rows of all other streams are
// built in a scratch buffer and copied. connect() decides this once, before anything runs.
//
// Threads: its executor's.
// Cost:    const row to a single target: about 5 ns; each further copy a few ns.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <storm/detail/emitter.h>
#include <storm/detail/tuple_access.h>
#include <storm/grouping.h>

#include "base/random.h"
#include "wire/control.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/row_kinds.h"
#include "worker/executor/running.h"
#include "worker/executor/stats.h"
#include "worker/executor/task_site.h"
#include "worker/journal/journal.h"
#include "worker/queue/cycle.h"
#include "worker/queue/outbox.h"
#include "worker/routing/route.h"

namespace storm::worker {

class Executor;
struct Shared;

/// A stream of one emitting task.
struct Stream : detail::OutStream {
    const detail::StreamSchema* schema = nullptr;
    Target* only = nullptr;  // Rows are built in this target's lane; null: in the scratch buffer.
    std::vector<Route> routes;
    bool custom = false;  // Some route has a custom grouping.
    Counter emitted;
    Counter transferred;  // Not counted if there is an `only` target: it equals `emitted`.
};

class Task : public detail::Emitter {
public:
    Task(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index);
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    virtual ~Task();

    TaskId id() const { return id_; }
    std::size_t component() const { return component_; }
    /// Any thread.
    std::shared_ptr<TaskSite> site() const {
        const std::lock_guard lock(site_mutex_);
        return site_;
    }
    bool ended() const { return ended_; }

    detail::OutStream& stream(std::string_view name) final;
    detail::OutStream* default_stream() { return default_stream_; }
    void make_room(detail::OutStream& stream, std::size_t bytes, std::size_t anchors) final;
    void commit_untracked(detail::OutStream& stream, std::size_t bytes, TaskId direct) final;
    void report_error(std::string_view what) final;
    /// Reports the exception of a call of user code. To be called in a catch block.
    void report_thrown(std::string_view call);
    /// If it was an EmitError, some output is missing. To be called in a catch block.
    void count_lost_emit();
    /// Reports a call that is made only once, so that output is missing, whatever it threw.
    void report_lost_call(std::string_view call);
    std::function<void()> waker() final;
    void reject_count(const detail::OutStream& stream, std::size_t given) final;
    void reject_kind(const detail::OutStream& stream, std::size_t i, detail::Tag given) final;

    const std::vector<std::unique_ptr<Stream>>& streams() const { return streams_; }
    Counter dropped;      // Untracked rows that were refused.
    Counter errors;       // Exceptions and report_error().
    Counter lost_emits;   // Emits that threw in calls without a tracked input that could fail.
    Counter lost_inputs;  // Untracked inputs that failed, of which nobody is told.

    /// To be called once all executors exist.
    void connect();
    enum class Listeners : std::uint8_t { kAll, kOutsideOfCycle };
    /// Sends a control row to all listening tasks, or only to those at a destination.
    void tell_listeners(const wire::ControlRow& control, Listeners listeners,
                        std::optional<std::uint32_t> destination = {});
    /// Treatment of calls that are posted after ran_what_was_posted() was first asked.
    enum class LatePosts : std::uint8_t {
        kDropped,  // Dropped if the end comes first.
        kRefused,  // Refused once all earlier ones have run; accepted calls do run.
    };
    /// Whether everything has run that was posted before this was first asked.
    bool ran_what_was_posted(LatePosts late);
    /// The end is not near any more: takes back what ran_what_was_posted() has counted and refused.
    void accept_posts();
    bool has_posted() const { return posted_next_ < posted_.size() || site_->has_mail(); }
    /// Runs posted calls one by one, until stop() returns true; returns whether all have run.
    template <typename Stop>
    bool run_posted(Stop&& stop) {
        while (next_posted()) {
            run_next_posted();
            if (stop()) return !has_posted();
        }
        return true;
    }

protected:
    /// Notes that the task's code runs from here on, for reports of crashes and hangs.
    void enter() const { in_task_.store(id_, std::memory_order_relaxed); }

    /// In debug builds: emits and acks must come from the thread that runs the task's calls.
    void check_caller() const {
#ifdef STORM_CHECK_CALLERS
        if (running_executor != &executor_) [[unlikely]]
            die_of_foreign_caller();
#endif
    }
    [[noreturn]] void die_of_foreign_caller() const;

    /// Hands the row at the outlet to all targets; mark(copy) fills in each copy's anchors. False:
    /// some copy was refused, and the caller must fail the trees.
    template <typename Mark>
    [[nodiscard]] bool send(detail::OutStream& out_stream, std::size_t bytes, TaskId direct,
                            Mark&& mark);
    [[nodiscard]] bool send_untracked(detail::OutStream& out_stream, std::size_t bytes,
                                      TaskId direct);

    /// Starts another life of the task: handles of the former one have no effect any more.
    void renew_site();
    /// Makes custom groupings anew, for the context of this life. Throws if user code does.
    void renew_groupings();
    /// Drops calls that were taken from the mailbox and not run.
    void drop_posted() {
        posted_.clear();
        posted_next_ = 0;
    }

    Shared& shared_;
    Executor& executor_;
    RowKinds& sent_kinds_;          // The executor's.
    std::atomic<TaskId>& in_task_;  // The executor's.
    Outbox& outbox_;
    AckLane& acks_;
    base::Random random_;
    const std::size_t component_;
    const TaskId id_;
    const int index_;
    // For readers on other threads; only the executor's thread writes.
    mutable std::mutex site_mutex_;
    std::shared_ptr<TaskSite> site_;
    TaskContext context_;
    const std::unique_ptr<Journal> journal_;  // Null: no journal.
    bool ended_ = false;
    bool leaves_cycle_ = false;  // It ends, and nothing is executed inside of its cycle any more.
    const bool debug_;           // topology.debug

private:
    void log_emit(const Stream& stream) const;
    template <typename Mark>
    bool copy_to(Target& target, const std::byte* row, std::size_t bytes, Mark& mark);
    template <typename Mark>
    bool send_direct(Stream& stream, const std::byte* row, std::size_t bytes, TaskId direct,
                     Mark& mark);
    template <typename Mark>
    bool send_chosen(Stream& stream, std::size_t bytes, TaskId direct, Mark& mark);
    /// Asks all custom groupings, before anything is emitted, because they may throw.
    void ask_custom(Stream& stream, const std::byte* row) const;
    void add_route(Stream& stream, const Subscription& input, std::size_t component);

    // In the order of declaration, so that the index is the stream's id.
    std::vector<std::unique_ptr<Stream>> streams_;
    detail::OutStream* default_stream_ = nullptr;
    detail::Outlet scratch_;
    std::vector<std::byte> scratch_bytes_;
    bool next_posted();
    void run_next_posted();

    std::vector<Target> listeners_;           // Tasks that listen to this one, outside of its cycle
    std::vector<Target> listeners_in_cycle_;  // and inside of it, which means in this worker.
    std::vector<std::unique_ptr<detail::Posted>> posted_;
    std::size_t posted_next_ = 0;
    static constexpr std::size_t kNotCounted = ~std::size_t{0};
    std::size_t posts_left_ = kNotCounted;  // Number left to run before the end.
};

// ---- Inline: once per row -----------------------------------------------------------------------

/// Copies a row, and up to 63 bytes behind it: a loop over the exact size would be mispredicted for
/// rows of differing sizes. Lanes and scratch buffers have the slack.
inline void copy_row(std::byte* to, const std::byte* from, std::size_t bytes) {
    struct Block {
        std::uint64_t words[kCopySlack / sizeof(std::uint64_t)];
    };
    if (bytes > 16 * kCopySlack) [[unlikely]] {
        std::memcpy(to, from, bytes);
        return;
    }
    std::size_t i = 0;
    do {
        detail::store(to + i, detail::load<Block>(from + i));
        i += kCopySlack;
    } while (i < bytes);
}

template <typename Mark>
bool Task::copy_to(Target& target, const std::byte* row, std::size_t bytes, Mark& mark) {
    Sender& sender = *target.sender;
    if (sender.cycle != nullptr &&
        (leaves_cycle_ || !sender.cycle->try_add(static_cast<std::int64_t>(bytes)))) [[unlikely]]
        return false;
    std::byte* const copy = outbox_.place(*target.lane, target.run, bytes);
    copy_row(copy, row, bytes);
    mark(copy);
    outbox_.wrote(*target.lane, bytes);
    if (sender.credit.send(bytes)) [[unlikely]]
        outbox_.exhausted(sender);
    return true;
}

template <typename Mark>
bool Task::send(detail::OutStream& out_stream, std::size_t bytes, TaskId direct, Mark&& mark) {
    auto& stream = static_cast<Stream&>(out_stream);
    check_caller();
    if (debug_) [[unlikely]]
        log_emit(stream);
    if (outbox_.refuses()) [[unlikely]] {
        stream.emitted.add();
        return false;
    }
    if (stream.only == nullptr || direct != detail::kNoTask) {
        return send_chosen(stream, bytes, direct, mark);
    }
    stream.emitted.add();
    Target& target = *stream.only;
    mark(stream.outlet->cursor);
    outbox_.wrote(*target.lane, bytes);
    if (target.sender->credit.send(bytes)) [[unlikely]]
        outbox_.exhausted(*target.sender);
    return true;
}

inline bool Task::send_untracked(detail::OutStream& stream, std::size_t bytes, TaskId direct) {
    sent_kinds_.note_untracked();
    return send(stream, bytes, direct, [](std::byte*) {});
}

template <typename Mark>
bool Task::send_chosen(Stream& stream, std::size_t bytes, TaskId direct, Mark& mark) {
    const std::byte* const row = stream.outlet->cursor;
    if (stream.direct || direct != detail::kNoTask) [[unlikely]]
        return send_direct(stream, row, bytes, direct, mark);
    if (stream.custom) [[unlikely]]
        ask_custom(stream, row);
    stream.emitted.add();
    bool sent = true;
    const auto copy = [&](Target& target) {
        stream.transferred.add();
        return copy_to(target, row, bytes, mark);
    };
    for (Route& route : stream.routes) sent = route.choose(row, random_, copy) && sent;
    return sent;
}

template <typename Mark>
bool Task::send_direct(Stream& stream, const std::byte* row, std::size_t bytes, TaskId direct,
                       Mark& mark) {
    bool found = false;
    bool sent = true;
    for (Route& route : stream.routes) {
        Target* const target = route.direct(direct);
        if (target == nullptr) continue;
        if (!found) stream.emitted.add();
        found = true;
        stream.transferred.add();
        sent = copy_to(*target, row, bytes, mark) && sent;
    }
    if (found) return sent;
    throw EmitError(direct == detail::kNoTask
                        ? "stream \"" + std::string(stream.name) +
                              "\" is direct: name the task with to()"
                        : "task " + std::to_string(direct) + " does not subscribe to stream \"" +
                              std::string(stream.name) + "\" with the direct grouping");
}

}  // namespace storm::worker
