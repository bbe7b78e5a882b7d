#include "bench/macro/meter.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <time.h>

namespace storm::bench {
namespace {

void add_difference(Histogram::Counts& sum, const Histogram::Counts& from,
                    const Histogram::Counts& to) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += to[i] - from[i];
}

}  // namespace

Nanos now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return Nanos{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void Tally::add(const Reading& from, const Reading& to) {
    seconds += static_cast<double>(to.at - from.at) / 1e9;
    cpu_seconds += to.cpu_seconds - from.cpu_seconds;
    counts.emitted += to.counts.emitted - from.counts.emitted;
    counts.executed += to.counts.executed - from.counts.executed;
    counts.acked += to.counts.acked - from.counts.acked;
    counts.failed += to.counts.failed - from.counts.failed;
    add_difference(complete, from.complete, to.complete);
    add_difference(due, from.due, to.due);
}

double Tally::per_second(std::uint64_t Counts::*count) const {
    return seconds > 0 ? static_cast<double>(counts.*count) / seconds : 0;
}

void Meter::open() {
    turns_[0].add();
    const std::lock_guard lock(mutex_);
    for (const auto& wake : wakers_) wake();  // Only enqueues.
}

void Meter::close() {
    turns_[0].add();
}

void Meter::add_waker(std::function<void()> waker) {
    const std::lock_guard lock(mutex_);
    wakers_.push_back(std::move(waker));
}

Counts Meter::counts() const {
    Counts counts;
    for (const SpoutSlot& slot : spouts_) {
        // Settled ones first, so that they are never more than the emitted ones.
        counts.acked += slot.acked.value();
        counts.failed += slot.failed.value();
        counts.emitted += slot.emitted.value();
    }
    for (const SinkSlot& slot : sinks_) counts.executed += slot.executed.value();
    return counts;
}

Reading Meter::read() const {
    Reading reading;
    reading.at = now();
    reading.counts = counts();
    reading.cpu_seconds = cpu_seconds();
    for (const pid_t process : processes_) reading.cpu_seconds += cpu_seconds(process);
    for (const SpoutSlot& slot : spouts_) {
        slot.complete.add_to(reading.complete);
        slot.due.add_to(reading.due);
    }
    return reading;
}

std::optional<Nanos> Meter::first_tuple() const {
    std::optional<Nanos> first;
    for (const SinkSlot& slot : sinks_) {
        const auto at = static_cast<Nanos>(slot.first_at.value());
        if (at != 0) first = std::min(first.value_or(at), at);
    }
    return first;
}

double cpu_seconds(pid_t process) {
    clockid_t clock{};
    timespec used{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double peak_rss_mb(pid_t process) {
    const std::string name = process == 0 ? "self" : std::to_string(process);
    std::ifstream status("/proc/" + name + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
    }
    return 0;
}

}  // namespace storm::bench
