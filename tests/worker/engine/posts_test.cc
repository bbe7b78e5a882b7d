// Goal:   what post() brings is held back like all else that emits, and loses nothing by it; who
//         posts from a thread of its own waits, but never for ever.
// Method: threads that post to spouts and bolts in front of a stuck sink, to tasks that end, and to
//         topologies that are inactive or stopped, on one, two and three loops and with a thread
//         for each executor. What does not end in time has hung.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"
#include "tests/support/gate.h"
#include "worker/executor/this_thread.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kMailbox = 16'384;
const Streams kN = default_stream({{"n", Kind::kInt64}});
const Streams kNText = default_stream({{"n", Kind::kInt64}, {"text", Kind::kString}});
const Streams kNoStreams;

/// Where a task can be reached.
struct Address {
    std::optional<TaskContext> context;
    std::atomic<bool> known{false};

    void set(const TaskContext& where) {
        context.emplace(where);
        known.store(true);
    }
};

/// A spout that emits nothing by itself, and ends when it is told so in a post.
SpoutScript silent(const std::shared_ptr<Address>& address,
                   const std::shared_ptr<std::optional<SpoutCollector>>& out) {
    return {.next = [](SpoutCollector&) { return Next::kIdle; },
            .open =
                [address, out](const TaskContext& context, SpoutCollector& collector) {
                    out->emplace(collector);
                    address->set(context);
                }};
}

class EnginePosts : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    auto stuck_sink() {
        return [gate = gate, seen = seen](const Tuple& in, BasicCollector&) {
            gate->pass();
            seen->add(in.int64(0));
        };
    }
    /// Whether the number of posts stands still, short of all.
    bool stands_still() {
        std::int64_t before = -1;
        return eventually([&] {
            std::this_thread::sleep_for(milliseconds(200));
            return std::exchange(before, posted->load()) == posted->load();
        });
    }

    static constexpr std::int64_t kPosts = kSanitized ? 60'000 : 300'000;
    const std::shared_ptr<Address> address = std::make_shared<Address>();
    const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    const std::shared_ptr<Tally> seen = std::make_shared<Tally>(kPosts);
    const std::shared_ptr<std::atomic<std::int64_t>> posted =
        std::make_shared<std::atomic<std::int64_t>>(0);
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EnginePosts, all_threads(), name_of);

TEST_P(EnginePosts, ASpoutFedByPostsIsHeldBackByAStuckSinkAndSoIsWhoPosts) {
    const auto out = std::make_shared<std::optional<SpoutCollector>>();
    t.spout<AnySpout>("posts", kNText, silent(address, out));
    t.bolt_fn("sink", {}, stuck_sink()).blocking().shuffle("posts");
    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    std::jthread feeder([&] {
        for (std::int64_t n = 0; n < kPosts; ++n) {
            EXPECT_TRUE(
                address->context->post([n, out] { (*out)->emit(n, std::string(1'000, 'x')); }));
            posted->fetch_add(1);
        }
        EXPECT_TRUE(address->context->post([out] { (*out)->finished(); }));
    });
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    ASSERT_TRUE(stands_still());

    EXPECT_LE(run.bytes_in_flight(), kMiB + kMiB / 2);
    EXPECT_GE(posted->load(), kMailbox);
    EXPECT_LE(posted->load(), 2 * kMailbox + 2'000) << "a mailbox, and what was taken from it";
    gate->open();
    feeder.join();

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(run.of("posts").dropped, 0);
}

TEST_P(EnginePosts, ABoltsPostsAreHeldBackByAStuckSinkAndAllRunBeforeItFinishes) {
    const auto all_posted = std::make_shared<std::atomic<bool>>(false);
    const auto out = std::make_shared<std::optional<BoltCollector>>();
    t.spout<AnySpout>("open", kN, SpoutScript{.next = [all_posted](SpoutCollector& collector) {
                          if (all_posted->load()) collector.finished();
                          return Next::kIdle;
                      }});
    t.bolt<AnyBolt>("posts", kNText,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& own) { own.ack(in); },
                               .prepare =
                                   [out, address = address](const TaskContext& context,
                                                            BoltCollector& collector) {
                                       out->emplace(collector);
                                       address->set(context);
                                   }})
        .shuffle("open");
    t.bolt_fn("sink", {}, stuck_sink()).blocking().shuffle("posts");
    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    std::jthread feeder([&] {
        for (std::int64_t n = 0; n < kPosts; ++n) {
            EXPECT_TRUE(address->context->post(
                [n, out] { (*out)->emit_unanchored(n, std::string(1'000, 'x')); }));
            posted->fetch_add(1);
        }
        all_posted->store(true);
    });
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    ASSERT_TRUE(stands_still());

    EXPECT_LE(run.bytes_in_flight(), kMiB + kMiB / 2);
    EXPECT_LE(posted->load(), 2 * kMailbox + 2'000) << "a mailbox, and what was taken from it";
    gate->open();
    feeder.join();

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(run.of("posts").dropped, 0);
}

TEST_P(EnginePosts, APostThatWasAcceptedBeforeTheLastInputRunsBeforeFinish) {
    // More than a step has time for.
    constexpr std::int64_t kFew = 2'000;
    const auto ran = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto ran_at_finish = std::make_shared<std::atomic<std::int64_t>>(-1);
    const auto out = std::make_shared<std::optional<BoltCollector>>();
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBolt>(
         "posts", kN,
         BoltScript{.execute =
                        [=, address = address](const Tuple& in, BoltCollector& collector) {
                            for (std::int64_t n = 0; n < kFew; ++n) {
                                EXPECT_TRUE(address->context->post([ran] {
                                    const auto until = std::chrono::steady_clock::now() +
                                                       std::chrono::microseconds(20);
                                    while (std::chrono::steady_clock::now() < until) {
                                    }
                                    ran->fetch_add(1);
                                }));
                            }
                            collector.ack(in);
                        },
                    .prepare = [address = address](const TaskContext& context,
                                                   BoltCollector&) { address->set(context); },
                    .inputs_ended = {},
                    .finish = [=](BoltCollector&) { ran_at_finish->store(ran->load()); }})
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(ran_at_finish->load(), kFew);
}

/// Posts `count` calls that take 20 us each, more than a step has time for, and count themselves;
/// with `again`, each of them posts one more.
void post_slow_calls(const TaskContext& context, const std::shared_ptr<std::atomic<int>>& ran,
                     int count, bool again) {
    for (int n = 0; n < count; ++n) {
        EXPECT_TRUE(context.post([=] {
            if (again) post_slow_calls(context, ran, 1, false);
            const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
            while (std::chrono::steady_clock::now() < until) {
            }
            ran->fetch_add(1);
        }));
    }
}

TEST_P(EnginePosts, WhatWasPostedWhileEarlierPostsRanAtTheEndRunsBeforeFinishToo) {
    constexpr int kFew = 2'000;
    const auto ran = std::make_shared<std::atomic<int>>(0);
    const auto ran_at_finish = std::make_shared<std::atomic<int>>(-1);
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBolt>(
         "posts", kN,
         BoltScript{.execute =
                        [=, address = address](const Tuple& in, BoltCollector& out) {
                            post_slow_calls(*address->context, ran, kFew, true);
                            out.ack(in);
                        },
                    .prepare = [address = address](const TaskContext& context,
                                                   BoltCollector&) { address->set(context); },
                    .finish = [=](BoltCollector&) { ran_at_finish->store(ran->load()); }})
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(ran_at_finish->load(), 2 * kFew);
}

TEST_P(EnginePosts, WhatTheLastRowOfACyclePostsRunsBeforeFinish) {
    // The row goes round alone, long after the last input from outside.
    constexpr int kFew = 2'000;
    constexpr std::int64_t kHops = 20;
    const auto ran = std::make_shared<std::atomic<int>>(0);
    const auto ran_at_finish = std::make_shared<std::atomic<int>>(-1);
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBolt>(
         "posts", kN,
         BoltScript{.execute =
                        [=, address = address](const Tuple& in, BoltCollector& out) {
                            out.ack(in);
                            if (in.int64(0) < kHops) return out.emit_unanchored(in.int64(0) + 1);
                            post_slow_calls(*address->context, ran, kFew, false);
                        },
                    .prepare = [address = address](const TaskContext& context,
                                                   BoltCollector&) { address->set(context); },
                    .finish = [=](BoltCollector&) { ran_at_finish->store(ran->load()); }})
        .shuffle("numbers")
        .shuffle("round");
    t.bolt_fn("round", {{"n", Kind::kInt64}}, [](const Tuple& in, BasicCollector& out) {
         std::this_thread::sleep_for(milliseconds(1));
         out.emit(in.int64(0));
     }).shuffle("posts");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(ran_at_finish->load(), kFew);
}

TEST_P(EnginePosts, PostsToASpoutOfAnInactiveTopologyWaitUntilItIsActive) {
    constexpr std::int64_t kFew = 1'000;
    const auto ran = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto out = std::make_shared<std::optional<SpoutCollector>>();
    t.spout<AnySpout>("posts", kN, silent(address, out));
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("posts");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    run.engine().set_active(false);
    std::this_thread::sleep_for(milliseconds(100));
    for (std::int64_t n = 0; n < kFew; ++n) {
        ASSERT_TRUE(address->context->post([=] {
            (*out)->emit(n);
            if (ran->fetch_add(1) + 1 == kFew) (*out)->finished();
        }));
    }
    std::this_thread::sleep_for(milliseconds(200));

    EXPECT_EQ(ran->load(), 0);
    run.engine().set_active(true);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(ran->load(), kFew);
    EXPECT_EQ(run.of("sink").inputs.at(0).executed, kFew);
}

TEST_P(EnginePosts, WhoWaitsInAPostIsLetGoWhenTheTopologyIsStopped) {
    const auto out = std::make_shared<std::optional<SpoutCollector>>();
    t.spout<AnySpout>("posts", kN, silent(address, out));
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("posts");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    run.engine().set_active(false);
    const auto refused = std::make_shared<std::atomic<bool>>(false);
    std::jthread feeder([posted = posted, address = address, refused] {
        while (address->context->post([] {})) posted->fetch_add(1);
        refused->store(true);
    });
    ASSERT_TRUE(eventually([&] { return posted->load() >= kMailbox; }));
    ASSERT_TRUE(stands_still());
    EXPECT_FALSE(refused->load());

    ASSERT_TRUE(run.stop());

    EXPECT_TRUE(eventually([&] { return refused->load(); }));
}

TEST_P(EnginePosts, WhoWaitsInAPostIsLetGoWhenTheTopologyIsDrained) {
    const auto out = std::make_shared<std::optional<SpoutCollector>>();
    t.spout<AnySpout>("posts", kN, silent(address, out));
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("posts");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    run.engine().set_active(false);
    std::jthread feeder([posted = posted, address = address] {
        while (address->context->post([] {})) posted->fetch_add(1);
    });
    ASSERT_TRUE(eventually([&] { return posted->load() >= kMailbox; }));

    run.engine().drain();

    EXPECT_TRUE(run.finishes());
}

/// Posts as fast as it can from a thread of its own, to a task that never gets to its mailbox; the
/// thread is joined in finish() or in cleanup().
class Poster final : public Bolt {
public:
    enum class Join : std::uint8_t { kInFinish, kInCleanup };
    Poster(Join join, std::shared_ptr<std::atomic<std::int64_t>> posted)
        : join_(join), posted_(std::move(posted)) {}
    void declare_outputs(Outputs&) const override {}
    void prepare(const TaskContext& context, BoltCollector&) override { context_.emplace(context); }
    void execute(const Tuple& in, BoltCollector& out) override {
        out.ack(in);
        if (thread_.joinable()) return;
        thread_ = std::jthread([this](std::stop_token stop) {
            while (!stop.stop_requested()) {
                if (!context_->post([] {})) {
                    refused_ = true;
                    return;
                }
                posted_->fetch_add(1);
            }
        });
        // It fills the mailbox meanwhile.
        while (posted_->load() < kMailbox) std::this_thread::sleep_for(milliseconds(1));
    }
    void finish(BoltCollector&) override {
        while (!refused_) std::this_thread::sleep_for(milliseconds(1));
        if (join_ == Join::kInFinish) thread_ = {};
    }
    void cleanup() override { thread_ = {}; }

private:
    const Join join_;
    const std::shared_ptr<std::atomic<std::int64_t>> posted_;
    std::optional<TaskContext> context_;
    std::atomic<bool> refused_{false};
    std::jthread thread_;
};

TEST_P(EnginePosts, ASpoutWhosePostRunsWhenTheDrainBeginsIsDeactivatedBeforeItEnds) {
    const auto calls = std::make_shared<std::string>();
    SpoutScript script = silent(address, std::make_shared<std::optional<SpoutCollector>>());
    script.deactivate = [calls] { *calls += "deactivate "; };
    script.close = [calls] { *calls += "close "; };
    t.spout<AnySpout>("silent", kN, script);
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("silent");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return address->known.load(); }));
    ASSERT_TRUE(address->context->post([gate = gate] { gate->pass(); }));
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));

    run.engine().drain();
    gate->open();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(*calls, "deactivate close ");
}

TEST_P(EnginePosts, ASpoutInWhoseCallTheDrainBeginsMayPostWhenItIsDeactivated) {
    const auto engine = std::make_shared<std::atomic<worker::Engine*>>(nullptr);
    const auto accepted = std::make_shared<std::atomic<int>>(-1);
    const auto ran = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>(
        "drains", kN,
        SpoutScript{.next =
                        [engine](SpoutCollector&) {
                            if (worker::Engine* const known = engine->load()) known->drain();
                            return Next::kIdle;
                        },
                    .open = [address = address](const TaskContext& context,
                                                SpoutCollector&) { address->set(context); },
                    .deactivate =
                        [=, address = address] {
                            *accepted = address->context->post([ran] { *ran = true; }) ? 1 : 0;
                        }});
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("drains");
    Running run(t, config());

    engine->store(&run.engine());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(accepted->load(), 1);
    EXPECT_TRUE(ran->load());
}

TEST_P(EnginePosts, WhoWaitsInAPostIsLetGoByAFinishThatJoinsIt) {
    t.spout<Numbers>("numbers", 1);
    t.bolt<Poster>("poster", Poster::Join::kInFinish, posted).shuffle("numbers");

    Running run(t, config());

    EXPECT_TRUE(run.finishes());
}

TEST_P(EnginePosts, WhoWaitsInAPostIsLetGoByACleanupThatJoinsIt) {
    t.spout<Numbers>("numbers", 1);
    t.bolt<Poster>("poster", Poster::Join::kInCleanup, posted).shuffle("numbers");

    Running run(t, config());

    EXPECT_TRUE(run.finishes());
}

TEST_P(EnginePosts, ACleanupOfAStoppedTopologyThatJoinsWhoPostsReturns) {
    t.spout<AnySpout>("once", kN, SpoutScript{.next = [sent = false](SpoutCollector& out) mutable {
                          if (sent) return Next::kIdle;
                          sent = true;
                          out.emit(1);
                          return Next::kEmitted;
                      }});
    t.bolt<Poster>("poster", Poster::Join::kInCleanup, posted).shuffle("once");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return posted->load() >= kMailbox; }));

    EXPECT_TRUE(run.stop());
}

TEST_P(EnginePosts, ASpoutWhoseOpenThrowsWithAThreadAtWorkThatPostsIsDestroyed) {
    class Throws final : public Spout {
    public:
        explicit Throws(std::shared_ptr<std::atomic<std::int64_t>> posted)
            : posted_(std::move(posted)) {}
        void declare_outputs(Outputs& outputs) const override { outputs.stream({"n"}); }
        void open(const TaskContext& context, SpoutCollector&) override {
            thread_ = std::jthread([this, context](std::stop_token stop) {
                while (!stop.stop_requested() && context.post([] {})) posted_->fetch_add(1);
            });
            while (posted_->load() < kMailbox) std::this_thread::sleep_for(milliseconds(1));
            throw std::runtime_error("no such file");
        }
        Next next_tuple(SpoutCollector&) override { return Next::kIdle; }

    private:
        const std::shared_ptr<std::atomic<std::int64_t>> posted_;
        std::jthread thread_;  // Joined by the destructor.
    };
    t.spout<Throws>("throws", posted);
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("throws");
    {
        Running run(t, config());
        ASSERT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond),
                  worker::Engine::State::kFailed);
    }
    EXPECT_GE(posted->load(), kMailbox);
}

TEST_P(EnginePosts, PostsFromATaskToAnotherNeverWait) {
    // Two tasks that post to each other more than a mailbox holds, in one call.
    constexpr std::int64_t kEach = 3 * kMailbox;
    struct Pair {
        Address addresses[2];
        std::atomic<std::int64_t> ran{0};
    };
    const auto pair = std::make_shared<Pair>();
    t.spout<Numbers>("numbers", 2);
    class Posts final : public Bolt {
    public:
        explicit Posts(std::shared_ptr<Pair> pair) : pair_(std::move(pair)) {}
        void declare_outputs(Outputs&) const override {}
        void prepare(const TaskContext& context, BoltCollector&) override {
            index_ = context.index();
            pair_->addresses[index_].set(context);
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            for (std::int64_t i = 0; i < kEach; ++i) {
                (void)pair_->addresses[1 - index_].context->post(
                    [pair = pair_] { pair->ran.fetch_add(1); });
            }
            out.ack(in);
        }

    private:
        const std::shared_ptr<Pair> pair_;
        int index_ = 0;
    };
    t.bolt<Posts>("posts", pair).parallelism(2).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
}

TEST_P(EnginePosts, WhatWasPostedToASpoutBeforeItFinishedRuns) {
    constexpr int kReads = 10'000;
    auto executed = std::make_shared<std::atomic<int>>(0);
    auto accepted = std::make_shared<std::atomic<int>>(0);
    struct State {
        std::optional<TaskContext> context;
        std::optional<SpoutCollector> out;
        bool done = false;
    };
    auto s = std::make_shared<State>();
    t.spout<AnySpout>("read", kNText,
                      SpoutScript{.next =
                                      [=](SpoutCollector& out) {
                                          if (!std::exchange(s->done, true)) {
                                              std::thread reader([=] {
                                                  for (int i = 0; i < kReads; ++i) {
                                                      *accepted += s->context->post([s, i] {
                                                          s->out->emit(std::int64_t{i},
                                                                       std::string(1'000, 'x'));
                                                      });
                                                  }
                                              });
                                              reader.join();
                                          }
                                          out.finished();
                                          return Next::kIdle;
                                      },
                                  .open =
                                      [s](const TaskContext& context, SpoutCollector& out) {
                                          s->context = context;
                                          s->out.emplace(out);
                                      }});
    t.bolt_fn("sink", {}, [executed](const Tuple&, BasicCollector&) {
         ++*executed;
     }).shuffle("read");
    Running run(t, config_of(GetParam(), {}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(*accepted, kReads);
    EXPECT_EQ(*executed, kReads);
}

/// Emits what its thread posts, for as long as the topology is active.
struct Reader {
    std::atomic<bool> end{false};
    std::atomic<int> accepted{0};
    std::thread thread;
    std::optional<TaskContext> context;
    std::optional<SpoutCollector> out;
};

SpoutScript reads(const std::shared_ptr<Reader>& r) {
    return {.next = [](SpoutCollector&) { return Next::kIdle; },
            .open =
                [r](const TaskContext& context, SpoutCollector& out) {
                    r->context = context;
                    r->out.emplace(out);
                },
            .activate =
                [r] {
                    r->thread = std::thread([r] {
                        while (!r->end && r->context->post([r] { r->out->emit(std::int64_t{1}); }))
                            ++r->accepted;
                    });
                },
            .deactivate =
                [r] {
                    r->end = true;
                    r->thread.join();
                }};
}

TEST_P(EnginePosts, ADeactivateThatJoinsWhoPostsReturnsAndADrainRunsWhatWasPosted) {
    auto reader = std::make_shared<Reader>();
    auto executed = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("read", kN, reads(reader));
    t.bolt_fn("slow", {}, [executed](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::microseconds(5));
         ++*executed;
     }).shuffle("read");
    Running run(t, config_of(GetParam(), {}));
    ASSERT_TRUE(eventually([&] { return reader->accepted > 2 * kMailbox; }));

    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(*executed, reader->accepted);
}

TEST_P(EnginePosts, AnInputsEndedThatJoinsWhoPostsReturns) {
    struct Pool {
        std::deque<Kept> todo;
        std::optional<TaskContext> context;
        std::optional<BoltCollector> out;
    };
    auto p = std::make_shared<Pool>();
    auto outcomes = std::make_shared<Outcomes>();
    t.spout<Numbers>("numbers", 2 * kMailbox, outcomes);
    t.bolt<AnyBolt>(
         "async", kNoStreams,
         BoltScript{.execute = [p](const Tuple& in,
                                   BoltCollector& out) { p->todo.push_back(out.keep(in)); },
                    .prepare =
                        [p](const TaskContext& context, BoltCollector& out) {
                            p->context = context;
                            p->out.emplace(out);
                        },
                    .inputs_ended =
                        [p](BoltCollector&) {
                            std::thread writer([p] {
                                for (Kept& each : p->todo) {
                                    auto kept = std::make_shared<Kept>(std::move(each));
                                    p->context->post([p, kept] { p->out->ack(std::move(*kept)); });
                                }
                            });
                            writer.join();
                            p->todo.clear();
                        }})
        .shuffle("numbers");
    Running run(t, config_of(GetParam(), {}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 2 * kMailbox);
}

TEST_P(EnginePosts, ABoltWhosePrepareThrowsWithAThreadAtWorkThatPostsIsDestroyed) {
    struct Bad final : Bolt {
        ~Bad() override {
            if (thread.joinable()) thread.join();
        }
        void prepare(const TaskContext& context, BoltCollector&) override {
            thread = std::thread([context] {
                for (int i = 0; i < 2 * kMailbox; ++i) context.post([] {});
            });
            throw std::runtime_error("no database");
        }
        void execute(const Tuple&, BoltCollector&) override {}
        std::thread thread;
    };
    t.spout<Numbers>("numbers", 1);
    t.bolt<Bad>("bad").shuffle("numbers");
    {
        Running run(t, config_of(GetParam(), {}));
        run.finishes();
        EXPECT_EQ(run.engine().wait(0), worker::Engine::State::kFailed);
    }
}

// Else its posts to the next engine would know no bound.
TEST(EnginePostsOfItsOwner, WhoStopsAnEngineIsNotTakenForOneOfItsThreads) {
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1);
    Running run(t, config_of({1, false}, {}));
    ASSERT_TRUE(run.finishes());

    EXPECT_TRUE(run.stop());

    EXPECT_FALSE(worker::this_thread_runs_executors);
}

}  // namespace
}  // namespace storm::testing
