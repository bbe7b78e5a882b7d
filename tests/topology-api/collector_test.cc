// Collectors before an emitter that only notes: which stream, which anchors, which refusals. The
// components are much like those in the comments of the public headers.
#include <cctype>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <storm/collector.h>
#include <storm/storm.h>

#include "tests/topology-api/fake_emitter.h"

// ---- Like the examples of spout.h, bolt.h, grouping.h and value.h -------------------------------

class Numbers final : public storm::Spout {
public:
    explicit Numbers(std::uint64_t limit) : limit_(limit) {}
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"number", storm::Kind::kInt64}});
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        if (failed_.empty() && next_ == limit_) {
            if (pending_ == 0) out.finished();
            return storm::Next::kIdle;
        }
        std::uint64_t number = next_;
        if (failed_.empty()) {
            ++next_;
        } else {
            number = failed_.back();
            failed_.pop_back();
        }
        ++pending_;
        out.emit_tracked(number, number);
        return storm::Next::kEmitted;
    }
    void ack(storm::MessageId) override { --pending_; }
    void fail(storm::MessageId id, storm::FailReason) override {
        --pending_;
        failed_.push_back(id);
    }

private:
    const std::uint64_t limit_;
    std::uint64_t next_ = 0, pending_ = 0;
    std::vector<std::uint64_t> failed_;
};

class Pairs final : public storm::Bolt {  // Joins two tuples each.
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"first", "second"});
    }
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
        if (!first_) {
            first_ = out.keep(input);
            return;
        }
        const storm::Tuple* const both[] = {&first_.tuple(), &input};
        out.emit(both, first_.tuple().string(0), input.string(0));
        out.ack(std::move(first_));
        out.ack(input);
    }
    storm::Kept first_;
};

class Even final : public storm::Grouping {
    void prepare(const storm::TaskContext&, std::span<const storm::TaskId> targets) override {
        targets_.assign(targets.begin(), targets.end());
    }
    void choose(const storm::Tuple& tuple, std::vector<storm::TaskId>& chosen) override {
        chosen.push_back(tuple.int64(0) % 2 == 0 ? targets_.front() : targets_.back());
    }
    std::vector<storm::TaskId> targets_;
};

namespace shop {

struct Sale {
    std::string place;
    std::int64_t cents = 0;
};
storm::Value to_value(const Sale& sale) {
    return storm::Value::List{sale.place, sale.cents};
}

enum class Colour : std::uint8_t { kRed = 3 };
std::int64_t to_value(Colour colour) {
    return static_cast<std::int64_t>(colour);
}

struct Name {
    std::string first, last;
    operator std::string_view() const { return first; }  // NOLINT(google-explicit-constructor)
};
std::string to_value(const Name& name) {
    return name.first + ' ' + name.last + ", a text that no small string holds in itself";
}

}  // namespace shop

namespace storm {
namespace {

class FakeSite final : public detail::TaskSite {
public:
    TaskId task() const override { return 3; }
    std::string_view component() const override { return "count"; }
    int index() const override { return 0; }
    std::vector<TaskId> tasks_of(std::string_view) const override { return {3, 4}; }
    const Config& config() const override { return config_; }
    Counter& counter(std::string_view) override { return counter_; }
    void set_status(std::string) override {}
    void log(int, std::string_view) override {}
    bool post(std::unique_ptr<detail::Posted> posted) override {
        posted->run();
        return true;
    }

private:
    Config config_;
    Counter counter_;
};

class CollectorTest : public testing::Test {
protected:
    CollectorTest() {
        emitter_.declare("default", {{"number", Kind::kInt64}});
        emitter_.declare("words", {"word", {"count", Kind::kInt64}});
        emitter_.declare("all", {{"b", Kind::kBool},
                                 {"i", Kind::kInt64},
                                 {"d", Kind::kDouble},
                                 {"s", Kind::kString},
                                 {"y", Kind::kBytes},
                                 {"l", Kind::kList},
                                 {"m", Kind::kMap}});
        emitter_.declare("signal", {});
    }
    FakeEmitter::Emitted& last() { return emitter_.emitted.back(); }

    FakeEmitter emitter_;
    SpoutCollector spout_{emitter_, nullptr};
    BoltCollector bolt_{emitter_, nullptr};
};

TEST_F(CollectorTest, ExampleSpoutEmitsAgainWhatFailedAndFinishesWhenNothingIsPending) {
    Numbers numbers(2);
    EXPECT_EQ(numbers.next_tuple(spout_), Next::kEmitted);
    EXPECT_EQ(numbers.next_tuple(spout_), Next::kEmitted);
    numbers.ack(0);
    numbers.fail(1, FailReason::kTimedOut);
    EXPECT_EQ(numbers.next_tuple(spout_), Next::kEmitted);
    EXPECT_EQ(last().id, 1u);
    EXPECT_EQ(numbers.next_tuple(spout_), Next::kIdle);
    EXPECT_EQ(emitter_.finished_calls, 0);

    numbers.ack(1);
    EXPECT_EQ(numbers.next_tuple(spout_), Next::kIdle);
    EXPECT_EQ(emitter_.finished_calls, 1);
}

TEST_F(CollectorTest, TrackedEmitHasRoomForOneAnchorUnlessTrackingIsOff) {
    spout_.emit_tracked(9, 1);
    EXPECT_EQ(detail::row_anchor_count(last().row.data()), 1u);
    spout_.emit(1);
    EXPECT_EQ(detail::row_anchor_count(last().row.data()), 0u);

    emitter_.turn_tracking_off();
    spout_.emit_tracked(9, 1);
    EXPECT_EQ(detail::row_anchor_count(last().row.data()), 0u);
}

TEST_F(CollectorTest, AnchoredEmitHasTheAnchorsOfItsInput) {
    const detail::StreamSchema schema = emitter_.schema("default");
    spout_.emit_tracked(9, 1);
    const FakeEmitter::Emitted tracked = last();
    spout_.emit(1);
    const FakeEmitter::Emitted untracked = last();
    const Tuple with_root = tracked.tuple(schema), without = untracked.tuple(schema);

    bolt_.emit(with_root, 2);
    EXPECT_EQ(last().anchors, 1u);
    bolt_.emit(without, 2);
    EXPECT_EQ(last().anchors, 0u);
    const Tuple* const both[] = {&with_root, &without};
    bolt_.emit(both, 2);
    EXPECT_EQ(detail::row_anchor_count(last().row.data()), 2u);
    bolt_.emit_unanchored(2);
    EXPECT_EQ(detail::row_anchor_count(last().row.data()), 0u);
    BasicCollector(emitter_, &with_root, nullptr).emit(2);
    EXPECT_EQ(last().anchors, 1u);
    BasicCollector(emitter_, nullptr, nullptr).emit(2);
    EXPECT_EQ(last().anchors, 0u);
}

TEST_F(CollectorTest, OnAndToChangeStreamAndTask) {
    spout_.on("words").to(5).emit("storm", 1);
    EXPECT_EQ(last().stream, "words");
    EXPECT_EQ(last().direct, 5);

    bolt_.to(6).on("words").emit_unanchored("storm", 1);
    EXPECT_EQ(last().stream, "words");
    EXPECT_EQ(last().direct, 6);

    spout_.emit(1);
    EXPECT_EQ(last().stream, "default");
    EXPECT_EQ(last().direct, detail::kNoTask);
}

TEST_F(CollectorTest, NumberOfValuesHasToBeThatOfTheFields) {
    EXPECT_THROW(spout_.emit(), EmitError);
    EXPECT_THROW(spout_.emit(1, 2), EmitError);
    EXPECT_NO_THROW(spout_.on("signal").emit());
}

TEST_F(CollectorTest, KindsHaveToBeThoseOfTheFields) {
    const std::vector<std::byte> bytes(3);
    SpoutCollector all = spout_.on("all");

    all.emit(true, 1, 0.5, "s", std::span<const std::byte>(bytes), Value(Value::List{}),
             Value(Value::Map{}));
    all.emit(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, Value());
    EXPECT_EQ(emitter_.emitted.size(), 2u);
    EXPECT_THROW(spout_.emit("text"), EmitError);
    EXPECT_THROW(spout_.emit(0.5), EmitError);
    EXPECT_THROW(spout_.emit(~std::uint64_t{0}), EmitError);
    EXPECT_THROW(spout_.emit(Value("text")), EmitError);
    EXPECT_NO_THROW(spout_.emit(Value(5)));
}

TEST_F(CollectorTest, ATypeWithAToValueIsEmittedAsWhatThatReturns) {
    emitter_.declare("sales", {{"sale", Kind::kList}, {"colour", Kind::kInt64}, "by"});
    SpoutCollector sales = spout_.on("sales");
    const detail::StreamSchema schema = emitter_.schema("sales");

    sales.emit(shop::Sale{"Kiel", 250}, shop::Colour::kRed, shop::Name{"Ann", "Lee"});
    EXPECT_EQ(last().tuple(schema).value("sale"), Value(Value::List{"Kiel", 250}));
    EXPECT_EQ(last().tuple(schema).int64("colour"), 3);
    EXPECT_EQ(last().tuple(schema).string("by"),
              "Ann Lee, a text that no small string holds in itself");
    EXPECT_THROW(sales.emit(shop::Colour::kRed, 3, "x"), EmitError);  // Not the kind declared.
}

TEST_F(CollectorTest, TupleOverTheLimitIsRefused) {
    emitter_.limit_tuple_bytes(1024);

    EXPECT_THROW(spout_.on("words").emit(std::string(1024, 'x'), 1), EmitError);
    EXPECT_NO_THROW(spout_.on("words").emit(std::string(512, 'x'), 1));
}

TEST_F(CollectorTest, ValuesNestedTooDeepLeaveNothingBehind) {
    Value deep = 1;
    for (std::size_t i = 0; i <= detail::kNestingMax; ++i) deep = Value(Value::List{deep});

    EXPECT_THROW(spout_.on("words").emit(deep, 1), EmitError);
    EXPECT_TRUE(emitter_.emitted.empty());
}

TEST_F(CollectorTest, ExampleGroupingChoosesByItsNumber) {
    Even even;
    Grouping& grouping = even;
    grouping.prepare(TaskContext(std::make_shared<FakeSite>()), std::vector<TaskId>{3, 4});
    const detail::StreamSchema schema = emitter_.schema("default");
    std::vector<TaskId> chosen;

    spout_.emit(8);
    grouping.choose(last().tuple(schema), chosen);
    spout_.emit(9);
    grouping.choose(last().tuple(schema), chosen);

    EXPECT_EQ(chosen, (std::vector<TaskId>{3, 4}));
}

TEST_F(CollectorTest, ExampleBoltKeepsTheFirstOfTwo) {
    TopologyBuilder builder;
    builder.spout<Numbers>("numbers", std::uint64_t{5});
    builder.bolt<Pairs>("pairs").shuffle("numbers");

    EXPECT_EQ(builder.build().component("pairs")->outputs.at(0).fields.size(), 2u);
}

TEST(TaskContext, PostTakesWhatCanOnlyBeMoved) {
    const TaskContext context(std::make_shared<FakeSite>());
    auto number = std::make_unique<int>(5);
    int seen = 0;

    EXPECT_TRUE(context.post([number = std::move(number), &seen] { seen = *number; }));
    EXPECT_EQ(seen, 5);
    context.counter("lines").add(2);
    EXPECT_EQ(context.counter("lines").value(), 2u);
}

TEST(FailReason, HasAName) {
    EXPECT_EQ(to_string(FailReason::kBoltFailed), "bolt_failed");
    EXPECT_EQ(to_string(FailReason::kOverflow), "overflow");
}

}  // namespace

// The engine has these; no test here keeps a tuple.
void detail::release_kept(KeptTuple* /*kept*/) {}
const Tuple& Kept::tuple() const {
    throw std::logic_error("nothing is kept in this test");
}

}  // namespace storm
