// Decides what one slot does next: a state machine without process, socket or clock.
//
//                 wanted               fetched              first report
//     kEmpty ───────────► kFetching ───────────► kStarting ───────────► kRunning
//        ▲                 ▲     │ failed           │ ended                │ ended
//        │ unwanted        │     ▼                  ▼                      ▼
//        │                 └── kWaiting ◄───────────┴──────────────────────┤  (or kDone: all its
//        │                    (back-off)                                   │   tasks had finished)
//        │                                          told to end, silent, hung: kStopping
//        └──────────────────────────────────────────────── ended ◄─────────┘
//
// kStopping: [draining until kill_wait] → [Stop and SIGTERM] → [SIGKILL]; then as wanted.
// kDone: assigned, but nothing to run: finished, or killed before it was started.
//
// Invariants:
//
//   1. There are never two processes.
//   2. Each start has a higher incarnation than all before. A worker that is fenced may have been
//      numbered anew, with its history lost: each further fence in a row skips more numbers, so
//      that it passes the peers' last number within a few starts.
//   3. A start follows an end at once only if the last process had run well or had not failed yet.
//   4. Any sequence of inputs ends with the process that is wanted, or with none.
//
// Order:   an input, then the returned actions in their order, before the next input. The host
//          answers kFetch with fetched(), and kStart with start_failed() if it failed.
// Time:    passed with each input; tick() is due at deadline().
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cluster/records.h"
#include "cluster/reports.h"
#include "supervisor/limits.h"

namespace storm::supervisor {

/// The worker that a slot is for. Another epoch is another worker.
struct Target {
    std::string topology;
    std::uint32_t number = 0;
    std::uint64_t epoch = 0;

    friend bool operator==(const Target&, const Target&) = default;
};

/// A target, with the state in which its assignment wants it.
struct Wanted {
    Target target;
    std::uint64_t assignment_epoch = 0;
    cluster::Status status = cluster::Status::kActive;
    Micros kill_wait = 0;  ///< Set with kKilled and kRebalancing.

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// Former life of a target, perhaps under another process of this Supervisor.
struct History {
    std::uint32_t starts = 0;
    std::uint32_t skipped = 0;  ///< The part of `starts` that no process had.
    bool finished = false;
};

struct SlotTimes {
    Micros start_timeout = 120 * kMicrosPerSecond;
    Micros worker_timeout = 10 * kMicrosPerSecond;
    Micros shutdown_sleep = 3 * kMicrosPerSecond;
};

struct Ended {
    bool known = true;    ///< False: it was not our child.
    bool fenced = false;  ///< It exited with cluster::kExitFenced.
};

enum class SlotState : std::uint8_t {
    kEmpty,
    kFetching,
    kWaiting,
    kStarting,
    kRunning,
    kStopping,
    kDone,
};

/// Why a worker was restarted; the label of a metric.
enum class EndReason : std::uint8_t {
    kCrash,
    kFenced,
    kSilent,
    kStartTimeout,
    kFailed,
    kNotStarted
};
inline constexpr std::size_t kEndReasons = 6;
std::string_view to_string(EndReason reason);

struct SlotAction {
    enum class Kind : std::uint8_t {
        kFetch,      ///< Everything that `target` needs. Answers to older tickets are ignored.
        kStart,      ///< Start a process of `target`, as `incarnation`.
        kAssign,     ///< Send the present assignment.
        kDrain,      ///< Send Stop{drain = true}.
        kStop,       ///< Send Stop{drain = false}.
        kTerminate,  ///< SIGTERM.
        kKill,       ///< SIGKILL.
    };
    Kind kind = Kind::kFetch;
    std::uint64_t ticket = 0;       ///< kFetch: to be passed to fetched().
    std::uint64_t incarnation = 0;  ///< kStart.

    friend bool operator==(const SlotAction&, const SlotAction&) = default;
};
using SlotActions = std::vector<SlotAction>;

class Slot {
public:
    explicit Slot(const SlotTimes& times) : times_(times) {}

    /// A process of `wanted` was found that an earlier Supervisor started.
    void adopt(const Wanted& wanted, const History& history, Micros now);

    /// Nothing: the slot is to be empty. `history` is used if the target is a new one.
    SlotActions want(const std::optional<Wanted>& wanted, const History& history, Micros now);
    SlotActions fetched(std::uint64_t ticket, bool ok, Micros now);
    SlotActions start_failed(Micros now);
    SlotActions ended(const Ended& how, Micros now);
    /// The worker has connected, perhaps again, so it may have missed messages.
    SlotActions connected() const;
    SlotActions reported(cluster::WorkerState state, Micros now);
    SlotActions tick(Micros now);
    /// When tick() is due; nothing: never.
    std::optional<Micros> deadline() const { return deadline_; }

    SlotState state() const { return state_; }
    /// The target of the process, or of the one that will be started; nothing: neither.
    const std::optional<Target>& target() const { return target_; }
    bool has_process() const;
    /// Includes skipped numbers. The low half of the incarnation.
    std::uint32_t starts() const { return history_.starts; }
    std::uint32_t skipped() const { return history_.skipped; }
    bool finished() const { return history_.finished; }
    std::uint64_t incarnation() const;
    /// The state of its worker for others, who are told only this. `reported`: as the worker has
    /// said last. `clearing`: its process has ended, which the slot does not know yet.
    cluster::WorkerState shown(cluster::WorkerState reported, bool clearing) const;
    bool in_crash_loop() const { return crash_loop_; }
    /// Reason of the last end that was not asked for.
    std::optional<EndReason> last_end() const { return last_end_; }
    /// Counted since this Supervisor started.
    std::uint64_t ends(EndReason reason) const {
        return ends_by_reason_[static_cast<std::size_t>(reason)];
    }
    std::uint64_t ends() const;

private:
    enum class Stop : std::uint8_t { kNone, kDraining, kAsked, kKilled };

    bool wants_target_() const;
    bool wants_it_running_() const;
    void enter_(SlotState state, std::optional<Micros> deadline);
    void forget_ends_();
    void skip_incarnations_();
    SlotActions settle_();
    SlotActions fetch_();
    SlotActions drain_(Micros now);
    SlotActions stop_(Micros now);
    SlotActions kill_();
    SlotActions again_(EndReason reason, Micros now);
    void count_end_(EndReason reason, Micros now);
    Micros delay_(EndReason reason) const;

    const SlotTimes times_;
    SlotState state_ = SlotState::kEmpty;
    std::optional<Wanted> wanted_;
    std::optional<Target> target_;
    History history_;
    History next_history_;  ///< Belongs to wanted_, while target_ is another one.
    std::optional<Micros> deadline_;
    std::uint64_t ticket_ = 0;
    std::uint32_t fetch_failures_ = 0;

    Stop stop_state_ = Stop::kNone;
    std::optional<EndReason> stop_reason_;  ///< kStopping: the reason, unless it was asked for.
    bool second_look_ = false;  ///< Overdue; pending messages are read before it is killed.
    Micros started_at_ = 0;

    std::uint32_t failures_ = 0;  ///< Ends in a row without having run well.
    std::uint32_t fenced_ = 0;    ///< The last of these that were fences.
    std::deque<Micros> ends_;     ///< Times within kCrashLoopWindow.
    bool crash_loop_ = false;
    std::optional<EndReason> last_end_;
    std::uint64_t ends_by_reason_[kEndReasons] = {};
};

}  // namespace storm::supervisor
