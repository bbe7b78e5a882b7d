// Topologies in miniature: spouts and bolts made of lambdas, a record of what became of each tuple,
// and an engine that runs them.
//
// Each task has its own copy of the lambdas, and so of what they hold by value; what is shared they
// hold by pointer.
//
// Threads: Outcomes from any; the lambdas run where their task runs.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <storm/storm.h>

#include "base/clock.h"
#include "tests/support/sanitized.h"
#include "worker/engine/engine.h"

namespace storm::testing {

using Streams = std::vector<StreamDeclaration>;

/// The stream "default" with these fields.
inline Streams default_stream(std::vector<Field> fields) {
    return {{"default", std::move(fields), false}};
}

inline void declare(Outputs& outputs, const Streams& streams) {
    for (const StreamDeclaration& stream : streams)
        outputs.stream(stream.name, stream.fields, stream.direct);
}

struct SpoutScript {
    std::function<Next(SpoutCollector&)> next;
    std::function<void(const TaskContext&, SpoutCollector&)> open = {};
    std::function<void(MessageId)> ack = {};
    std::function<void(MessageId, FailReason)> fail = {};
    std::function<void()> activate = {};
    std::function<void()> deactivate = {};
    std::function<void()> close = {};
};

class AnySpout final : public Spout {
public:
    AnySpout(Streams streams, SpoutScript script)
        : streams_(std::move(streams)), script_(std::move(script)) {}

    void declare_outputs(Outputs& outputs) const override { declare(outputs, streams_); }
    void open(const TaskContext& context, SpoutCollector& out) override {
        if (script_.open) script_.open(context, out);
    }
    Next next_tuple(SpoutCollector& out) override { return script_.next(out); }
    void ack(MessageId id) override {
        if (script_.ack) script_.ack(id);
    }
    void fail(MessageId id, FailReason reason) override {
        if (script_.fail) script_.fail(id, reason);
    }
    void activate() override {
        if (script_.activate) script_.activate();
    }
    void deactivate() override {
        if (script_.deactivate) script_.deactivate();
    }
    void close() override {
        if (script_.close) script_.close();
    }

private:
    const Streams streams_;
    SpoutScript script_;
};

struct BoltScript {
    std::function<void(const Tuple&, BoltCollector&)> execute;
    std::function<void(const TaskContext&, BoltCollector&)> prepare = {};
    std::function<void(BoltCollector&)> inputs_ended = {};
    std::function<void(BoltCollector&)> finish = {};
    std::function<void()> cleanup = {};
};

class AnyBolt final : public Bolt {
public:
    AnyBolt(Streams streams, BoltScript script)
        : streams_(std::move(streams)), script_(std::move(script)) {}

    void declare_outputs(Outputs& outputs) const override { declare(outputs, streams_); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        if (script_.prepare) script_.prepare(context, out);
    }
    void execute(const Tuple& input, BoltCollector& out) override { script_.execute(input, out); }
    void inputs_ended(BoltCollector& out) override {
        if (script_.inputs_ended) script_.inputs_ended(out);
    }
    void finish(BoltCollector& out) override {
        if (script_.finish) script_.finish(out);
    }
    void cleanup() override {
        if (script_.cleanup) script_.cleanup();
    }

private:
    const Streams streams_;
    BoltScript script_;
};

struct BasicScript {
    std::function<void(const Tuple&, BasicCollector&)> execute;
    std::function<void(const TaskContext&)> prepare = {};
    std::function<void(BasicCollector&)> finish = {};
    std::function<void()> cleanup = {};
};

class AnyBasicBolt final : public BasicBolt {
public:
    AnyBasicBolt(Streams streams, BasicScript script)
        : streams_(std::move(streams)), script_(std::move(script)) {}

    void declare_outputs(Outputs& outputs) const override { declare(outputs, streams_); }
    void prepare(const TaskContext& context) override {
        if (script_.prepare) script_.prepare(context);
    }
    void execute(const Tuple& input, BasicCollector& out) override { script_.execute(input, out); }
    void finish(BasicCollector& out) override {
        if (script_.finish) script_.finish(out);
    }
    void cleanup() override {
        if (script_.cleanup) script_.cleanup();
    }

private:
    const Streams streams_;
    BasicScript script_;
};

/// Acks and fails that spouts got for their tuples.
class Outcomes {
public:
    void ack(MessageId id) {
        const std::lock_guard lock(mutex_);
        ++acks_;
        ++told_[id].acks;
    }
    void fail(MessageId id, FailReason reason) {
        const std::lock_guard lock(mutex_);
        told_[id].fails.push_back(reason);
        ++fails_[reason];
    }

    std::size_t acked() const {
        const std::lock_guard lock(mutex_);
        return acks_;
    }
    std::size_t failed() const {
        const std::lock_guard lock(mutex_);
        std::size_t sum = 0;
        for (const auto& [reason, count] : fails_) sum += count;
        return sum;
    }
    std::size_t failed(FailReason reason) const {
        const std::lock_guard lock(mutex_);
        const auto found = fails_.find(reason);
        return found == fails_.end() ? 0 : found->second;
    }
    std::size_t settled() const { return acked() + failed(); }
    /// How many ids were told of more than once.
    std::size_t told_again() const {
        const std::lock_guard lock(mutex_);
        std::size_t count = 0;
        for (const auto& [id, told] : told_)
            if (told.acks + told.fails.size() > 1) ++count;
        return count;
    }
    /// How many different ids were told of.
    std::size_t ids() const {
        const std::lock_guard lock(mutex_);
        return told_.size();
    }

private:
    struct Told {
        std::size_t acks = 0;
        std::vector<FailReason> fails;
    };

    mutable std::mutex mutex_;
    std::map<MessageId, Told> told_;
    std::map<FailReason, std::size_t> fails_;
    std::size_t acks_ = 0;
};

/// Emits 0 … count - 1 as (n), tracked under the id n, and then ends; replays nothing. Of several
/// tasks each emits its share. Without outcomes: untracked.
class Numbers final : public Spout {
public:
    explicit Numbers(std::int64_t count, std::shared_ptr<Outcomes> outcomes = nullptr)
        : count_(count), outcomes_(std::move(outcomes)) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void open(const TaskContext& context, SpoutCollector&) override {
        next_ = context.index();
        step_ = static_cast<std::int64_t>(context.tasks_of(context.component()).size());
    }
    Next next_tuple(SpoutCollector& out) override {
        if (next_ >= count_) {
            out.finished();
            return Next::kIdle;
        }
        const std::int64_t n = next_;
        next_ += step_;
        if (outcomes_ == nullptr) {
            out.emit(n);
        } else {
            out.emit_tracked(static_cast<MessageId>(n), n);
        }
        return Next::kEmitted;
    }
    void ack(MessageId id) override { outcomes_->ack(id); }
    void fail(MessageId id, FailReason reason) override { outcomes_->fail(id, reason); }

private:
    const std::int64_t count_;
    const std::shared_ptr<Outcomes> outcomes_;  // Owners: the test and the spout's tasks.
    std::int64_t next_ = 0;
    std::int64_t step_ = 1;
};

/// Counts of small numbers, from any thread.
class Tally {
public:
    explicit Tally(std::size_t size) : counts_(size) {}

    void add(std::int64_t i) { counts_.at(static_cast<std::size_t>(i)).fetch_add(1); }
    int of(std::int64_t i) const { return counts_.at(static_cast<std::size_t>(i)).load(); }
    std::size_t size() const { return counts_.size(); }
    std::size_t sum() const {
        std::size_t sum = 0;
        for (const auto& count : counts_) sum += static_cast<std::size_t>(count.load());
        return sum;
    }
    bool all_are(int wanted) const {
        for (const auto& count : counts_) {
            if (count.load() != wanted) return false;
        }
        return true;
    }

private:
    std::vector<std::atomic<int>> counts_;
};

// ---- Running -----------------------------------------------------------------------------------

/// How long a test waits for what must come, before it says that it does not.
inline constexpr std::chrono::seconds kPatience{kSanitized ? 60 : 15};

/// How executors are spread over threads.
struct Threads {
    int loops;
    bool dedicated;

    friend void PrintTo(const Threads& threads, std::ostream* out) {
        *out << (threads.dedicated ? "dedicated" : std::to_string(threads.loops) + " loops");
    }
};

inline std::string name_of(const ::testing::TestParamInfo<Threads>& threads) {
    return threads.param.dedicated ? "Dedicated" : "Loops" + std::to_string(threads.param.loops);
}

inline auto all_threads() {
    return ::testing::Values(Threads{1, false}, Threads{2, false}, Threads{3, false},
                             Threads{1, true});
}

using Settings = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline Config config_of(Threads threads, Settings settings = {}) {
    Config config;
    config.set("topology.worker.threads", std::to_string(threads.loops));
    if (threads.dedicated) config.set("topology.executor.threads", "dedicated");
    for (const auto& [key, value] : settings) config.set(key, value);
    return config;
}

/// Whether `condition` becomes true before our patience ends.
template <typename Condition>
bool eventually(Condition&& condition, std::chrono::milliseconds patience = kPatience) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// The system gives the engine the threads that it starts with, and no more.
inline void give_no_more_threads(worker::Engine& engine) {
    const auto left = std::make_shared<std::size_t>(engine.wiring().placement.loops);
    engine.loops().crew().make_threads_with(
        [left](const std::string& name, std::function<void()> body) {
            if (*left == 0) throw std::system_error(EAGAIN, std::generic_category());
            --*left;
            return base::Thread(name, std::move(body));
        });
}

/// Whether the executor of a component is in its home loop. Of several, the first one.
inline bool at_home(worker::Engine& engine, std::string_view component) {
    const worker::Executor& executor =
        engine.shared().executor_of(engine.wiring().tasks_of(component).front());
    return executor.entry.loop.load() == executor.entry.home;
}

/// Real time, but for what a test adds to it.
class JumpingClock final : public base::Clock {
public:
    base::Micros now() const override { return steady_.now() + ahead_.load(); }
    void jump(base::Micros by) { ahead_.fetch_add(by); }

private:
    const base::SteadyClock steady_{};
    std::atomic<base::Micros> ahead_{0};
};

/// A topology that runs, until the end of the object at the latest.
class Running {
public:
    using Before = std::function<void(worker::Engine&)>;

    /// `before`: what to do with the engine before it starts.
    Running(Topology topology, const Config& config, const Before& before = {})
        : engine_(std::move(topology), config, clock_) {
        if (before) before(engine_);
        engine_.start();
    }
    Running(TopologyBuilder& builder, const Config& config, const Before& before = {})
        : Running(builder.build(), config, before) {}

    worker::Engine& engine() { return engine_; }
    /// Whether it ends by itself before our patience does.
    bool finishes(std::chrono::microseconds patience = kPatience) {
        return engine_.wait(patience.count()) == worker::Engine::State::kFinished;
    }
    bool stop() { return engine_.stop(std::chrono::microseconds(kPatience).count()); }
    worker::ComponentSnapshot of(std::string_view component) const {
        for (worker::ComponentSnapshot& snapshot : engine_.snapshot()) {
            if (snapshot.id == component) return std::move(snapshot);
        }
        ADD_FAILURE() << "no component " << component;
        return {};
    }
    /// Those that differ, what came last being the last.
    std::vector<std::string> errors_of(std::string_view component) const {
        std::vector<std::string> texts;
        for (const cluster::ReportedError& error : of(component).last_errors)
            texts.push_back(error.text);
        return texts;
    }
    /// Whether nothing is on its way any more, soon after the end.
    bool empties() {
        return eventually([this] { return bytes_in_flight() == 0; }, std::chrono::seconds(2));
    }
    std::int64_t bytes_in_flight() { return engine_.shared().pool.bytes_in_flight.load(); }

private:
    const base::SteadyClock clock_;
    worker::Engine engine_;
};

}  // namespace storm::testing
