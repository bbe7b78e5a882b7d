// The engine: one topology, or this worker's share of it, running in this process.
//
//     Engine engine(std::move(topology), config, clock);
//     engine.start();
//     while (engine.wait(second) == Engine::State::kRunning) print(engine.snapshot());
//     engine.stop();
//
// Order:   start() once; drain() at most once; stop() before destruction (the destructor does it
// otherwise). Threads: start, wait, drain and stop from the thread that made it; snapshot() and
// resume() from any.
//
// What goes to tasks of other workers leaves by peer(), and what comes from them is pushed into the
// loops; worker/transport carries it. A destination is a loop's number, or, from
// Wiring::first_peer() on, a worker's.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <storm/topology.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "cluster/losses.h"
#include "worker/executor/executor.h"
#include "worker/executor/spout_window.h"
#include "worker/executor/stats.h"
#include "worker/loop/crew.h"
#include "worker/loop/loop.h"
#include "worker/loop/stall_watch.h"
#include "worker/queue/batch.h"
#include "worker/queue/cycle.h"
#include "worker/queue/peer_outbox.h"
#include "worker/wiring/share.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

/// What a component has done so far, over all its tasks.
struct ComponentSnapshot {
    struct StreamCounts {
        std::string stream;
        std::uint64_t emitted = 0;
        std::uint64_t transferred = 0;
    };
    struct InputCounts {
        std::string source;
        std::string stream;
        std::uint64_t executed = 0;
        std::uint64_t acked = 0;
        std::uint64_t failed = 0;
    };

    std::string id;
    bool is_spout = false;
    bool here = true;  // Some task of it runs in this worker.
    int executors = 0;
    int tasks = 0;
    std::vector<StreamCounts> streams;
    std::vector<InputCounts> inputs;  // Of bolts.
    std::uint64_t acked = 0;          // Of spouts: trees.
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    std::uint64_t pending_max = 0;  // That all its tasks may have pending.
    std::uint64_t kept = 0;         // Of bolts.
    std::uint64_t dropped = 0;      // These four: see cluster::Losses.
    std::uint64_t lost_inputs = 0;
    std::uint64_t lost_emits = 0;
    std::uint64_t unreplayed = 0;
    std::uint64_t expired = 0;  // Of bolts: tuples that waited too long to be executed.
    std::uint64_t errors = 0;
    base::Micros opening = 0;  // For how long the slowest one is in prepare() or open(); 0: none.
    std::array<std::uint64_t, LatencyHistogram::kBuckets> complete_latency{};  // Of spouts.
    std::vector<std::string> last_errors;
    std::vector<std::string> statuses;  // Of its tasks that have one.
    std::vector<std::pair<std::string, std::uint64_t>> user_counters;  // Summed over tasks.

    cluster::Losses losses() const { return {dropped, lost_inputs, lost_emits, unreplayed}; }
};

class Engine {
public:
    enum class State : std::uint8_t { kRunning, kFinished, kFailed };

    Engine(Topology topology, const Config& config, const base::Clock& clock, Share share = {});
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    /// `changed` is called, from any thread, when all is prepared and when the state has changed.
    /// Before start().
    void on_change(std::function<void()> changed) { on_change_ = std::move(changed); }
    void start();
    /// Until the state is no longer kRunning, or `timeout` is over.
    State wait(base::Micros timeout);
    /// Why it failed.
    std::string failure() const;
    /// Spouts stop; what is pending completes, then bolts finish.
    void drain();
    /// Spouts in threads of their own that wait in a system call inside next_tuple() get EINTR from
    /// it, so that they come back. A call that begins just now is missed: do it again and again.
    void interrupt_spouts();
    /// Spouts emit while active, as they do from the start; otherwise they are deactivated.
    void set_active(bool active);
    /// Ends all threads; tasks that have not ended are closed as they are. False: user code does
    /// not return; some thread is left behind and the process had better end.
    bool stop(base::Micros patience);
    /// Tracked tuples that are neither acked nor failed. For after stop().
    std::uint64_t pending() const;
    std::vector<ComponentSnapshot> snapshot() const;

    // ---- For the parts.
    const Wiring& wiring() const { return wiring_; }
    const Limits& limits() const { return limits_; }
    const base::Clock& clock() const { return clock_; }
    CommonPool& common_pool() { return common_pool_; }
    Loop& loop(std::uint32_t number) { return *loops_[number]; }
    /// A loop, or the way to another worker.
    Entrance& entrance(std::uint32_t destination);
    PeerOutbox& peer(std::uint32_t worker) { return *peers_[worker]; }
    /// REQUIRES: of spouts.
    SpoutWindow& spout_window(std::size_t component) { return *spout_windows_[component]; }
    /// REQUIRES: it runs here.
    Executor& executor_of(TaskId task) {
        return *executors_[wiring_.executor_of_task[static_cast<std::size_t>(task)]];
    }
    /// Null: it runs in another worker.
    Executor* executor(std::size_t number) { return executors_[number].get(); }
    /// Every executor here learns of it.
    void tell(PeerEvent::Kind kind, std::uint32_t worker);
    Cycle* cycle_of(std::size_t component);
    Cycle* cycle_between(std::size_t source, std::size_t target);
    void resume(Executor& executor);
    bool stopping() const { return stopping_.load(std::memory_order_acquire); }
    /// It has failed: loops end without touching what may not have been prepared.
    bool halted() const { return halted_.load(std::memory_order_acquire); }
    bool draining() const { return draining_.load(std::memory_order_acquire); }
    bool prepared() const { return unprepared_.load(std::memory_order_acquire) == 0; }
    /// Some open() or prepare() is not over, or has not begun.
    bool opening() const { return unopened_.load(std::memory_order_acquire) > 0; }
    bool spouts_active() const { return active_.load(std::memory_order_acquire) && !draining(); }
    bool over_budget() const {
        return common_pool_.bytes_in_flight.load(std::memory_order_relaxed) > limits_.budget_bytes;
    }
    void executor_opened(Executor& executor);
    void task_ended();
    /// One that had ended has not: it waits for its inputs again.
    void task_reopened();
    void fail(std::string why);
    /// The others go on to their end, but it is a failure then: a result may be missing.
    void fail_at_end(std::string why);
    void report_error(std::size_t component, TaskId task, std::string_view what);
    ControlBatch* take_control();
    void give_control(ControlBatch* control);
    StallWatch& watch() { return watch_; }
    Crew& crew() { return crew_; }
    const std::vector<std::unique_ptr<Executor>>& executors() const { return executors_; }
    /// Those whose code is being called.
    std::vector<Executor*> in_user_code() const;
    enum class TakeOut : std::uint8_t { kDone, kTooLate, kNoThread };
    /// Gives the loop to another thread, and to the executor that holds it in the step `word` an
    /// annex.
    TakeOut take_out(Loop& loop, std::uint64_t word);
    /// Its executor is home again.
    void give_annex(Loop& annex);
    /// How many there are, in use or not.
    std::size_t annexes() const;

private:
    struct Errors {
        base::RateLimit limit{kErrorBurst, base::kMicrosPerSecond};
        std::vector<std::string> last;
    };

    void one_prepared();
    Loop& take_annex();
    void run_in(Crew::Member& thread, Loop& loop, void (Loop::*run)());
    void notify_all_loops();
    void resume_all();
    void set_state(State state);
    static void add_counts(const Task& task, ComponentSnapshot& into);

    const Wiring wiring_;
    const Limits limits_;
    const base::Clock& clock_;
    CommonPool common_pool_;
    moodycamel::ConcurrentQueue<ControlBatch*> free_controls_;
    std::vector<std::unique_ptr<Cycle>> cycles_;
    std::vector<std::unique_ptr<SpoutWindow>> spout_windows_;  // By component; null: a bolt.
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<std::unique_ptr<Executor>> executors_;  // As in the plan; null: elsewhere.
    std::vector<std::unique_ptr<PeerOutbox>> peers_;    // By worker; null: this one.
    StallWatch watch_;
    Crew crew_;

    std::atomic<bool> stopping_{false};
    std::atomic<bool> halted_{false};
    std::atomic<bool> draining_{false};
    std::atomic<bool> active_{true};
    std::atomic<std::size_t> unprepared_{1};  // Bolt executors; and one until start() is over.
    std::atomic<std::size_t> unopened_{0};    // Executors.
    std::atomic<std::size_t> running_tasks_{0};

    std::function<void()> on_change_;  // Constant once it runs.

    mutable std::mutex mutex_;  // Guards what follows; held for a few statements.
    std::condition_variable changed_;
    State state_ = State::kRunning;
    std::string failure_;
    std::vector<Errors> errors_;
    std::vector<std::unique_ptr<Loop>> annexes_;  // Not one more than were in use at once.
    std::vector<Loop*> free_annexes_;
};

}  // namespace storm::worker
