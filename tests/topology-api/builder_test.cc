// Each mistake that build() knows has a topology here that makes it, and no other mistake with it.
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>
#include <storm/topology_builder.h>

#include "topology-api/src/mistakes.h"

namespace storm {
namespace {

using testing::HasSubstr;
using Streams = std::vector<StreamDeclaration>;

class Source final : public Spout {
public:
    explicit Source(Streams streams) : streams_(std::move(streams)) {}
    void declare_outputs(Outputs& outputs) const override {
        for (const StreamDeclaration& each : streams_)
            outputs.stream(each.name, each.fields, each.direct);
    }
    Next next_tuple(SpoutCollector& /*out*/) override { return Next::kIdle; }

private:
    Streams streams_;
};

class Step final : public Bolt {
public:
    explicit Step(Streams streams) : streams_(std::move(streams)) {}
    void declare_outputs(Outputs& outputs) const override {
        for (const StreamDeclaration& each : streams_)
            outputs.stream(each.name, each.fields, each.direct);
    }
    void execute(const Tuple& /*input*/, BoltCollector& /*out*/) override {}

private:
    Streams streams_;
};

class Sink final : public BasicBolt {
public:
    void execute(const Tuple& /*input*/, BasicCollector& /*out*/) override {}
};

class ThrowingSpout final : public Spout {
public:
    ThrowingSpout() { throw std::runtime_error("no such file"); }
    void declare_outputs(Outputs& /*outputs*/) const override {}
    Next next_tuple(SpoutCollector& /*out*/) override { return Next::kIdle; }
};

class SpoutThatThrowsWhenAsked final : public Spout {
public:
    void declare_outputs(Outputs& /*outputs*/) const override {
        throw std::runtime_error("not open");
    }
    Next next_tuple(SpoutCollector& /*out*/) override { return Next::kIdle; }
};

const Streams kWords = {{"default", {"word", {"count", Kind::kInt64}}, false}};

std::string mistakes_of(TopologyBuilder& builder) {
    try {
        (void)builder.build();
    } catch (const TopologyError& error) {
        return error.what();
    }
    return "none";
}

std::string mistake(const std::string& code, const std::string& what, const std::string& hint) {
    return "error[" + code + "]: " + what + "\n  hint: " + hint;
}

const std::string kIdHint =
    "ids are file names and arguments: begin with a letter, a digit or \"_\", and use only these, "
    "\".\" and \"-\"";

/// Adds a spout "lines" that emits (word, count), unless the mistake is about it.
class BuilderTest : public testing::Test {
protected:
    BuilderTest() : lines_(t_.spout<Source>("lines", kWords)) {}

    TopologyBuilder t_;
    SpoutDeclarer& lines_;
};

TEST_F(BuilderTest, BuildsWhatWasDeclared) {
    lines_.parallelism(2).tasks(4).blocking().set("topology.max.spout.pending", "9");
    t_.bolt<Step>("split", kWords).parallelism(3).shuffle("lines").tick(Milliseconds(20));
    t_.bolt<Sink>("count").fields("split", {"word"}).all("lines").global("split").none("split");
    t_.bolt_fn("print", {}, [](const Tuple&, BasicCollector&) {}).local_or_shuffle("split");
    t_.bolt_fn("upper", {"word"}, [](const Tuple&, BasicCollector&) {
      }).partial_key("split", {"word", "count"});

    const Topology topology = t_.build();

    EXPECT_EQ(topology.components().size(), 5u);
    const Component& lines = *topology.component("lines");
    EXPECT_TRUE(lines.is_spout());
    EXPECT_TRUE(lines.blocking);
    EXPECT_EQ(lines.parallelism, 2);
    EXPECT_EQ(lines.tasks, 4);
    EXPECT_EQ(lines.output("default")->fields.at(1), Field("count", Kind::kInt64));
    EXPECT_EQ(lines.output("other"), nullptr);
    EXPECT_EQ(topology.component("split")->tick, Milliseconds(20));
    EXPECT_EQ(topology.component("count")->inputs.at(0).grouping, GroupingKind::kFields);
    EXPECT_TRUE(topology.component("print")->outputs.empty());
    EXPECT_EQ(topology.component("upper")->outputs.at(0).fields.size(), 1u);
    EXPECT_EQ(topology.component("other"), nullptr);
}

TEST_F(BuilderTest, BuildsTwiceTheSame) {
    EXPECT_EQ(t_.build().component("lines")->outputs.size(), 1u);
    EXPECT_EQ(t_.build().component("lines")->outputs.size(), 1u);
}

TEST_F(BuilderTest, ComponentsMayBeNamedBeforeTheyAreDeclaredAndInCycles) {
    t_.bolt<Sink>("count").shuffle("split");
    t_.bolt<Step>("split", kWords).shuffle("lines").shuffle("split");

    EXPECT_EQ(mistakes_of(t_), "none");
}

TEST_F(BuilderTest, EveryMistakeIsToldAtOnce) {
    t_.bolt<Sink>("count").parallelism(0).shuffle("split");
    t_.bolt<Sink>("print");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0105", "bolt \"count\" has parallelism 0", "give it 1 to 10000 executors") +
                  "\n" +
                  mistake("E0107", "bolt \"count\" subscribes to unknown component \"split\"",
                          "the others are \"lines\", \"print\"") +
                  "\n" +
                  mistake("E0118", "bolt \"print\" subscribes to nothing",
                          "say where its tuples come from, as in shuffle(\"source\")"));
}

TEST(Builder, E0101TopologyHasNoSpout) {
    TopologyBuilder t;

    EXPECT_EQ(mistakes_of(t), mistake("E0101", "the topology has no spout",
                                      "tuples come from spouts: add one with spout<T>(\"id\", …)"));
}

TEST_F(BuilderTest, E0102IdIsEmpty) {
    t_.bolt<Sink>("").shuffle("lines");

    EXPECT_EQ(mistakes_of(t_), mistake("E0102", "a bolt has an empty id", "name it"));
}

TEST_F(BuilderTest, E0103IdIsTaken) {
    t_.bolt<Sink>("lines").shuffle("lines");

    EXPECT_EQ(mistakes_of(t_), mistake("E0103", "bolt \"lines\" has the id of another component",
                                       "give each spout and bolt an id of its own"));
}

TEST_F(BuilderTest, E0104IdIsMalformed) {
    t_.bolt<Sink>("__acker").shuffle("lines");
    t_.bolt<Sink>("a/b").shuffle("lines");
    t_.bolt<Sink>(".hidden").shuffle("lines");
    t_.bolt<Sink>("A-z_0.9").shuffle("lines");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0104", "bolt \"__acker\" has an id that starts with \"__\"",
                      "such ids are the system's own; leave the underscores out") +
                  "\n" +
                  mistake("E0104",
                          "bolt \"a/b\" has an id that has other characters than letters, "
                          "digits, \"_\", \".\" and \"-\"",
                          kIdHint) +
                  "\n" +
                  mistake("E0104", "bolt \".hidden\" has an id that begins with \".\"", kIdHint));
}

TEST_F(BuilderTest, E0104IdIsTooLong) {
    const std::string longest(255, 'x');
    t_.bolt<Sink>(longest).shuffle("lines");
    t_.bolt<Sink>(longest + "y").shuffle("lines");

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0104", "bolt \"" + longest + "y\" has an id that has 256 bytes; at most 255 fit",
                kIdHint));
}

TEST_F(BuilderTest, E0105ParallelismIsOutOfItsRange) {
    lines_.parallelism(10'001);

    EXPECT_EQ(mistakes_of(t_), mistake("E0105", "spout \"lines\" has parallelism 10001",
                                       "give it 1 to 10000 executors"));
}

TEST_F(BuilderTest, E0106TasksAreFewerThanExecutors) {
    lines_.parallelism(3).tasks(2);

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0106", "spout \"lines\" has 2 tasks for 3 executors",
                      "each executor runs one task or more; raise tasks() or lower parallelism()"));
    lines_.parallelism(1).tasks(0);
    EXPECT_THAT(mistakes_of(t_), HasSubstr("E0106"));
}

TEST_F(BuilderTest, E0107SourceIsUnknown) {
    t_.bolt<Step>("splitter", kWords).shuffle("lines");
    t_.bolt<Sink>("count").shuffle("split");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0107", "bolt \"count\" subscribes to unknown component \"split\"",
                      "did you mean \"splitter\"?"));
}

TEST_F(BuilderTest, E0108StreamIsUnknown) {
    t_.bolt<Sink>("count").shuffle("lines", "defualt").shuffle("lines", "late");

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0108", "bolt \"count\" subscribes to unknown stream \"defualt\" of \"lines\"",
                "did you mean \"default\"?") +
            "\n" +
            mistake("E0108", "bolt \"count\" subscribes to unknown stream \"late\" of \"lines\"",
                    "it declares \"default\""));
}

TEST_F(BuilderTest, E0109SourceHasNoOutputs) {
    t_.bolt<Sink>("print").shuffle("lines");
    t_.bolt<Sink>("count").shuffle("print");

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0109", "bolt \"count\" subscribes to bolt \"print\", which declares no outputs",
                "declare what it emits in its declare_outputs()"));
}

TEST_F(BuilderTest, E0110TickIsNotBetweenZeroAndAYear) {
    t_.bolt<Sink>("count").shuffle("lines").tick(Milliseconds(0));
    t_.bolt<Sink>("print").shuffle("lines").tick(Milliseconds::max());
    t_.bolt<Sink>("rare").shuffle("lines").tick(std::chrono::hours(365 * 24));

    const std::string hint = "give a time above 0, at most a year, or leave tick() out";
    EXPECT_EQ(mistakes_of(t_),
              mistake("E0110", "bolt \"count\" ticks every 0 ms", hint) + "\n" +
                  mistake("E0110", "bolt \"print\" ticks every 9223372036854775807 ms", hint));
}

TEST_F(BuilderTest, E0111GroupingHasNoField) {
    t_.bolt<Sink>("count").partial_key("lines", {});

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0111", "bolt \"count\" groups stream \"default\" of \"lines\" by no field",
                      "name at least one, as in partial_key(\"lines\", {\"key\"})"));
}

TEST_F(BuilderTest, E0112GroupingFieldIsUnknown) {
    t_.bolt<Sink>("count").fields("lines", {"wrod"}).partial_key("lines", {"size"});

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0112",
                "bolt \"count\" groups stream \"default\" of \"lines\" by unknown field \"wrod\"",
                "did you mean \"word\"?") +
            "\n" +
            mistake(
                "E0112",
                "bolt \"count\" groups stream \"default\" of \"lines\" by unknown field \"size\"",
                "it has \"word\", \"count\""));
}

TEST_F(BuilderTest, E0113GroupingFieldIsNamedTwice) {
    t_.bolt<Sink>("count").fields("lines", {"word", "word"});

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0113",
                "bolt \"count\" groups stream \"default\" of \"lines\" twice by field \"word\"",
                "name it once"));
}

TEST_F(BuilderTest, E0114DirectGroupingNeedsADirectStream) {
    t_.bolt<Sink>("count").direct("lines");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0114",
                      "bolt \"count\" subscribes with direct to stream \"default\" of \"lines\", "
                      "which is not direct",
                      "declare it so: outputs.stream(\"default\", {…}, true)"));
}

TEST_F(BuilderTest, E0115DirectStreamNeedsADirectGrouping) {
    t_.spout<Source>("orders", Streams{{"to", {"order"}, true}});
    t_.bolt<Sink>("right").direct("orders", "to");
    t_.bolt<Sink>("wrong").local_or_shuffle("orders", "to");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0115",
                      "bolt \"wrong\" subscribes with local_or_shuffle to stream \"to\" of "
                      "\"orders\", which is direct",
                      "subscribe with direct(), or declare the stream without `true`"));
}

TEST_F(BuilderTest, E0116CustomGroupingIsMissing) {
    t_.bolt<Sink>("count").custom("lines", nullptr);

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0116", "bolt \"count\" gives no grouping to custom() for \"lines\"",
                "pass a function that makes one: [] { return std::make_unique<MyGrouping>(); }"));
}

TEST_F(BuilderTest, E0117SubscriptionIsThereTwice) {
    const auto make = [] { return std::unique_ptr<Grouping>(); };
    t_.bolt<Sink>("count").shuffle("lines").shuffle("lines");
    t_.bolt<Sink>("fine").fields("lines", {"word"}).fields("lines", {"count"}).shuffle("lines");
    t_.bolt<Sink>("own").custom("lines", make).custom("lines", make);

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0117",
                "bolt \"count\" subscribes twice with shuffle to stream \"default\" of \"lines\"",
                "remove one: each tuple would come twice"));
}

TEST_F(BuilderTest, E0118BoltHasNoInput) {
    t_.bolt<Step>("split", kWords);
    t_.bolt<Sink>("count").shuffle("split");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0118", "bolt \"split\" subscribes to nothing",
                      "say where its tuples come from, as in shuffle(\"source\")"));
}

TEST_F(BuilderTest, E0119CycleWithoutASource) {
    t_.bolt<Step>("a", kWords).shuffle("b");
    t_.bolt<Step>("b", kWords).shuffle("a");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0119", "no spout reaches bolt \"a\"",
                      "it hears only from \"b\"; subscribe it or one of these to a spout") +
                  "\n" +
                  mistake("E0119", "no spout reaches bolt \"b\"",
                          "it hears only from \"a\"; subscribe it or one of these to a spout"));
}

TEST_F(BuilderTest, E0120StreamIsDeclaredTwice) {
    t_.spout<Source>("orders", Streams{{"a", {"x"}}, {"a", {"y"}}});

    EXPECT_EQ(mistakes_of(t_), mistake("E0120", "spout \"orders\" declares stream \"a\" twice",
                                       "declare it once, with all of its fields"));
}

TEST_F(BuilderTest, E0121FieldIsDeclaredTwice) {
    t_.spout<Source>("orders", Streams{{"a", {"x", "y", "x"}}});

    EXPECT_EQ(mistakes_of(t_), mistake("E0121", "stream \"a\" of \"orders\" has field \"x\" twice",
                                       "give each field a name of its own"));
}

TEST_F(BuilderTest, E0122StreamHasTooManyFields) {
    std::vector<Field> fields;
    for (int i = 0; i <= 1024; ++i) fields.emplace_back(std::to_string(i));
    t_.spout<Source>("orders", Streams{{"a", fields}});

    EXPECT_EQ(mistakes_of(t_), mistake("E0122", "stream \"a\" of \"orders\" has 1025 fields",
                                       "declare at most 1024; a list or map holds more"));
}

TEST_F(BuilderTest, E0123ComponentHasTooManyStreams) {
    Streams streams;
    for (int i = 0; i <= 65'535; ++i) streams.push_back({std::to_string(i), {}});
    t_.spout<Source>("orders", streams);

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0123", "spout \"orders\" declares 65536 streams",
                      "declare at most 65535; tell tuples apart by a field instead"));
}

TEST_F(BuilderTest, E0124StreamNameIsMalformed) {
    t_.spout<Source>("orders", Streams{{"__tick", {"x"}}, {"", {"x"}}});

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0124", "stream \"__tick\" of \"orders\" starts with \"__\"",
                      "such streams are the system's own; leave the underscores out") +
                  "\n" +
                  mistake("E0124", "stream \"\" of \"orders\" has an empty name",
                          "name it, or leave the name out to get \"default\""));
}

TEST_F(BuilderTest, E0130NameIsNoUtf8) {
    t_.spout<Source>("orders", Streams{{"st\xffream", {"zähler", "x\xfe"}}});

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0130", "spout \"orders\" has a stream \"st\xef\xbf\xbdream\", which is not UTF-8",
                "names stand in metrics and JSON, which are UTF-8; write it so, or in ASCII") +
            "\n" +
            mistake("E0130", "spout \"orders\" has a field \"x\xef\xbf\xbd\", which is not UTF-8",
                    "names stand in metrics and JSON, which are UTF-8; write it so, or in "
                    "ASCII"));
}

TEST_F(BuilderTest, E0125FieldHasNoName) {
    t_.spout<Source>("orders", Streams{{"a", {"x", ""}}});

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0125", "stream \"a\" of \"orders\" has a field with an empty name", "name it"));
}

TEST_F(BuilderTest, E0126SettingOfAComponentIsWrong) {
    lines_.set("topology.max.spout.pendng", "9")
        .set("topology.debug", "yes")
        .set("own", "anything");

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0126", "spout \"lines\": unknown setting \"topology.max.spout.pendng\"",
                "did you mean \"topology.max.spout.pending\"?") +
            "\n" +
            mistake(
                "E0126",
                "spout \"lines\": setting \"topology.debug\" is \"yes\", but must be true or false",
                "write true"));
}

TEST_F(BuilderTest, E0131SettingHasNoEffectOnAComponent) {
    lines_.set("topology.workers", "2")
        .set("topology.tick.tuple.freq.secs", "1")
        .set("nimbus.port", "1");
    t_.bolt<Sink>("count")
        .shuffle("lines")
        .set("topology.message.timeout.secs", "5")
        .set("topology.tick.tuple.freq.secs", "1");

    EXPECT_EQ(
        mistakes_of(t_),
        mistake("E0131",
                "spout \"lines\" sets \"topology.workers\", which holds for the whole topology",
                "leave it out here, and set it with -c or in a settings file") +
            "\n" +
            mistake("E0131",
                    "spout \"lines\" sets \"topology.tick.tuple.freq.secs\", which has an effect "
                    "on bolts only",
                    "leave it out") +
            "\n" +
            mistake("E0131", "spout \"lines\" sets \"nimbus.port\", which is not a topology's",
                    "leave it out here; it belongs in storm.yaml") +
            "\n" +
            mistake("E0131",
                    "bolt \"count\" sets \"topology.message.timeout.secs\", which has an effect "
                    "on spouts only",
                    "set it on the spouts whose tuples come here, or for all with -c"));
}

TEST_F(BuilderTest, E0127ComponentCannotBeMade) {
    t_.spout<ThrowingSpout>("orders");
    t_.bolt<Sink>("count").shuffle("orders", "any");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0127", "spout \"orders\" cannot be made: std::runtime_error: no such file",
                      "it is made once in build(), to ask for its outputs; open "
                      "what it needs in open()"));
}

TEST_F(BuilderTest, E0128ComponentCannotSayItsOutputs) {
    t_.spout<SpoutThatThrowsWhenAsked>("orders");
    t_.bolt<Sink>("count").shuffle("orders", "any");

    EXPECT_EQ(mistakes_of(t_),
              mistake("E0128",
                      "declare_outputs() of spout \"orders\" threw: std::runtime_error: not open",
                      "it must work before open() was called"));
}

TEST_F(BuilderTest, E0129TopologyHasTooManyTasks) {
    lines_.tasks((1 << 20) - 1);
    EXPECT_EQ(mistakes_of(t_), "none");

    t_.bolt<Sink>("count").shuffle("lines");
    EXPECT_EQ(mistakes_of(t_), mistake("E0129", "the topology has 1048576 tasks",
                                       "at most 1048575 fit; lower tasks() or parallelism()"));
}

// Reads a file, although it is a unit test: the table must not drift from the code.
TEST(Mistakes, EachCodeIsInTheDocumentation) {
    std::ifstream file(STORM_SOURCE_DIR "/docs/errors.md");
    std::ostringstream text;
    text << file.rdbuf();

    for (int code = static_cast<int>(detail::kFirstMistake);
         code <= static_cast<int>(detail::kLastMistake); ++code) {
        EXPECT_THAT(text.str(),
                    HasSubstr("| " + to_string(static_cast<detail::MistakeCode>(code)) + " |"));
    }
}

TEST(GroupingKind, HasTheNameOfItsMethod) {
    EXPECT_EQ(to_string(GroupingKind::kShuffle), "shuffle");
    EXPECT_EQ(to_string(GroupingKind::kCustom), "custom");
}

}  // namespace

// The engine has it; no test here keeps a tuple.
void detail::release_kept(KeptTuple* /*kept*/) {}

}  // namespace storm
