// Goal:   tuples that bolts keep for a while do not open the window of their spout for what queues
//         beside or behind them: a slow bolt is kept busy, and nothing times out.
// Method: a bolt of 20 ms behind or beside one that keeps, for no time, until three others have
//         come, for 100 ms, or with a pause; several timeouts long. And a bolt that keeps each
//         tuple for a time of its own, which must not slow its spout down.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

void expect_no_timeouts(TopologyBuilder& t, const std::shared_ptr<Outcomes>& outcomes,
                        int seconds = 6) {
    Running run(t, config_of({2, false}, {{"topology.message.timeout.secs", "2"}}));

    std::this_thread::sleep_for(std::chrono::seconds(seconds));

    EXPECT_EQ(outcomes->failed(), 0);
    EXPECT_GT(outcomes->acked(), seconds * 50 / 2) << "a bolt of 20 ms does 50 a second";
    run.stop();
}

TEST(EngineKept, WhatABoltKeptForAMomentBeforeASlowOneDoesNotTimeOut) {
    const auto outcomes = std::make_shared<Outcomes>();
    auto held = std::make_shared<std::vector<Kept>>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1'000'000'000, outcomes);
    t.bolt<AnyBolt>("keeper", default_stream({{"n", Kind::kInt64}}),
                    BoltScript{.execute =
                                   [held](const Tuple& in, BoltCollector& out) {
                                       held->push_back(out.keep(in));
                                       if (held->size() < 4) return;
                                       for (Kept& kept : *held) {
                                           out.emit(kept.tuple(), kept.tuple().int64(0));
                                           out.ack(std::move(kept));
                                       }
                                       held->clear();
                                   }})
        .shuffle("numbers");
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
     }).shuffle("keeper");

    expect_no_timeouts(t, outcomes);
}

/// Keeps each tuple for `time`, then passes it on and acks it by post().
class Async final : public Bolt {
public:
    /// `pause`: once, after a second, it does nothing for so long.
    explicit Async(std::chrono::milliseconds time, std::chrono::milliseconds pause = {})
        : time_(time), pause_(pause) {}
    ~Async() override {
        {
            const std::lock_guard lock(mutex_);
            end_ = true;
        }
        more_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        out_.emplace(out);
        thread_ = std::thread([this, context] {
            const auto paused = std::chrono::steady_clock::now() + std::chrono::seconds(1);
            std::unique_lock lock(mutex_);
            while (true) {
                more_.wait(lock, [this] { return end_ || !todo_.empty(); });
                if (end_) return;
                auto next = std::move(todo_.front());
                todo_.pop_front();
                const auto due = next.first;
                const auto kept = std::move(next.second);
                lock.unlock();
                std::this_thread::sleep_until(due > paused ? std::max(due, paused + pause_) : due);
                context.post([this, kept] {
                    out_->emit(kept->tuple(), kept->tuple().int64(0));
                    out_->ack(std::move(*kept));
                });
                lock.lock();
            }
        });
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        const std::lock_guard lock(mutex_);
        todo_.emplace_back(std::chrono::steady_clock::now() + time_,
                           std::make_shared<Kept>(out.keep(in)));
        more_.notify_one();
    }

private:
    const std::chrono::milliseconds time_, pause_;
    std::optional<BoltCollector> out_;
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::pair<std::chrono::steady_clock::time_point, std::shared_ptr<Kept>>> todo_;
    bool end_ = false;
    std::thread thread_;
};

TEST(EngineKept, WhatAnAsynchronousBoltKeepsBesideASlowOneDoesNotTimeOut) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1'000'000'000, outcomes);
    t.bolt<Async>("async", std::chrono::milliseconds(0)).shuffle("numbers");
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
     }).shuffle("numbers");

    expect_no_timeouts(t, outcomes);
}

TEST(EngineKept, WhatAnAsynchronousBoltKeptForLongBeforeASlowOneDoesNotTimeOut) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1'000'000'000, outcomes);
    t.bolt<Async>("async", std::chrono::milliseconds(100)).shuffle("numbers");
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
     }).shuffle("async");

    expect_no_timeouts(t, outcomes);
}

TEST(EngineKept, WhatAnAsynchronousBoltKeptDuringAPauseFloodsNobodyBehindIt) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1'000'000'000, outcomes);
    t.bolt<Async>("async", std::chrono::milliseconds(50), std::chrono::milliseconds(400))
        .shuffle("numbers");
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
     }).shuffle("async");

    expect_no_timeouts(t, outcomes);
}

/// Keeps each tuple for 15 to 75 ms and acks it by a tick, so not in the order of arrival.
class Scattered final : public Bolt {
public:
    void execute(const Tuple& in, BoltCollector& out) override {
        const auto now = std::chrono::steady_clock::now();
        if (!in.is_tick()) {
            due_.emplace(now + std::chrono::microseconds(15'000 + random_() % 60'000),
                         out.keep(in));
            return;
        }
        while (!due_.empty() && due_.begin()->first <= now) {
            out.ack(std::move(due_.begin()->second));
            due_.erase(due_.begin());
        }
    }

private:
    std::multimap<std::chrono::steady_clock::time_point, Kept> due_;
    std::minstd_rand random_;
};

TEST(EngineKept, WhatIsAckedInAnotherOrderThanItCameDoesNotCloseTheWindow) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1'000'000'000, outcomes);
    t.bolt<Scattered>("async").shuffle("numbers").tick(std::chrono::milliseconds(5));
    Running run(t, config_of({2, false}));

    EXPECT_TRUE(eventually([&] { return outcomes->acked() > 30'000; })) << outcomes->acked();
    run.stop();
}

}  // namespace
}  // namespace storm::testing
