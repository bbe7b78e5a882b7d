#include "worker/executor/spout_window.h"

#include <algorithm>

namespace storm::worker {
namespace {

constexpr double kFirst = 1;  // A bolt of a second must not get three hundred.
constexpr double kLeast = 1.0 / 4096;
constexpr double kQueueMin = 8'000;  // Microseconds.
constexpr double kQueueOfBase = 2;
constexpr double kQueueOfTimeout = 0.1;
constexpr double kSamples = 8;
constexpr double kPauseOfTimeout = 1.0 / 12;
constexpr double kExcess = 1.25;  // Of the latency over its target: too high.
constexpr double kRoundMin = 1'000;
constexpr double kRoundOfLatency = 1.5;
constexpr base::Micros kProbeInterval = 1 << 23;
constexpr double kProbeGap = 128;  // Base latencies between two probes.
constexpr double kProbeCut = 8;
constexpr double kProbeSpread = 2;
constexpr std::uint64_t kProbeSamples = 4;

constexpr unsigned kLatencyBits = 40;
constexpr std::uint64_t kLatencyMask = (std::uint64_t{1} << kLatencyBits) - 1;

std::uint64_t to_micros(double latency) {
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(latency), 1, kLatencyMask);
}

double share(std::uint64_t random) {
    return static_cast<double>(random >> 40) / static_cast<double>(1 << 24);
}

}  // namespace

double BaseLatency::get() const {
    // Alone, as all orders of this class: nothing else is published with it.
    return static_cast<double>(word_.load(std::memory_order_relaxed) & kLatencyMask);
}

void BaseLatency::lower(double latency) {
    const std::uint64_t micros = to_micros(latency);
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & kLatencyMask) == 0 || micros < (word & kLatencyMask)) {
        const std::uint64_t lower = (word & ~kLatencyMask) | micros;
        if (word_.compare_exchange_weak(word, lower, std::memory_order_relaxed)) return;
    }
}

void BaseLatency::measured(base::Micros probe, double latency) {
    const std::uint64_t number = static_cast<std::uint64_t>(probe / kProbeInterval) << kLatencyBits;
    const std::uint64_t measured = number | to_micros(latency);
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & ~kLatencyMask) != number || measured < word) {
        if (word_.compare_exchange_weak(word, measured, std::memory_order_relaxed)) return;
    }
}

base::Micros BaseLatency::next_probe(base::Micros now) const {
    base::Micros interval = kProbeInterval;
    while (static_cast<double>(interval) < kProbeGap * get()) interval *= 8;
    return ((now + clock_offset_) / interval + 1) * interval - clock_offset_;
}

SpoutWindow::SpoutWindow(BaseLatency& base, base::Micros timeout, std::uint32_t most,
                         base::Random random)
    : base_(base),
      timeout_(static_cast<double>(timeout)),
      most_(most),
      random_(random),
      window_(kFirst) {}

void SpoutWindow::look() {
    if (round_begin_ == 0) {
        next_probe_ = base_.next_probe(now_);
        return begin_round(0);
    }
    if (phase_ == Phase::kDraining) return now_ < not_before_ ? void() : measure();
    if (phase_ == Phase::kSteady && now_ >= next_probe_) return begin_probe();
    if (timed_out_ != 0) phase_ = Phase::kSteady;  // There are more urgent things than a probe.
    const std::uint64_t late = timed_out_;
    if (fresh_ + late == 0) return;  // Who waits for a bolt that stands still emits nothing.
    if (phase_ == Phase::kMeasuring && fresh_ < kProbeSamples) return;
    const double latency =
        (static_cast<double>(latency_sum_) + static_cast<double>(late) * timeout_) /
        static_cast<double>(fresh_ + late);
    const auto duration = static_cast<double>(now_ - round_begin_);
    const double enough = late != 0 ? timeout_ / 8 : (growing_ ? 1 : kRoundOfLatency) * latency;
    if (duration < enough && phase_ == Phase::kSteady) {
        next_look_ = std::min(next_probe_, round_begin_ + static_cast<base::Micros>(enough) + 1);
        return;
    }
    close(
        {.latency = latency, .rate = static_cast<double>(count_) / duration, .limited = limited_});
}

void SpoutWindow::close(const Round& round) {
    if (phase_ == Phase::kMeasuring) {
        end_probe(round);
    } else {
        learn_rate(round);
        // A mean of few says little.
        const double weight =
            latency_ == 0 ? 1 : std::min(1.0, static_cast<double>(fresh_ + timed_out_) / kSamples);
        latency_ += (round.latency - latency_) * weight;
        base_.lower(latency_);
        adapt(round);
    }
    if (window_ < 1) {
        const double pause = std::min(latency_, target()) * (1 / window_ - 1);
        not_before_ =
            now_ + static_cast<base::Micros>(pause * (0.75 + 0.5 * share(random_.next())));
    }
    next_probe_ = base_.next_probe(now_);
    begin_round(kRoundMin);
}

void SpoutWindow::begin_round(double at_least) {
    round_begin_ = now_;
    next_look_ = std::min(next_probe_, now_ + static_cast<base::Micros>(at_least));
    count_ = fresh_ = latency_sum_ = timed_out_ = 0;
    limited_ = false;
}

void SpoutWindow::learn_rate(const Round& round) {
    if (!round.limited && round.rate < rate_max()) return;
    rates_[next_rate_] = round.rate;
    next_rate_ = (next_rate_ + 1) % rates_.size();
}

double SpoutWindow::rate_max() const {
    return *std::max_element(rates_.begin(), rates_.end());
}

double SpoutWindow::target() const {
    const double base = base_.get();
    const double queue = kQueueMin + kQueueOfBase * base;
    if (timeout_ == 0) return base + queue;
    return std::min(base, timeout_ / 3) + std::min(queue, kQueueOfTimeout * timeout_);
}

void SpoutWindow::adapt(const Round& round) {
    const double fits = window_ * target() / round.latency;
    const double before = window_;
    if (round.latency > kExcess * target()) {
        suspect(round);
        const double floor = std::min(window_, suspect_window_ / 8);
        const double least = timed_out_ != 0 ? 0 : std::max(window_ / 2, floor);
        // One in flight and no more is no harm that is worth a pause, unless it takes very long.
        const double alone = latency_ < kPauseOfTimeout * timeout_ || timeout_ == 0 ? 1 : 0;
        const double wanted = std::min(fits, rate_max() * target());
        set_window(std::max(std::clamp(wanted, least, window_), std::min(window_, alone)));
    } else if (round.limited) {
        suspect_window_ = 0;
        const double paid = rate_max() * target();
        const double wanted = growing_      ? std::max(paid, fits)
                              : window_ < 8 ? std::min(paid, fits) + 0.25
                                            : paid + 1;
        set_window(std::clamp(wanted, window_ / 2, window_ * 2));
    }
    if (round.limited) growing_ = growing_ && window_ > 1.5 * before;
}

void SpoutWindow::suspect(const Round& round) {
    if (suspect_window_ != 0 && round.latency > 0.75 * suspect_latency_) return;
    suspect_window_ = window_;
    suspect_latency_ = round.latency;
}

void SpoutWindow::begin_probe() {
    probe_ = next_probe_;
    next_probe_ = base_.next_probe(now_);
    phase_ = Phase::kDraining;
    begin_round(0);
    not_before_ = now_ + static_cast<base::Micros>(std::max(kRoundMin, 1.25 * latency_));
    next_look_ = not_before_;
}

void SpoutWindow::measure() {
    phase_ = Phase::kMeasuring;
    begin_round(kRoundMin);
    limit_ = std::max(1U, static_cast<std::uint32_t>(window_ / kProbeCut));
    not_before_ = 0;
    if (limit_ == 1)
        not_before_ =
            now_ + static_cast<base::Micros>(share(random_.next()) * kProbeSpread * latency_);
}

void SpoutWindow::end_probe(const Round& round) {
    phase_ = Phase::kSteady;
    // What came from before would have waited longer than a queue that was worked off.
    const bool drained = count_ - fresh_ <= fresh_ && timed_out_ == 0;
    double measured = std::min(round.latency, base_.get() * (drained ? 8 : 1));
    // One tuple of each of many spouts may be a queue of its own.
    if (window_ < kProbeCut && timeout_ != 0) measured = std::min(measured, timeout_ / 8);
    base_.measured(probe_, measured);
    suspect_window_ = 0;
    set_window(window_);
}

void SpoutWindow::set_window(double window) {
    window_ = std::clamp(window, kLeast, most_);
    limit_ = std::max(1U, static_cast<std::uint32_t>(window_ + 0.5));
    if (window_ >= 1) not_before_ = 0;
}

}  // namespace storm::worker
