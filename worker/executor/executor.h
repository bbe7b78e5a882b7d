// An executor: some tasks of one component, run by one thread at a time.
//
// Its loop calls step() when there is something to do. A step is user code and the executor's own
// state only: what it emits and acks is collected in `outbox` and `acks`, and its loop hands it
// over afterwards. So a loop may go on without an executor whose user code does not return.
//
// Order:   open() once; step() as long as it says so or something arrives; close() at the end,
//          unless all tasks ended.
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
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/loop_entry.h"
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

/// The channel from one executor to another, as workers name it to each other.
inline std::uint64_t channel_id(std::size_t source, std::size_t target) {
    return static_cast<std::uint64_t>(source) << 32 | target;
}

/// The receiving end of a channel: from one executor to another.
struct alignas(64) Channel {
    using Schemas = std::vector<std::unique_ptr<detail::StreamSchema>>;

    /// From an executor here.
    Channel(std::uint64_t window, Executor& from, bool inside);
    /// From one in another worker.
    Channel(std::uint64_t window, const Schemas& schemas_given, std::uint64_t id_given,
            std::uint32_t destination_given);

    CreditReceiver credit;
    Executor* const source;               // Null: elsewhere.
    const Schemas& schemas;               // Of the source's streams.
    const bool inner;                     // Both are in the same cycle: there is no credit.
    const std::uint64_t id = 0;           // For a source elsewhere: channel_id(), and where to
    const std::uint32_t destination = 0;  // announce credit.
};

class Executor {
public:
    Executor(Shared& shared, std::size_t number);
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    std::size_t number() const { return number_; }
    std::size_t component() const { return component_; }
    /// `"work" (tasks 2-3)`. Safe in a signal handler.
    std::string_view named() const { return named_; }
    virtual std::span<Task* const> tasks() const = 0;
    /// Of the streams that its component declares.
    const std::vector<std::unique_ptr<detail::StreamSchema>>& schemas() const;

    /// Makes the tasks' objects and calls open() or prepare(). Returns what user code threw, if it
    /// did.
    std::optional<std::string> try_open();
    /// Runs user code for a while. True: there is more to do at once.
    virtual bool step(base::Micros now) = 0;
    /// Ends the tasks that have not ended: calls close() or cleanup() and fails what they keep.
    virtual void close() = 0;

    virtual void accept(const RunRef& run) = 0;
    virtual void accept_acks(std::span<const AckRecord> records) = 0;
    virtual void accept_fail(const FailRecord& record) = 0;
    void accept_peer_event(const PeerEvent& event) { peer_events_.push_back(event); }
    /// When step() wants to be called without anything arriving; kNever.
    virtual base::Micros next_due() const = 0;

    /// After the loop was taken over: copies what is queued out of the old loop's batches, and
    /// returns those.
    virtual void leave_batches(std::vector<Batch*>& released) = 0;
    /// Gives up what is queued; its batches are in released() then. For the end.
    virtual void drop_queued() = 0;
    /// Batches whose runs have been consumed, once for each run; belong to the loop.
    std::vector<Batch*>& released() { return released_; }

    /// Called after each emit: a dedicated executor hands over, and waits for credit, right here.
    /// One that is not becomes one for that when a call has emitted too much to be kept until it
    /// ends.
    void after_emit() {
        if (outbox.interrupted() && (entry.dedicated || outbox.overfull())) [[unlikely]]
            settle_output();
    }
    /// What a call tells spouts goes when it ends; at once if it has taken long already.
    void tell_spouts(base::Micros now);
    /// Whether this call of user code may have begun long ago: in a thread of its own, or since its
    /// loop was taken over.
    bool may_have_waited() const {
        return entry.dedicated || entry.loop.load(std::memory_order_relaxed) != entry.step_loop;
    }
    /// Where `task` of another executor is reached from `source`, one of this executor's tasks.
    Target target(TaskId source, TaskId task);

    /// Lets its loop run it. Any thread.
    void resume();

    const bool is_spout;
    LoopEntry entry;  // Its loop's.
    Outbox outbox;
    AckLane acks;
    bool emits = false;            // Somebody listens to one of its streams.
    base::Micros output_born = 0;  // Batch::born of what it emits.
    /// Of a spout that may block: the thread that is inside next_tuple(); 0: none.
    std::atomic<pid_t> blocked_thread{0};
    std::atomic<bool> woken{false};  // By a waker.
    /// Untracked rows of its tasks that were lost with another worker. Counted by the transport.
    std::atomic<std::uint64_t> dropped_elsewhere{0};
    /// Changes with each call of user code, but for what a step has one or few of.
    std::uint32_t progress() const { return clock_.progress(); }

    /// Where rows of a source task come in. REQUIRES: it sends to this executor.
    Channel& channel(TaskId source) { return *channel_of_task_[static_cast<std::size_t>(source)]; }

    // ---- For the transport; constant once the engine runs.
    /// Makes the channels that come from executors elsewhere. Before Task::connect().
    void connect_elsewhere();
    /// Null: no executor of that task sends to this one.
    Channel* channel_or_null(TaskId source) {
        return channel_of_task_[static_cast<std::size_t>(source)];
    }
    std::deque<Channel>& channels() { return channels_; }
    /// The copies here of receivers elsewhere, by channel_id().
    std::vector<std::pair<std::uint64_t, CreditReceiver*>> receivers_elsewhere();
    /// Where the way to that worker has no credit any more, or none yet, nothing more is sent.
    void revoke_credit(std::uint32_t worker);

protected:
    virtual void open() = 0;
    virtual void handle(const PeerEvent& event) = 0;
    void handle_peer_events();
    /// `consumed` bytes of a channel's rows are done with.
    void grant(Channel& from, std::uint32_t consumed);
    void release(Batch* batch) { released_.push_back(batch); }

    Shared& shared_;
    const std::size_t number_;
    const std::size_t component_;
    StepClock clock_;
    const std::string named_;

private:
    void settle_output();
    void hand_over_and_wait();
    Sender& sender_to(std::size_t number);
    Channel& add_channel(Executor& source, bool inner);

    struct ReceiverElsewhere {
        ReceiverElsewhere(std::uint64_t channel, std::uint64_t window)
            : id(channel), credit(window) {}
        std::uint64_t id;
        CreditReceiver credit;
    };

    std::deque<ReceiverElsewhere> receivers_elsewhere_;
    std::deque<Sender> senders_;
    std::vector<Sender*> sender_by_target_;  // By the target's number; null: none.
    std::deque<Channel> channels_;
    std::vector<Channel*> channel_of_task_;  // By the source task's id.
    std::vector<Batch*> released_;
    std::vector<PeerEvent> peer_events_;
};

/// Something that members of the cycle wait for has come. Any thread.
void resume_members(const Cycle& cycle);
/// Each executor here learns of it. Any thread.
void tell_all(Shared& shared, PeerEvent::Kind kind, std::uint32_t worker);

}  // namespace storm::worker
