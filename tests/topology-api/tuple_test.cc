// Tuples are read back from rows that an emitter built; the messages are what people see who
// mistyped a field.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <storm/collector.h>
#include <storm/tuple.h>

#include "tests/topology-api/fake_emitter.h"

namespace storm {
namespace {

class TupleTest : public testing::Test {
protected:
    template <typename... Values>
    Tuple tuple_of(std::vector<Field> fields, const Values&... values) {
        emitter_.declare("default", std::move(fields));
        SpoutCollector(emitter_, nullptr).emit(values...);
        schema_ = emitter_.schema("default");
        schema_.component = "split";
        return emitter_.emitted.back().tuple(schema_);
    }
    template <typename Call>
    static std::string message_of(Call call) {
        try {
            call();
        } catch (const FieldError& error) {
            return error.what();
        }
        return "nothing was thrown";
    }

    FakeEmitter emitter_;
    detail::StreamSchema schema_;
};

TEST_F(TupleTest, GivesItsFieldsByNameAndByIndex) {
    const std::vector<std::byte> bytes = {std::byte{1}, std::byte{2}};
    const Tuple tuple =
        tuple_of({"word", "count", "share", "new", "raw", "tags", "none"}, "storm", 3, 0.5, true,
                 std::span<const std::byte>(bytes), Value(Value::List{1, 2}), nullptr);

    EXPECT_EQ(tuple.size(), 7u);
    EXPECT_EQ(tuple.string("word"), "storm");
    EXPECT_EQ(tuple.string(0), "storm");
    EXPECT_EQ(tuple.int64("count"), 3);
    EXPECT_EQ(tuple.real("share"), 0.5);
    EXPECT_TRUE(tuple.boolean("new"));
    EXPECT_EQ(tuple.bytes("raw").size(), 2u);
    EXPECT_EQ(tuple.value("tags"), Value(Value::List{1, 2}));
    EXPECT_TRUE(tuple.is_nil("none"));
    EXPECT_FALSE(tuple.is_nil("word"));
}

TEST_F(TupleTest, KnowsWhereItComesFrom) {
    const Tuple tuple = tuple_of({"word"}, "storm");

    EXPECT_EQ(tuple.source_component(), "split");
    EXPECT_EQ(tuple.source_stream(), "default");
    EXPECT_EQ(tuple.source_task(), 7);
    EXPECT_FALSE(tuple.is_tick());
}

TEST_F(TupleTest, HasTellsDeclaredFieldsFromOthers) {
    const Tuple tuple = tuple_of({"word"}, "storm");

    EXPECT_TRUE(tuple.has("word"));
    EXPECT_FALSE(tuple.has("wrod"));
}

TEST_F(TupleTest, UnknownFieldIsAnsweredWithTheOneThatWasMeant) {
    const Tuple tuple = tuple_of({"word", "count"}, "storm", 3);

    EXPECT_EQ(message_of([&] { tuple.string("wrod"); }),
              "tuple of stream \"default\" of \"split\" has no field \"wrod\"; did you mean "
              "\"word\"? It has: word, count");
    EXPECT_EQ(
        message_of([&] { tuple.int64("size"); }),
        "tuple of stream \"default\" of \"split\" has no field \"size\". It has: word, count");
}

TEST_F(TupleTest, IndexBeyondTheLastFieldIsAnsweredWithTheirNumber) {
    const Tuple tuple = tuple_of({"word", "count"}, "storm", 3);

    EXPECT_EQ(
        message_of([&] { tuple.value(2); }),
        "tuple of stream \"default\" of \"split\" has no field 2; it has 2, from 0: word, count");
}

TEST_F(TupleTest, ValueOfAnotherKindIsNamed) {
    const Tuple tuple = tuple_of({"word", "count"}, "storm", nullptr);

    EXPECT_EQ(message_of([&] { tuple.int64("word"); }),
              "field \"word\" of tuple of stream \"default\" of \"split\" holds string, not int64");
    EXPECT_EQ(message_of([&] { tuple.int64("count"); }),
              "field \"count\" of tuple of stream \"default\" of \"split\" holds nil, not int64");
    EXPECT_THROW(tuple.real("word"), FieldError);
    EXPECT_THROW(tuple.boolean("word"), FieldError);
    EXPECT_THROW(tuple.bytes("word"), FieldError);
    EXPECT_THROW(tuple.string("count"), FieldError);
}

TEST_F(TupleTest, LargeRowIsReadLikeASmallOne) {
    const std::string large(detail::kSmallRowBytesMax, 'x');
    const Tuple tuple = tuple_of({"text", "number"}, large, 5);

    EXPECT_NE(detail::row_flags(detail::TupleAccess::row(tuple)) & detail::kRowBig, 0);
    EXPECT_EQ(tuple.string("text"), large);
    EXPECT_EQ(tuple.int64("number"), 5);
}

TEST_F(TupleTest, WithoutFieldsIsPossible) {
    const Tuple tuple = tuple_of({});

    EXPECT_EQ(tuple.size(), 0u);
    EXPECT_THROW(tuple.value(0), FieldError);
}

TEST_F(TupleTest, RemembersWhatTheEngineNotesOnIt) {
    const Tuple tuple = tuple_of({"word"}, "storm");

    detail::TupleAccess::emitted_edges(tuple) ^= 5;
    detail::TupleAccess::settled(tuple) = detail::Settled::kAcked;

    EXPECT_EQ(detail::TupleAccess::emitted_edges(tuple), 5u);
    EXPECT_EQ(detail::TupleAccess::settled(tuple), detail::Settled::kAcked);
}

}  // namespace

// The engine has these; no test here keeps a tuple.
void detail::release_kept(KeptTuple* /*kept*/) {}

}  // namespace storm
