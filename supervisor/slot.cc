#include "supervisor/slot.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/check.h"

namespace storm::supervisor {
namespace {

using Kind = SlotAction::Kind;

/// Pause before try number `failures` + 1 in a row: none, then kBackOffMin, doubling.
Micros back_off(std::uint32_t failures) {
    if (failures <= 1) return 0;
    constexpr std::uint32_t kDoublings = 16;  // Enough to exceed kBackOffMax.
    return std::min(kBackOffMax, kBackOffMin << std::min(failures - 2, kDoublings));
}

}  // namespace

std::string_view to_string(EndReason reason) {
    switch (reason) {
        case EndReason::kCrash:
            return "crash";
        case EndReason::kFenced:
            return "fenced";
        case EndReason::kSilent:
            return "silent";
        case EndReason::kStartTimeout:
            return "start_timeout";
        case EndReason::kFailed:
            return "failed";
        case EndReason::kNotStarted:
            return "not_started";
    }
    return "unknown";
}

bool Slot::has_process() const {
    return state_ == SlotState::kStarting || state_ == SlotState::kRunning ||
           state_ == SlotState::kStopping;
}

std::uint64_t Slot::incarnation() const {
    return target_ ? target_->epoch << 32 | history_.starts : 0;
}

std::uint64_t Slot::ends() const {
    return std::accumulate(std::begin(ends_by_reason_), std::end(ends_by_reason_),
                           std::uint64_t{0});
}

cluster::WorkerState Slot::shown(cluster::WorkerState reported, bool clearing) const {
    switch (state_) {
        case SlotState::kWaiting:
            return crash_loop_ ? cluster::WorkerState::kCrashLoop : cluster::WorkerState::kBackOff;
        case SlotState::kFetching:
        case SlotState::kStarting:
            return crash_loop_ ? cluster::WorkerState::kCrashLoop : cluster::WorkerState::kStarting;
        case SlotState::kDone:
            return cluster::WorkerState::kFinished;
        case SlotState::kRunning:
            // A disk may hang before its successor can be started.
            if (clearing && reported == cluster::WorkerState::kRunning)
                return cluster::WorkerState::kBackOff;
            break;
        case SlotState::kEmpty:
        case SlotState::kStopping:
            break;
    }
    return reported;
}

bool Slot::wants_target_() const {
    return wanted_ && target_ && wanted_->target == *target_;
}

bool Slot::wants_it_running_() const {
    return wants_target_() && cluster::is_running(wanted_->status) && !history_.finished;
}

void Slot::enter_(SlotState state, std::optional<Micros> deadline) {
    state_ = state;
    deadline_ = deadline;
    // A report gives a worker both looks again, and a reason to stop does not outlive the stop.
    second_look_ = false;
    if (state != SlotState::kStopping) {
        stop_state_ = Stop::kNone;
        stop_reason_.reset();
    }
}

void Slot::forget_ends_() {
    failures_ = 0;
    fenced_ = 0;
    fetch_failures_ = 0;
    ends_.clear();
    crash_loop_ = false;
    last_end_.reset();
}

void Slot::adopt(const Wanted& wanted, const History& history, Micros now) {
    STORM_CHECK(state_ == SlotState::kEmpty && !wanted_, "a slot adopts before anything is wanted");
    wanted_ = wanted;
    target_ = wanted.target;
    history_ = history;
    // How long it has run is not known. Too short costs a pause before its next start; too long
    // would start a worker that crashes at once again and again.
    started_at_ = now;
    enter_(SlotState::kRunning, now + times_.worker_timeout);
}

SlotActions Slot::want(const std::optional<Wanted>& wanted, const History& history, Micros now) {
    if (wanted == wanted_) return {};
    // Noted in every state, but only a slot without a process turns to it: the history stays that
    // of the process until that has ended, so that its incarnation does not change under it.
    wanted_ = wanted;
    next_history_ = history;
    switch (state_) {
        case SlotState::kFetching:
        case SlotState::kWaiting:
            if (wants_it_running_()) return {};  // Goes on.
            return settle_();
        case SlotState::kEmpty:
        case SlotState::kDone:
            return settle_();
        case SlotState::kStarting:
        case SlotState::kRunning:
            // Another target never waits for a drain: its predecessor's work is no longer wanted
            // here.
            if (!wants_target_()) return stop_(now);
            if (cluster::is_running(wanted_->status)) return {{.kind = Kind::kAssign}};
            return cluster::is_draining(wanted_->status) ? drain_(now) : stop_(now);
        case SlotState::kStopping:
            // Already told to end; what is wanted now is looked at once it has.
            if (stop_state_ != Stop::kDraining) return {};
            if (wants_target_() && cluster::is_draining(wanted_->status)) return drain_(now);
            return stop_(now);
    }
    return {};
}

/// Turns to what is wanted. REQUIRES: no process.
SlotActions Slot::settle_() {
    if (!wanted_) {
        target_.reset();
        history_ = {};
        forget_ends_();
        enter_(SlotState::kEmpty, {});
        return {};
    }
    // A new target brings its own history, and old failures are not its fault.
    if (!wants_target_()) {
        target_ = wanted_->target;
        history_ = next_history_;
        forget_ends_();
    }
    if (wants_it_running_()) return fetch_();
    enter_(SlotState::kDone, {});
    return {};
}

SlotActions Slot::fetch_() {
    enter_(SlotState::kFetching, {});
    return {{.kind = Kind::kFetch, .ticket = ++ticket_}};
}

SlotActions Slot::fetched(std::uint64_t ticket, bool ok, Micros now) {
    if (state_ != SlotState::kFetching || ticket != ticket_) return {};
    STORM_CHECK(wants_it_running_(), "a slot stops fetching what is no longer wanted");
    if (!ok) {
        ++fetch_failures_;
        enter_(SlotState::kWaiting, now + back_off(fetch_failures_ + 1));
        return {};
    }
    fetch_failures_ = 0;
    // The incarnation is used up even if the start fails, so that none comes twice.
    ++history_.starts;
    started_at_ = now;
    enter_(SlotState::kStarting, now + times_.start_timeout);
    return {{.kind = Kind::kStart, .incarnation = incarnation()}};
}

SlotActions Slot::start_failed(Micros now) {
    if (state_ != SlotState::kStarting) return {};
    return again_(EndReason::kNotStarted, now);
}

SlotActions Slot::ended(const Ended& how, Micros now) {
    if (!has_process()) return {};
    STORM_CHECK(target_, "a process is that of a target");
    STORM_CHECK((state_ == SlotState::kStopping) == (stop_state_ != Stop::kNone),
                "whoever stops a worker notes how");
    if (state_ != SlotState::kStopping) {
        return again_(how.fenced ? EndReason::kFenced : EndReason::kCrash, now);
    }
    // We killed it, but for a failure of its own: it counts as such.
    if (stop_reason_) return again_(*stop_reason_, now);
    return settle_();
}

/// Its process has ended, and not because we wanted it to.
SlotActions Slot::again_(EndReason reason, Micros now) {
    // A worker whose tasks have all ended may crash on its way out; nothing is lost by that.
    // Counted before the pause is chosen, which grows with the count.
    if (!history_.finished) count_end_(reason, now);
    fenced_ = reason == EndReason::kFenced ? fenced_ + 1 : 0;
    if (fenced_ > 0 && wants_target_()) skip_incarnations_();
    const Micros delay = delay_(reason);
    if (!wants_it_running_() || delay == 0) return settle_();
    enter_(SlotState::kWaiting, now + delay);
    return {};
}

/// The peers know a later incarnation than ours, but do not tell which.
void Slot::skip_incarnations_() {
    const std::uint32_t skip = kFencedSkip
                               << (kFencedSkipBits * (std::min(fenced_, kFencedSkips) - 1));
    // The count has 32 bits and must not wrap around.
    if (history_.starts >= kStartsMax - skip) return;  // The next start needs one more.
    history_.starts += skip;
    history_.skipped += skip;
}

void Slot::count_end_(EndReason reason, Micros now) {
    // A start that failed has not run, however long it took.
    if (now - started_at_ >= kRanWell && reason != EndReason::kNotStarted) failures_ = 0;
    ++failures_;
    ends_.push_back(now);
    while (ends_.front() <= now - kCrashLoopWindow) ends_.pop_front();
    if (ends_.size() >= kCrashLoopEnds) crash_loop_ = true;
    last_end_ = reason;
    ++ends_by_reason_[static_cast<std::size_t>(reason)];
}

Micros Slot::delay_(EndReason reason) const {
    // The peers were right, and the next incarnation is a new one. But not endlessly.
    if (reason == EndReason::kFenced && failures_ < kCrashLoopEnds) return 0;
    return back_off(failures_);
}

/// Messages on a former connection may have been lost with it, so what counts now is said again. A
/// worker that was told to end with a reason of its own ends by itself, or by its deadline.
SlotActions Slot::connected() const {
    switch (state_) {
        case SlotState::kStarting:
        case SlotState::kRunning:
            return {{.kind = Kind::kAssign}};
        case SlotState::kStopping:
            if (stop_state_ == Stop::kDraining) {
                return {{.kind = Kind::kAssign}, {.kind = Kind::kDrain}};
            }
            if (stop_state_ == Stop::kAsked && !stop_reason_) return {{.kind = Kind::kStop}};
            return {};
        case SlotState::kEmpty:
        case SlotState::kFetching:
        case SlotState::kWaiting:
        case SlotState::kDone:
            break;
    }
    return {};
}

SlotActions Slot::reported(cluster::WorkerState state, Micros now) {
    if (state_ != SlotState::kStarting && state_ != SlotState::kRunning) return {};
    // It exits by itself; the deadline is for the case that it does not.
    if (state == cluster::WorkerState::kFailed) {
        enter_(SlotState::kStopping, now + times_.shutdown_sleep);
        stop_state_ = Stop::kAsked;
        stop_reason_ = EndReason::kFailed;
        return {};
    }
    if (state == cluster::WorkerState::kFinished) history_.finished = true;
    if (now - started_at_ >= kRanWell) crash_loop_ = false;
    enter_(SlotState::kRunning, now + times_.worker_timeout);
    return {};
}

SlotActions Slot::drain_(Micros now) {
    STORM_CHECK(!stop_reason_, "a worker drains because somebody wants it, not because it failed");
    if (wanted_->kill_wait == 0) return stop_(now);
    enter_(SlotState::kStopping, now + wanted_->kill_wait);
    stop_state_ = Stop::kDraining;
    return {{.kind = Kind::kAssign}, {.kind = Kind::kDrain}};
}

SlotActions Slot::stop_(Micros now) {
    enter_(SlotState::kStopping, now + times_.shutdown_sleep);
    stop_state_ = Stop::kAsked;
    // Both: one that has no connection hears only the signal.
    return {{.kind = Kind::kStop}, {.kind = Kind::kTerminate}};
}

SlotActions Slot::kill_() {
    // Without a deadline: nothing stronger is left. A process that the kernel cannot end keeps the
    // slot, since a second one beside it would be worse.
    enter_(SlotState::kStopping, {});
    stop_state_ = Stop::kKilled;
    return {{.kind = Kind::kKill}};
}

SlotActions Slot::tick(Micros now) {
    if (!deadline_ || now < *deadline_) return {};
    switch (state_) {
        case SlotState::kWaiting:
            return settle_();
        case SlotState::kStarting:
        case SlotState::kRunning:
            if (!second_look_) {
                second_look_ = true;
                deadline_ = now + kSecondLook;
                return {};
            }
            // Before kill_(), which leaves the state that the reason follows from.
            stop_reason_ =
                state_ == SlotState::kStarting ? EndReason::kStartTimeout : EndReason::kSilent;
            return kill_();
        case SlotState::kStopping:
            return stop_state_ == Stop::kDraining ? stop_(now) : kill_();
        case SlotState::kEmpty:
        case SlotState::kFetching:
        case SlotState::kDone:
            break;
    }
    return {};
}

}  // namespace storm::supervisor
