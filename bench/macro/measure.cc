#include "bench/macro/measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/clock.h"
#include "bench/macro/scenarios.h"
#include "bench/macro/word_loop.h"
#include "bench/macro/worker_processes.h"
#include "worker/engine/engine.h"

namespace storm::bench {
namespace {

using base::Micros;

constexpr Micros kPollMicros = base::kMicrosPerMilli;
constexpr Nanos kStillNanosMax = 10'000'000'000;  // Without any progress.
constexpr Micros kStopMicrosMax = 5 * base::kMicrosPerSecond;
constexpr int kQuietPolls = 50;  // Untracked tuples: all have arrived when nothing more comes.

Micros micros(double seconds) {
    return static_cast<Micros>(seconds * 1e6);
}

/// A topology that runs in an engine of its own.
class Subject {
public:
    Subject(Graph graph, const Options& options, const base::Clock& clock)
        : meter_(std::move(graph.meter)),
          fails_(options.fail_every > 0),
          engine_(std::move(graph.topology), options.settings, clock) {}

    const Meter& meter() const { return *meter_; }
    void start() { engine_.start(); }
    void open() { meter_->open(); }

    void wait(Micros timeout) {
        if (engine_.wait(timeout) == worker::Engine::State::kFailed)
            throw std::runtime_error("the engine failed: " + engine_.failure());
    }

    /// Pauses the spouts, and waits until nothing is on its way. Returns when that was.
    Nanos settle() {
        meter_->close();
        Counts last = meter_->counts();
        Nanos changed = now();
        for (int quiet = 0; !settled(last, quiet); ++quiet) {
            wait(kPollMicros);
            const Counts counts = meter_->counts();
            if (counts != last) {
                last = counts;
                changed = now();
                quiet = 0;
            } else if (now() - changed > kStillNanosMax) {
                throw std::runtime_error(
                    std::to_string(last.emitted - last.acked - last.failed) +
                    " tuples are neither acked nor failed, and nothing goes on" + progress());
            }
        }
        return changed;
    }

    /// Lets the spouts emit for a while.
    void run_slice(double seconds, Tally& tally) {
        const Reading from = meter_->read();
        open();
        wait(micros(seconds));
        const Nanos end = settle();
        Reading to = meter_->read();
        to.at = end;
        tally.add(from, to);
    }

    /// Ends it, and checks that nothing went wrong.
    void stop() {
        const std::uint64_t failed = meter_->counts().failed;
        if (!engine_.stop(kStopMicrosMax)) throw std::runtime_error("the engine does not stop");
        std::uint64_t dropped = 0;
        for (const worker::ComponentSnapshot& component : engine_.snapshot()) {
            dropped += component.dropped;
            if (!component.last_errors.empty())
                throw std::runtime_error(component.id + ": " + component.last_errors.back().text);
        }
        if (dropped > 0) throw std::runtime_error(std::to_string(dropped) + " tuples were dropped");
        if (failed > 0 && !fails_)
            throw std::runtime_error(std::to_string(failed) + " tuples failed");
    }

private:
    bool settled(const Counts& counts, int quiet) const {
        if (!meter_->load().acks) return quiet >= kQuietPolls;
        return counts.emitted == counts.acked + counts.failed;
    }

    /// Where tuples have stopped, for a message.
    std::string progress() const {
        std::string text;
        for (const worker::ComponentSnapshot& component : engine_.snapshot()) {
            text += "; " + component.id + ":";
            for (const auto& input : component.inputs) {
                text += " executed " + std::to_string(input.executed) + " from " + input.source;
            }
            for (const auto& stream : component.streams) {
                text += " sent " + std::to_string(stream.transferred);
            }
        }
        return text;
    }

    std::unique_ptr<Meter> meter_;
    const bool fails_;
    worker::Engine engine_;
};

/// Pauses the spouts of workers in other processes, and waits until nothing is on its way.
void settle(WorkerProcesses& processes, Meter& meter) {
    meter.close();
    Counts last = meter.counts();
    Nanos changed = now();
    for (int quiet = 0;; ++quiet) {
        const bool settled =
            meter.load().acks ? last.emitted == last.acked + last.failed : quiet >= kQuietPolls;
        if (settled && quiet > 0) return;
        processes.wait(kPollMicros);
        const Counts counts = meter.counts();
        if (counts != last) {
            last = counts;
            changed = now();
            quiet = 0;
        } else if (now() - changed > kStillNanosMax) {
            throw std::runtime_error(std::to_string(last.emitted - last.acked - last.failed) +
                                     " tuples are neither acked nor failed, and nothing goes on");
        }
    }
}

Outcome measure_workers(const Options& options, const Text* text) {
    const Graph graph = make_graph(options, text);
    WorkerProcesses processes(graph, options);
    Meter& meter = *graph.meter;
    meter.set_processes(processes.pids());
    Outcome outcome;
    meter.open();
    processes.wait(micros(kWarmUpSeconds));
    const Reading from = meter.read();
    processes.wait(micros(options.seconds));
    outcome.tally.add(from, meter.read());
    settle(processes, meter);
    outcome.rss_mb = processes.peak_rss_mb();
    outcome.first_tuple = meter.first_tuple();
    processes.stop();
    const std::uint64_t failed = meter.counts().failed;
    if (failed > 0 && options.fail_every == 0)
        throw std::runtime_error(std::to_string(failed) + " tuples failed");
    return outcome;
}

int slices_in(double seconds) {
    return std::max(2, static_cast<int>(std::lround(seconds / kSliceSeconds)));
}

Outcome measure_steady(const Options& options, const Text* text) {
    const base::SteadyClock clock;
    Subject subject(make_graph(options, text), options, clock);
    Outcome outcome;
    subject.start();
    subject.open();
    subject.wait(micros(kWarmUpSeconds));
    const Reading from = subject.meter().read();
    subject.wait(micros(options.seconds));
    outcome.tally.add(from, subject.meter().read());
    subject.settle();
    subject.stop();
    outcome.first_tuple = subject.meter().first_tuple();
    return outcome;
}

Outcome measure_with_loop(const Options& options, const Text& text) {
    const base::SteadyClock clock;
    Subject subject(make_graph(options, &text), options, clock);
    WordLoop loop(text);
    WordLoop::Slice sum;
    Outcome outcome;
    Tally warm_up;
    subject.start();
    subject.run_slice(kWarmUpSeconds, warm_up);
    loop.run(kWarmUpSeconds);
    const int slices = slices_in(options.seconds);
    for (int i = 0; i < slices; ++i) {
        subject.run_slice(options.seconds / slices, outcome.tally);
        const WordLoop::Slice slice = loop.run(options.seconds / slices);
        sum.seconds += slice.seconds;
        sum.words += slice.words;
    }
    subject.stop();
    outcome.first_tuple = subject.meter().first_tuple();
    outcome.loop_per_s = static_cast<double>(sum.words) / sum.seconds;
    return outcome;
}

Outcome measure_wide(const Options& options) {
    const base::SteadyClock clock;
    Subject wide(make_graph(options, nullptr), options, clock);
    Subject narrow(make_narrow(options), options, clock);
    Outcome outcome;
    Tally warm_up, narrow_tally;
    wide.start();
    wide.run_slice(kWarmUpSeconds, warm_up);
    narrow.start();
    narrow.run_slice(kWarmUpSeconds, warm_up);
    const int slices = slices_in(options.seconds);
    for (int i = 0; i < slices; ++i) {
        wide.run_slice(options.seconds / slices, outcome.tally);
        narrow.run_slice(options.seconds / slices, narrow_tally);
    }
    wide.stop();
    narrow.stop();
    outcome.first_tuple = wide.meter().first_tuple();
    outcome.narrow_per_s = narrow_tally.per_second(&Counts::executed);
    return outcome;
}

/// Both ends of a pipe.
class Pipe {
public:
    Pipe() {
        if (::pipe(ends_.data()) != 0) throw std::runtime_error("cannot make a pipe");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(ends_[0]);
        end();
    }

    int out() const { return ends_[0]; }
    void write(std::string_view text) {
        if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            throw std::runtime_error("cannot write to a pipe");
    }
    /// The reader sees the end of the input.
    void end() {
        if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

Outcome measure_idle(const Options& options) {
    const base::SteadyClock clock;
    Pipe pipe;
    Subject subject(make_idle(options, pipe.out()), options, clock);
    Outcome outcome;
    subject.start();
    pipe.write("one line shows that all of it lives\n");
    subject.wait(micros(kWarmUpSeconds));
    const Reading from = subject.meter().read();
    subject.wait(micros(options.seconds));
    outcome.tally.add(from, subject.meter().read());
    outcome.first_tuple = subject.meter().first_tuple();
    pipe.end();
    subject.settle();
    subject.stop();
    if (!outcome.first_tuple) throw std::runtime_error("no word of the first line was counted");
    return outcome;
}

Outcome measure_loop(const Options& options, const Text& text) {
    WordLoop loop(text);
    loop.run(kWarmUpSeconds);
    const double cpu = cpu_seconds();
    const WordLoop::Slice slice = loop.run(options.seconds);
    Outcome outcome;
    outcome.counts_tuples = false;
    outcome.tally.counts.executed = slice.words;
    outcome.tally.seconds = slice.seconds;
    outcome.tally.cpu_seconds = cpu_seconds() - cpu;
    return outcome;
}

}  // namespace

Outcome measure(const Options& options, const Text* text) {
    if (options.scenario == Scenario::kWordCountLoop) return measure_loop(options, *text);
    if (options.scenario == Scenario::kIdle) return measure_idle(options);
    if (options.scenario == Scenario::kWide && options.rate == 0) return measure_wide(options);
    if (options.workers > 1) return measure_workers(options, text);
    if (options.with_loop) return measure_with_loop(options, *text);
    return measure_steady(options, text);
}

}  // namespace storm::bench
