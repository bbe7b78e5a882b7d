// What the tasks of one running topology count, and how whoever measures it reads that.
//
// Each task counts in a slot of its own; only its calls of user code are counted.
//
// Threads: a slot is written by its task; open() and close() are the measuring thread's; all may be
//          read from any.
// Cost:    0.3 ns per count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include <storm/context.h>

#include "bench/macro/histogram.h"

namespace storm::bench {

class Text;

/// CLOCK_MONOTONIC. 25 ns.
Nanos now();

struct alignas(128) SpoutSlot {
    Counter emitted;
    Counter acked;
    Counter failed;
    Histogram complete;  // From emit to ack().
    Histogram due;       // From the scheduled time to ack().
};

struct alignas(128) SinkSlot {
    Counter executed;
    Counter first_at;  // now() at the first execute(); 0: none yet.
};

struct Counts {
    std::uint64_t emitted = 0;
    std::uint64_t executed = 0;
    std::uint64_t acked = 0;
    std::uint64_t failed = 0;

    friend bool operator==(const Counts&, const Counts&) = default;
};

/// All that was counted until some time.
struct Reading {
    Nanos at = 0;
    double cpu_seconds = 0;  // Of this process.
    Counts counts;
    Histogram::Counts complete{};
    Histogram::Counts due{};
};

/// What was counted within one or several intervals.
struct Tally {
    double seconds = 0;
    double cpu_seconds = 0;
    Counts counts;
    Histogram::Counts complete{};
    Histogram::Counts due{};

    void add(const Reading& from, const Reading& to);
    double per_second(std::uint64_t Counts::*count) const;
};

/// What the spouts and bolts are to do.
struct Load {
    bool acks = true;
    double rate = 0;  // Of each spout task; 0: as many as possible.
    std::uint64_t fail_every = 0;
    const Text* text = nullptr;
};

class Meter {
public:
    Meter(Load load, std::size_t spouts, std::size_t sinks)
        : load_(load), spouts_(spouts), sinks_(sinks) {}
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    const Load& load() const { return load_; }
    std::size_t spouts() const { return spouts_.size(); }
    SpoutSlot& spout(int index) { return spouts_[static_cast<std::size_t>(index)]; }
    SinkSlot& sink(int index) { return sinks_[static_cast<std::size_t>(index)]; }

    /// Spouts emit while it is open; closed at first.
    bool is_open() const { return turns_.value() % 2 == 1; }
    void open();
    void close();
    /// Called when the meter opens.
    void add_waker(std::function<void()> waker);

    Counts counts() const;
    Reading read() const;
    /// When the first tuple arrived at the last bolt.
    std::optional<Nanos> first_tuple() const;

private:
    const Load load_;
    std::vector<SpoutSlot> spouts_;
    std::vector<SinkSlot> sinks_;
    Counter turns_;  // Odd: open.

    std::mutex mutex_;
    std::vector<std::function<void()>> wakers_;  // Guarded by mutex_.
};

/// Processor time that this process has used.
double cpu_seconds();
/// The most memory that it has had resident.
double peak_rss_mb();

}  // namespace storm::bench
