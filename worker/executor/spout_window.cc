#include "worker/executor/spout_window.h"

#include <cmath>
#include <utility>

namespace storm::worker {
namespace {

constexpr double kQueue = 6'000;  // Microseconds of queueing that are always allowed.
constexpr double kQueueOfTimeout = 1.0 / 8;
constexpr double kAllowanceMax = 15'000;
constexpr double kAllowanceOfBase = 1;
constexpr double kForget = 0.98;  // Share of the allowance that is kept from round to round.
constexpr double kFar = 0.25;     // Share of the queueing aimed at.
constexpr double kShrinkMin = 0.5;
constexpr double kShrinkMax = 0.8;
constexpr double kElastic = 0.5;  // Share of a cut that shows in the rate, so it was no queueing.
constexpr double kRoundMin = 1'000;
constexpr double kFirstRoundMin = 200;
constexpr double kRoundOfLatency = 1.5;
/// Without a tuple that was emitted in the round, the round ends after this many latencies.
constexpr double kSilence = 4;
constexpr double kSilenceMin = 20'000;
constexpr double kLooksInRound = 4;

double mean(std::uint64_t sum, std::uint64_t count) {
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

}  // namespace

SpoutWindow::SpoutWindow(base::Micros timeout, std::uint32_t most)
    : timeout_(static_cast<double>(timeout)), most_(most) {}

SpoutWindow::Look SpoutWindow::look(base::Micros now, const Counts& counts) {
    const std::lock_guard lock(mutex_);
    // Counts of all tasks meet here; the first task to look after a round's end ends it for all.
    if (round_begin_ == 0) round_begin_ = now;
    round_.completed += counts.completed;
    round_.fresh += counts.fresh;
    round_.fresh_latency += counts.fresh_latency;
    round_.fresh_age += counts.fresh_age;
    round_.back += counts.back;
    round_.back_latency += counts.back_latency;
    round_.any_back = round_.any_back || counts.any_back;
    round_.timed_out += counts.timed_out;
    round_.limited = round_.limited || counts.limited;
    round_.may_grow = round_.may_grow || counts.may_grow;
    limited_tasks_ += counts.first ? 1U : 0U;
    if (round_is_over(now)) end_round(now);
    const double round = std::max(kRoundOfLatency * age_, base_ == 0 ? kFirstRoundMin : kRoundMin);
    return {.round_begin = round_begin_,
            .next = now + static_cast<base::Micros>(round / kLooksInRound)};
}

bool SpoutWindow::round_is_over(base::Micros now) const {
    const auto lasted = static_cast<double>(now - round_begin_);
    if (round_.fresh + round_.back + round_.timed_out == 0) {
        // The completed tuples were emitted long ago, so the window is far too large.
        return round_.completed > 0 && age_ > 0 && lasted > std::max(kSilenceMin, kSilence * age_);
    }
    return lasted >=
           std::max(kRoundOfLatency * mean_age(), base_ == 0 ? kFirstRoundMin : kRoundMin);
}

double SpoutWindow::mean_age() const {
    return mean(round_.fresh_age + round_.back_latency, round_.fresh + round_.back);
}

void SpoutWindow::end_round(base::Micros now) {
    const auto lasted = static_cast<double>(now - round_begin_);
    // Little's law needs the rate of all completions, but the latency only of tuples emitted in
    // this round, under the present window.
    const double rate = static_cast<double>(round_.completed) / lasted;
    const auto ended = static_cast<double>(round_.fresh + round_.back + round_.timed_out);
    if (ended == 0) {
        // Nothing of this round has come out: fall back to what the rate allows at the target.
        set_window(rate * target());
    } else {
        const double all = (static_cast<double>(round_.fresh_latency + round_.back_latency) +
                            static_cast<double>(round_.timed_out) * timeout_) /
                           ended;
        // How soon tuples reach a bolt that keeps them does not say how long they wait behind it.
        const double latency = std::max(all, mean(round_.back_latency, round_.back));
        const bool unknown = round_.any_back && round_.back == 0;
        if (!unknown) learn(latency, rate, window_ <= 1 && round_.timed_out == 0);
        if ((round_.may_grow && !unknown) || latency > target()) adapt(latency, rate);
        age_ = std::max(mean_age(), latency);
    }
    // Not all of them check in each round.
    sharing_ = std::max({1U, limited_tasks_, sharing_ - 1});
    set_window(window_);
    round_ = {};
    limited_tasks_ = 0;
    round_begin_ = now;
}

void SpoutWindow::learn(double latency, double rate, bool alone) {
    // A lower latency is taken over at once; a higher one, below, slowly, because it may be
    // queueing.
    if (base_ == 0 || latency < base_) base_ = latency;
    // A single tuple does not queue behind others of ours; nor does a spout that does not want
    // more.
    if (alone || !round_.limited) base_ += (latency - base_) / (alone ? 1 : 8);
    allowance_ *= kForget;
    // The rest judges the last cut: if the rate fell as much as the window, the latency was no
    // queueing, and the target must allow for it.
    if (window_before_ == 0) return;
    const double cut = 1 - window_ / window_before_;
    const double lost = 1 - rate / rate_before_;
    if (round_.limited && lost > kElastic * cut) {
        const double most = std::max(kAllowanceMax, kAllowanceOfBase * base_);
        allowance_ = std::max(allowance_, std::min(1.2 * latency_before_ - base_, most));
    }
    window_before_ = 0;
}

double SpoutWindow::target() const {
    const double target = 2 * base_ + kQueue + allowance_;
    return timeout_ == 0 ? target : std::min(target, base_ + kQueueOfTimeout * timeout_);
}

void SpoutWindow::adapt(double latency, double rate) {
    if (latency > target()) return shrink(latency, rate);
    const double queued = (latency - base_) / (target() - base_);
    window_ += queued < kFar ? window_ : std::sqrt(window_);
}

void SpoutWindow::shrink(double latency, double rate) {
    window_before_ = window_;
    rate_before_ = rate;
    latency_before_ = latency;
    // In proportion to how far the latency is above its target, but by a fifth at least, and by
    // half at most.
    window_ *= std::clamp(target() / latency, kShrinkMin, kShrinkMax);
    // Timeouts mean that the window is off by a large factor.
    if (round_.timed_out != 0) window_ = std::min(window_, rate * target());
}

// The window is that of all tasks that want to emit; each gets an equal share, and at least one
// tuple, so that there is always a latency to learn from.
void SpoutWindow::set_window(double window) {
    window_ = std::clamp(window, 1.0, most_ * sharing_);
    const double each = std::clamp(window_ / sharing_ + 0.5, 1.0, most_);
    limit_.store(static_cast<std::uint32_t>(each), std::memory_order_relaxed);
}

void TaskWindow::look() {
    if (counts_.limited && limited_in_ != round_begin_) {
        limited_in_ = round_begin_;
        counts_.first = true;
    }
    const SpoutWindow::Look look = shared_.look(now_, std::exchange(counts_, {}));
    round_begin_ = look.round_begin;
    next_look_ = look.next;
}

}  // namespace storm::worker
