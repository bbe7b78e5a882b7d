// An executor: some tasks of one component, run by one thread at a time.
//
// Its loop calls step() when there is work. A step runs user code and touches the executor's own
// state only: output and acks are collected in `outbox` and `acks`, and the loop hands them over
// afterwards. So a loop can go on without an executor whose user code does not return.
//
// Order:   open() once; step() as long as it returns true or something arrives; close() at the
//          end, unless all tasks have ended.
// Threads: everything but resume() and the atomics belongs to the thread that owns the executor's
//          loop.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/loop_entry.h"
#include "worker/executor/row_kinds.h"
#include "worker/executor/shared.h"
#include "worker/executor/step_clock.h"
#include "worker/queue/credit.h"
#include "worker/queue/outbox.h"
#include "worker/routing/route.h"

namespace storm::worker {

class Executor;
class Task;

/// A run that waits in an executor's queue.
struct RunRef {
    Batch* batch = nullptr;
    std::uint32_t run = 0;  // Offset of its header.
    std::uint32_t row = 0;  // Offset of the next row.
};

/// Names the channel between two executors in messages between workers.
inline std::uint64_t channel_id(std::size_t source, std::size_t target) {
    return static_cast<std::uint64_t>(source) << 32 | target;
}

/// The receiving end of a channel from one executor to another.
struct alignas(64) Channel {
    using Schemas = std::vector<std::unique_ptr<detail::StreamSchema>>;

    /// For a source in this worker.
    Channel(std::uint64_t window, Executor& from, bool inside);
    /// For a source in another worker.
    Channel(std::uint64_t window, const Schemas& schemas_given, std::uint64_t id_given,
            std::uint32_t destination_given);

    CreditReceiver credit;
    Executor* const source;               // Null: elsewhere.
    const Schemas& schemas;               // Schemas of the source's streams.
    const bool inner;                     // Both ends are in one cycle, so there is no credit.
    const std::uint64_t id = 0;           // For a source elsewhere: channel_id(), and
    const std::uint32_t destination = 0;  // where credit is announced; and whether untracked rows
    std::atomic<bool> untracked{false};   // have come from there. Set by the links' thread.
};

class Executor {
public:
    Executor(Shared& shared, std::size_t number);
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    std::size_t number() const { return number_; }
    std::size_t component() const { return component_; }
    /// `"work"`. Safe in a signal handler.
    std::string_view quoted_id() const { return quoted_id_; }
    /// `"work" (task 3)`: whose code runs.
    std::string named() const;
    virtual std::span<Task* const> tasks() const = 0;
    /// Schemas of the component's streams.
    const std::vector<std::unique_ptr<detail::StreamSchema>>& schemas() const;

    /// Makes the tasks' objects and calls open() or prepare(). Returns the text of an exception of
    /// user code.
    std::optional<std::string> try_open();
    /// Runs user code for a while. True: there is more to do at once.
    virtual bool step(base::Micros now) = 0;
    /// Ends tasks that have not ended: calls close() or cleanup(), and fails kept tuples.
    virtual void close() = 0;

    virtual void accept(const RunRef& run) = 0;
    virtual void accept_acks(std::span<const AckRecord> records) = 0;
    virtual void accept_fails(std::span<const FailRecord> records) = 0;
    void accept_peer_event(const PeerEvent& event) { peer_events_.push_back(event); }
    /// When step() must be called even if nothing arrives; kNever.
    virtual base::Micros next_due() const = 0;

    /// After a take-over of the loop: copies queued runs out of the old loop's batches, and returns
    /// these.
    virtual void leave_batches(std::vector<Batch*>& released) = 0;
    /// Drops queued runs; released() then has their batches. For the end.
    virtual void drop_queued() = 0;
    /// Batches with consumed runs, once for each run. They belong to the loop.
    std::vector<Batch*>& released() { return released_; }

    /// Called after each emit: a dedicated executor hands over, and waits for credit, right here.
    /// Any other becomes dedicated if a call has emitted more than may be kept until the call ends.
    void after_emit() {
        if (outbox.interrupted() && (entry.dedicated || outbox.overfull())) [[unlikely]]
            settle_output();
    }
    /// Sends a call's acks and fails to spouts: when the call ends, or at once if it has taken
    /// long.
    void tell_spouts(base::Micros now);
    /// Whether this call of user code may have begun long ago: on a thread of its own, or because
    /// its loop was taken over.
    bool may_have_waited() const {
        return entry.dedicated || entry.loop.load(std::memory_order_relaxed) != entry.step_loop;
    }
    /// The target for rows from `source`, a task of this executor, to `task` of another one.
    Target target(TaskId source, TaskId task);

    /// Makes its loop run it. Any thread.
    void resume();

    const bool is_spout;
    LoopEntry entry;  // Belongs to its loop.
    Outbox outbox;
    AckLane acks;
    bool emits = false;            // Some component subscribes to one of its streams.
    base::Micros output_born = 0;  // Batch::born of its output.
    /// For a spout that may block: the thread that is inside next_tuple(); 0: none.
    std::atomic<pid_t> blocked_thread{0};
    std::atomic<bool> woken{false};  // Set by a waker.
    /// The task whose code runs, or ran last. Any thread may read it, and a signal handler.
    std::atomic<TaskId> in_task;
    /// Untracked rows of its tasks that were lost with another worker. The transport counts them.
    std::atomic<std::uint64_t> dropped_elsewhere{0};
    RowKinds sent_kinds;
    /// Changes with each call of user code, except calls that a step makes once or a few times.
    std::uint32_t progress() const { return clock_.progress(); }
    /// Ends a step that has taken too long after its present call. Any thread.
    void hurry() { clock_.hurry(); }

    /// Where rows of a source task arrive. REQUIRES: it sends to this executor.
    Channel& channel(TaskId source) { return *channel_slot(source); }

    // ---- For the transport; constant once the engine runs.
    /// Makes the channels from executors elsewhere. To be called before Task::connect().
    void connect_elsewhere();
    std::deque<Channel>& channels() { return channels_; }
    /// The local copies of receivers elsewhere, by channel_id().
    std::vector<std::pair<std::uint64_t, CreditReceiver*>> receivers_elsewhere();
    /// Stops sending to that worker until its receivers announce credit (again).
    void revoke_credit(std::uint32_t worker);

protected:
    virtual void open() = 0;
    virtual void handle(const PeerEvent& event) = 0;
    void handle_peer_events();
    /// `consumed` bytes of a channel's rows are done.
    void grant(Channel& from, std::uint32_t consumed);
    /// Everything that has come is consumed: tells it those elsewhere that sent untracked rows, so
    /// that they know what would be lost with this worker.
    void grant_all_untracked();
    void release(Batch* batch) { released_.push_back(batch); }

    Shared& shared_;
    const std::size_t number_;
    const std::size_t component_;
    StepClock clock_;
    const std::string quoted_id_;

private:
    void settle_output();
    void hand_over_and_wait();
    Sender& sender_to(std::size_t number);
    Channel& add_channel(Executor& source, bool inner);
    void set_channel(const cluster::ExecutorPlan& source, Channel& channel);
    /// REQUIRES: the task's component is a source of this one.
    Channel*& channel_slot(TaskId source) {
        const Sources* from = sources_.data();
        std::uint32_t task = 0;
        while ((task = static_cast<std::uint32_t>(source - from->first_task)) >= from->tasks)
            ++from;
        return channels_by_source_[from->at + task];
    }

    /// The tasks of a component that sends to this one.
    struct Sources {
        TaskId first_task;
        std::uint32_t tasks;
        std::size_t at;  // Index of the first one's channel in channels_by_source_.
    };

    struct ReceiverElsewhere {
        ReceiverElsewhere(std::uint64_t channel, std::uint64_t window)
            : id(channel), credit(window) {}
        std::uint64_t id;
        CreditReceiver credit;
    };

    std::deque<ReceiverElsewhere> receivers_elsewhere_;
    std::deque<Sender> senders_;
    std::unordered_map<std::size_t, Sender*> sender_by_target_;  // Keyed by number.
    std::deque<Channel> channels_;
    std::vector<Sources> sources_;
    std::vector<Channel*> channels_by_source_;
    std::vector<Batch*> released_;
    std::vector<PeerEvent> peer_events_;
};

/// Wakes the members of a cycle after something that they wait for. Any thread.
void resume_members(const Cycle& cycle);
/// Tells every executor of this worker. Any thread.
void tell_all(Shared& shared, PeerEvent::Kind kind, std::uint32_t worker);

}  // namespace storm::worker
