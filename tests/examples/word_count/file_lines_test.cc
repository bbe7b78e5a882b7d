// The spout by itself: what it emits goes to a list, and the test acks and fails.
#include "examples/word_count/file_lines.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/detail/tuple_access.h>

#include "tests/support/temp_dir.h"
#include "tests/topology-api/fake_emitter.h"

namespace word_count {
namespace {

using storm::testing::TempDir;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeSite final : public storm::detail::TaskSite {
public:
    storm::TaskId task() const override { return 1; }
    std::string_view component() const override { return "lines"; }
    int index() const override { return 0; }
    std::vector<storm::TaskId> tasks_of(std::string_view) const override { return {1}; }
    const storm::Config& config() const override { return config_; }
    storm::Counter& counter(std::string_view name) override { return counters_[std::string(name)]; }
    void set_status(std::string status) override { status_ = std::move(status); }
    void log(int, std::string_view) override {}
    bool post(std::unique_ptr<storm::detail::Posted>) override { return false; }

private:
    storm::Config config_;
    std::map<std::string, storm::Counter> counters_;
    std::string status_;
};

/// A spout that has been opened, and what it emits.
class Running {
public:
    explicit Running(const Settings& settings) : spout_(settings), out_(emitter_, nullptr) {
        emitter_.declare("default", {"line"});
        spout_.open(storm::TaskContext(std::make_shared<FakeSite>()), out_);
    }

    /// The lines that one call emits.
    std::vector<std::string> next() {
        emitter_.emitted.clear();
        spout_.next_tuple(out_);
        const storm::detail::StreamSchema schema = emitter_.schema("default");
        std::vector<std::string> lines;
        ids_.clear();
        for (const auto& emitted : emitter_.emitted) {
            lines.emplace_back(emitted.tuple(schema).string(0));
            ids_.push_back(emitted.id);
        }
        return lines;
    }
    /// The ids of the lines that the last next() returned.
    const std::vector<storm::MessageId>& ids() const { return ids_; }
    void ack(storm::MessageId id) { spout_.ack(id); }
    void fail(storm::MessageId id) { spout_.fail(id, storm::FailReason::kBoltFailed); }
    void close() { spout_.close(); }
    bool finished() const { return emitter_.finished_calls > 0; }

private:
    storm::FakeEmitter emitter_;
    FileLines spout_;
    storm::SpoutCollector out_;
    std::vector<storm::MessageId> ids_;
};

TEST(FileLines, EmitsEachLineOnce) {
    const TempDir dir;
    Running lines({.input = dir.write("a", "one\ntwo\nthree")});

    EXPECT_THAT(lines.next(), ElementsAre("one", "two"));
    EXPECT_THAT(lines.next(), ElementsAre("three"));
    EXPECT_THAT(lines.next(), IsEmpty());
}

TEST(FileLines, IsFinishedWhenAllIsAcked) {
    const TempDir dir;
    Running lines({.input = dir.write("a", "one\ntwo\n")});
    lines.next();
    const auto ids = lines.ids();
    lines.ack(ids[1]);
    lines.next();
    lines.next();
    EXPECT_FALSE(lines.finished());

    lines.ack(ids[0]);
    lines.next();
    EXPECT_TRUE(lines.finished());
}

TEST(FileLines, EmitsAgainWhatFailed) {
    const TempDir dir;
    Running lines({.input = dir.write("a", "one\ntwo\nthree\n")});
    lines.next();
    const auto ids = lines.ids();
    lines.ack(ids[0]);
    lines.ack(ids[2]);
    lines.fail(ids[1]);

    EXPECT_THAT(lines.next(), ElementsAre("two"));
    EXPECT_THAT(lines.ids(), ElementsAre(ids[1]));
    lines.ack(ids[1]);
    lines.next();
    lines.next();
    EXPECT_TRUE(lines.finished());
}

TEST(FileLines, EmitsAgainWhatCannotBeReadAgain) {
    const TempDir dir;
    const std::string log = dir.write("log", "one\ntwo\n");
    Running lines({.input = log, .follow = true});
    lines.next();
    const auto ids = lines.ids();
    dir.write("log", "");  // Cut short: the text is in memory only.
    lines.fail(ids[1]);

    EXPECT_THAT(lines.next(), ElementsAre("two"));
}

TEST(FileLines, GoesOnAfterTheOldestLineThatWasNotAcked) {
    const TempDir dir;
    const Settings settings{.input = dir.write("a", "one\ntwo\nthree\n"),
                            .progress = dir.path("p")};
    {
        Running lines(settings);
        lines.next();
        lines.ack(lines.ids()[0]);
        lines.ack(lines.ids()[2]);
        lines.close();
    }

    Running lines(settings);
    EXPECT_THAT(lines.next(), ElementsAre("two", "three"));
}

TEST(FileLines, SavesNoProgressWithoutAnAck) {
    const TempDir dir;
    Running lines({.input = dir.write("a", "one\ntwo\n"), .progress = dir.path("p")});
    lines.next();
    lines.close();
    EXPECT_FALSE(dir.has("p"));
}

TEST(FileLines, FinishedRunGoesOnWithNothing) {
    const TempDir dir;
    const Settings settings{
        .input = dir.write("a", "one\n"), .repeat = 2, .progress = dir.path("p")};
    {
        Running lines(settings);
        while (!lines.finished()) {
            lines.next();
            for (const auto id : lines.ids()) lines.ack(id);
        }
        lines.close();
    }

    Running lines(settings);
    EXPECT_THAT(lines.next(), IsEmpty());
    lines.next();
    EXPECT_TRUE(lines.finished());
}

TEST(FileLines, EmitsNoMoreThan64LinesACall) {
    const TempDir dir;
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "line\n";
    Running lines({.input = dir.write("a", text)});
    EXPECT_EQ(lines.next().size(), 64u);
}

}  // namespace
}  // namespace word_count
