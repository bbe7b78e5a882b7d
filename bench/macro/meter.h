// Counts of the tasks of one running topology, and how the measuring thread reads them.
//
// Each task counts in a slot of its own; only its calls of user code are counted. A slot may
// belong to another process: it lies in shared memory.
//
// Threads: a slot is written by its task; open() and close() belong to the measuring thread; any
//          may read.
// Cost:    0.3 ns per count.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <storm/context.h>
#include <sys/mman.h>
#include <sys/types.h>

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
    double cpu_seconds = 0;  // This process's.
    Counts counts;
    Histogram::Counts complete{};
    Histogram::Counts due{};
};

/// Counts within one or several intervals.
struct Tally {
    double seconds = 0;
    double cpu_seconds = 0;
    Counts counts;
    Histogram::Counts complete{};
    Histogram::Counts due{};

    void add(const Reading& from, const Reading& to);
    double per_second(std::uint64_t Counts::*count) const;
};

/// Work for the spouts and bolts.
struct Load {
    bool acks = true;
    double rate = 0;  // Per spout task; 0: as fast as possible.
    std::uint64_t fail_every = 0;
    const Text* text = nullptr;
};

/// Objects that processes forked later share with this one.
template <typename T>
class SharedArray {
public:
    explicit SharedArray(std::size_t size) : size_(size) {
        void* const memory =
            ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        begin_ = static_cast<T*>(memory);
        std::uninitialized_default_construct_n(begin_, size_);
    }
    SharedArray(const SharedArray&) = delete;
    SharedArray& operator=(const SharedArray&) = delete;
    ~SharedArray() { ::munmap(begin_, bytes()); }

    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) { return begin_[i]; }
    const T& operator[](std::size_t i) const { return begin_[i]; }
    const T* begin() const { return begin_; }
    const T* end() const { return begin_ + size_; }

private:
    std::size_t bytes() const { return std::max<std::size_t>(1, size_) * sizeof(T); }

    T* begin_ = nullptr;
    const std::size_t size_;
};

class Meter {
public:
    Meter(Load load, std::size_t spouts, std::size_t sinks)
        : load_(load), spouts_(spouts), sinks_(sinks), turns_(1) {}
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    const Load& load() const { return load_; }
    std::size_t spouts() const { return spouts_.size(); }
    SpoutSlot& spout(int index) { return spouts_[static_cast<std::size_t>(index)]; }
    SinkSlot& sink(int index) { return sinks_[static_cast<std::size_t>(index)]; }

    /// Spouts emit while it is open; closed at first.
    bool is_open() const { return turns_[0].value() % 2 == 1; }
    void open();
    void close();
    void set_processes(std::vector<pid_t> processes) { processes_ = std::move(processes); }
    /// Called when the meter opens, if it is in this process.
    void add_waker(std::function<void()> waker);

    Counts counts() const;
    Reading read() const;
    /// When the first tuple arrived at the last bolt.
    std::optional<Nanos> first_tuple() const;

private:
    const Load load_;
    SharedArray<SpoutSlot> spouts_;
    SharedArray<SinkSlot> sinks_;
    SharedArray<Counter> turns_;    // Odd: open.
    std::vector<pid_t> processes_;  // Whose processor time counts, too.

    std::mutex mutex_;
    std::vector<std::function<void()>> wakers_;  // Guarded by mutex_.
};

/// Processor time that a process has used; 0: this one.
double cpu_seconds(pid_t process = 0);
/// The most memory that it has had resident.
double peak_rss_mb(pid_t process = 0);

}  // namespace storm::bench
