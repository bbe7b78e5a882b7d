// Goal:   what a user should know is said: with its component, once, and not more than need be.
// Method: small topologies run in this process; what they write to stderr is read.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const Streams kN = default_stream({{"n", Kind::kInt64}});
constexpr Threads kOneLoop{1, false};

void swallow(const Tuple&, BasicCollector&) {}

int times(const std::string& text, const std::string& part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST(Notices, AnInputThatABoltForgetsIsAnErrorOfThatBolt) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 3, outcomes);
    t.bolt<AnyBolt>("forgetful", Streams(), BoltScript{[](const Tuple&, BoltCollector&) {}})
        .shuffle("numbers");

    ::testing::internal::CaptureStderr();
    worker::ComponentSnapshot forgetful;
    {
        Running run(t, config_of(kOneLoop));
        EXPECT_TRUE(run.finishes());
        forgetful = run.of("forgetful");
    }
    const std::string log = ::testing::internal::GetCapturedStderr();

    EXPECT_EQ(forgetful.errors, 3U);
    const std::string text =
        "execute() neither acked, failed nor kept a tuple of stream \"default\" of \"numbers\": "
        "it fails as forgotten; end execute() by out.ack(input), or derive from BasicBolt, which "
        "acks "
        "by itself";
    ASSERT_THAT(forgetful.last_errors, SizeIs(1));
    EXPECT_EQ(forgetful.last_errors[0], (cluster::ReportedError{text, 3, 1}));
    EXPECT_EQ(times(log, text + " component=forgetful task=1"), 1) << log;
}

TEST(Notices, AKeptThatABoltDestroysIsAnErrorOfThatBolt) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 3, outcomes);
    t.bolt<AnyBolt>("careless", Streams(), BoltScript{[](const Tuple& in, BoltCollector& out) {
                        static_cast<void>(out.keep(in));
                    }})
        .shuffle("numbers");

    Running run(t, config_of(kOneLoop));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), 3);
    EXPECT_EQ(run.of("careless").errors, 3U);
    EXPECT_THAT(run.errors_of("careless"),
                ElementsAre(HasSubstr("a Kept of a tuple of stream \"default\" of \"numbers\" "
                                      "was destroyed")));
}

TEST(Notices, OfErrorsThatDifferTheLastTenAreKeptAndEqualOnesAreCounted) {
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 24, std::make_shared<Outcomes>());
    t.bolt_fn("throws", {}, [](const Tuple& in, BasicCollector&) {
         throw std::out_of_range(std::to_string(in.int64(0) / 2));
     }).shuffle("numbers");

    Running run(t, config_of(kOneLoop));

    ASSERT_TRUE(run.finishes());
    const auto errors = run.of("throws").last_errors;
    ASSERT_THAT(errors, SizeIs(10));
    for (std::size_t i = 0; i < errors.size(); ++i) {
        EXPECT_EQ(errors[i].text,
                  "execute of a tuple of stream \"default\" of \"numbers\": std::out_of_range: " +
                      std::to_string(2 + i));
        EXPECT_EQ(errors[i].count, 2U);
    }
}

TEST(Notices, WhatABoltKeepsIsCounted) {
    SpoutScript seven{[n = std::int64_t{0}](SpoutCollector& out) mutable {
        if (n == 7) return Next::kIdle;
        out.emit(n++);
        return Next::kEmitted;
    }};
    const auto kept = std::make_shared<std::vector<Kept>>();
    TopologyBuilder t;
    t.spout<AnySpout>("numbers", kN, seven);
    t.bolt<AnyBolt>("keeper", Streams(), BoltScript{[kept](const Tuple& in, BoltCollector& out) {
                        if (in.int64(0) < 6) return kept->push_back(out.keep(in));
                        out.ack(std::move(kept->front()));
                        out.ack(in);
                    }})
        .shuffle("numbers");

    Running run(t, config_of(kOneLoop));

    EXPECT_TRUE(eventually([&] { return run.of("keeper").inputs.front().acked == 2; }));
    EXPECT_EQ(run.of("keeper").kept, 5U);
}

TEST(Notices, WhatABoltHasExecutedIsCountedWhileItHangsInTheNextTuple) {
    const auto go = std::make_shared<std::atomic<bool>>(false);
    const auto waits = std::make_shared<std::atomic<bool>>(false);
    SpoutScript in_one_batch{[](SpoutCollector& out) {
        for (std::int64_t n = 0; n < 200; ++n) out.emit(n);
        out.finished();
        return Next::kEmitted;
    }};
    TopologyBuilder t;
    t.spout<AnySpout>("numbers", kN, in_one_batch);
    t.bolt<AnyBasicBolt>("hangs", Streams(),
                         BasicScript{.execute =
                                         [go, waits](const Tuple& in, BasicCollector&) {
                                             if (in.int64(0) != 150) return;
                                             waits->store(true);
                                             go->wait(false);
                                         }})
        .global("numbers");

    Running run(t, config_of(kOneLoop));

    ASSERT_TRUE(eventually([&] { return waits->load(); }));
    EXPECT_EQ(run.of("hangs").inputs.front().executed, 150U);
    EXPECT_EQ(run.of("hangs").inputs.front().acked, 150U);
    go->store(true);
    go->notify_all();
    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.of("hangs").inputs.front().executed, 200U);
}

TEST(Notices, TopologyDebugLogsEveryEmit) {
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 3);
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");
    ::testing::internal::CaptureStderr();
    {
        Running run(t, config_of(kOneLoop, {{"topology.debug", "true"}}));
        EXPECT_TRUE(run.finishes());
    }
    const std::string log = ::testing::internal::GetCapturedStderr();

    for (const char* const tuple : {"n: 0", "n: 1", "n: 2"}) {
        EXPECT_THAT(log, HasSubstr("emitted component=numbers task=1 stream=default tuple=\"" +
                                   std::string(tuple) + '"'));
    }
}

TEST(Notices, TopologyDebugShowsNoSecretsAndCutsWhatIsLong) {
    SpoutScript once{[](SpoutCollector& out) {
        out.emit("hunter1", "mongodb://me:hunter2@host/db",
                 Value::Map{{"api_key", "hunter3"}, {"name", "ann"}}, "hunter4",
                 std::string(100'000, 'x'));
        out.finished();
        return Next::kEmitted;
    }};
    TopologyBuilder t;
    const Streams fields = default_stream({{"password"}, {"home"}, {"map"}, {"pin"}, {"text"}});
    t.spout<AnySpout>("people", fields, once);
    t.bolt_fn("sink", {}, swallow).shuffle("people");
    ::testing::internal::CaptureStderr();
    {
        Running run(t, config_of(kOneLoop, {{"topology.debug", "true"},
                                            {"topology.secret.settings", "pin,other"}}));
        EXPECT_TRUE(run.finishes());
    }
    const std::string log = ::testing::internal::GetCapturedStderr();

    EXPECT_THAT(log, HasSubstr("password: <secret>, home: <secret>, "
                               "map: {\\\"api_key\\\": <secret>, "
                               "\\\"name\\\": \\\"ann\\\"}, pin: <secret>, text: \\\"xxx"));
    EXPECT_THAT(log, Not(HasSubstr("hunter")));
    EXPECT_LT(log.size(), 2'000U);
}

TEST(Notices, TicksForAllReachOnlyBoltsThatAsk) {
    struct Seen {
        std::atomic<int> ticks{0};
        std::atomic<int> own{0};
        std::atomic<int> unasked{0};
    };
    const auto seen = std::make_shared<Seen>();
    const auto into = [](std::shared_ptr<Seen> all, std::atomic<int> Seen::*count) {
        return [all = std::move(all), count](const Tuple& in, BasicCollector&) {
            if (in.is_tick()) ((*all).*count).fetch_add(1);
        };
    };
    SpoutScript silent{[](SpoutCollector&) { return Next::kIdle; }};
    TopologyBuilder t;
    t.spout<AnySpout>("silent", kN, silent);
    t.bolt_fn("asks", {}, into(seen, &Seen::ticks)).shuffle("silent").tick();
    t.bolt_fn("sets", {}, into(seen, &Seen::own))
        .shuffle("silent")
        .set("topology.tick.tuple.freq.secs", "1");
    t.bolt_fn("basic", {}, into(seen, &Seen::unasked)).shuffle("silent");
    t.bolt<AnyBolt>("rich", Streams(), BoltScript{[seen](const Tuple&, BoltCollector&) {
                        seen->unasked.fetch_add(1);
                    }})
        .shuffle("silent");

    Running run(t, config_of(kOneLoop, {{"topology.tick.tuple.freq.secs", "1"}}));

    EXPECT_TRUE(eventually([&] { return seen->ticks.load() >= 2 && seen->own.load() >= 2; }));
    EXPECT_EQ(seen->unasked.load(), 0);
}

#ifdef STORM_CHECK_CALLERS
TEST(NoticesDeathTest, AnEmitFromAForeignThreadEndsTheProcessAndNamesTheTask) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto run_and_emit = [] {
        SpoutScript script{[](SpoutCollector&) { return Next::kIdle; }};
        script.open = [](const TaskContext&, SpoutCollector& out) {
            std::thread([&out] {
                std::this_thread::sleep_for(milliseconds(50));
                out.emit(std::int64_t{1});
            }).detach();
        };
        TopologyBuilder t;
        t.spout<AnySpout>("numbers", kN, script);
        t.bolt_fn("sink", {}, swallow).shuffle("numbers");
        Running run(t, config_of(kOneLoop));
        run.finishes();
    };

    EXPECT_DEATH(run_and_emit(),
                 "a thread that does not run task 1 of \"numbers\" emits, acks or fails for it");
}
#endif

}  // namespace
}  // namespace storm::testing
