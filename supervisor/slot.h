// What one slot does next: a state machine without process, socket or clock.
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
// kStopping: [draining until kill_wait] → [Stop and SIGTERM] → [SIGKILL]; then whatever is wanted.
// kDone: assigned, but there is nothing to run: finished, or killed before it was started.
//
// What must stay true:
//
//   1. There are never two processes.
//   2. Each start has a higher incarnation than all before. One that is fenced may have been
//      numbered anew, with its history lost: each further one in a row skips more numbers, so that
//      the peers' last is passed within a few starts.
//   3. A start follows an end at once only if the last process had run well or had not failed yet.
//   4. Whatever comes in whatever order, it ends with the process that is wanted, or with none.
//
// Order:   an input, then the actions that it returned, done in their order, before the next input.
//          The host answers kFetch with fetched(), and kStart with start_failed() if it failed.
// Time:    comes with each input; tick() is due at deadline().
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

/// Which worker a slot is for. Another epoch is another worker.
struct Target {
    std::string topology;
    std::uint32_t number = 0;
    std::uint64_t epoch = 0;

    friend bool operator==(const Target&, const Target&) = default;
};

/// A target, and how the assignment that names it wants it.
struct Wanted {
    Target target;
    std::uint64_t assignment_epoch = 0;
    cluster::Status status = cluster::Status::kActive;
    Micros kill_wait = 0;  ///< With kKilled.

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// What is known of a target from before, also from another process of this Supervisor.
struct History {
    std::uint32_t starts = 0;
    std::uint32_t skipped = 0;  ///< Of these: numbers that no process had.
    bool finished = false;
};

struct SlotTimes {
    Micros start_timeout = 120 * kMicrosPerSecond;
    Micros worker_timeout = 10 * kMicrosPerSecond;
    Micros shutdown_sleep = 3 * kMicrosPerSecond;
};

struct Ended {
    bool known = true;    ///< False: it was not our child.
    bool fenced = false;  ///< Exit code cluster::kExitFenced.
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
std::string_view to_string(SlotState state);

/// Why a worker was started again: the label of a metric.
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
        kFetch,      ///< All that `target` needs. Answers to an older one are ignored.
        kStart,      ///< A process of `target`, as `incarnation`.
        kAssign,     ///< Send the assignment as it is now.
        kDrain,      ///< Send Stop{drain = true}.
        kStop,       ///< Send Stop{drain = false}.
        kTerminate,  ///< SIGTERM.
        kKill,       ///< SIGKILL.
    };
    Kind kind = Kind::kFetch;
    std::uint64_t ticket = 0;       ///< With kFetch: for fetched().
    std::uint64_t incarnation = 0;  ///< With kStart.

    friend bool operator==(const SlotAction&, const SlotAction&) = default;
};
using SlotActions = std::vector<SlotAction>;

class Slot {
public:
    explicit Slot(const SlotTimes& times) : times_(times) {}

    /// A process of `wanted` was found, which an earlier Supervisor has started.
    void adopt(const Wanted& wanted, const History& history, Micros now);

    /// Nothing: the slot is to be empty. `history` counts when the target is another one.
    SlotActions want(const std::optional<Wanted>& wanted, const History& history, Micros now);
    SlotActions fetched(std::uint64_t ticket, bool ok, Micros now);
    SlotActions start_failed(Micros now);
    SlotActions ended(const Ended& how, Micros now);
    /// It has connected, perhaps again: it may have missed what was sent.
    SlotActions connected() const;
    SlotActions reported(cluster::WorkerState state, Micros now);
    SlotActions tick(Micros now);
    /// When tick() is due; nothing: never.
    std::optional<Micros> deadline() const { return deadline_; }

    SlotState state() const { return state_; }
    /// Of the process, or of what will be started: as long as there is one.
    const std::optional<Target>& target() const { return target_; }
    bool has_process() const;
    /// With those that were skipped: the low half of the incarnation.
    std::uint32_t starts() const { return history_.starts; }
    std::uint32_t skipped() const { return history_.skipped; }
    bool finished() const { return history_.finished; }
    std::uint64_t incarnation() const;
    bool in_crash_loop() const { return crash_loop_; }
    /// Of the last end that was not asked for.
    std::optional<EndReason> last_end() const { return last_end_; }
    /// Since this Supervisor has begun.
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
    History next_history_;  ///< Of wanted_, while target_ is still another.
    std::optional<Micros> deadline_;
    std::uint64_t ticket_ = 0;
    std::uint32_t fetch_failures_ = 0;

    Stop stop_state_ = Stop::kNone;
    std::optional<EndReason> stop_reason_;  ///< With kStopping: why, unless it was asked for.
    bool second_look_ = false;              ///< It is overdue; what has arrived is read first.
    Micros started_at_ = 0;

    std::uint32_t failures_ = 0;  ///< Ends in a row without having run well.
    std::uint32_t fenced_ = 0;    ///< Of these, at their end, those that peers wanted.
    std::deque<Micros> ends_;     ///< Within kCrashLoopWindow.
    bool crash_loop_ = false;
    std::optional<EndReason> last_end_;
    std::uint64_t ends_by_reason_[kEndReasons] = {};
};

}  // namespace storm::supervisor
