// The layout is a promise to other processes: a few values stand here byte by byte, and random ones
// have to come back as they were.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <storm/detail/row.h>
#include <storm/errors.h>

namespace storm::detail {
namespace {

std::vector<std::byte> encoded(const Value& value) {
    std::vector<std::byte> bytes(encoded_bytes(value), std::byte{0xEE});
    EXPECT_EQ(encode(value, bytes.data()), bytes.data() + bytes.size());
    return bytes;
}

std::vector<std::byte> bytes_of(const std::vector<int>& numbers) {
    std::vector<std::byte> bytes;
    for (const int number : numbers) bytes.push_back(static_cast<std::byte>(number));
    return bytes;
}

Value nested(std::size_t levels) {
    Value value = 1;
    for (std::size_t i = 0; i < levels; ++i) {
        value = i % 2 == 0 ? Value(Value::List{value}) : Value(Value::Map{{"in", value}});
    }
    return value;
}

rc::Gen<Value> any_scalar() {
    return rc::gen::oneOf(
        rc::gen::just(Value()),
        rc::gen::map(rc::gen::arbitrary<bool>(), [](bool value) { return Value(value); }),
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                     [](std::int64_t value) { return Value(value); }),
        rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                     [](std::uint64_t value) { return Value(~value); }),
        rc::gen::map(rc::gen::arbitrary<double>(), [](double value) { return Value(value); }),
        rc::gen::map(rc::gen::arbitrary<std::string>(),
                     [](std::string value) { return Value(value); }),
        rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& value) {
            Value::Bytes bytes;
            for (const char c : value) bytes.push_back(static_cast<std::byte>(c));
            return Value(bytes);
        }));
}

rc::Gen<Value> any_value(int levels) {
    if (levels == 0) return any_scalar();
    const auto items = rc::gen::scale(0.3, rc::gen::container<Value::List>(any_value(levels - 1)));
    return rc::gen::oneOf(
        any_scalar(), rc::gen::map(items, [](Value::List list) { return Value(std::move(list)); }),
        rc::gen::map(items, [](const Value::List& list) {
            Value::Map map;
            for (const Value& item : list) map.emplace(std::string(map.size(), '\xC3'), item);
            return Value(std::move(map));
        }));
}

RC_GTEST_PROP(Row, AnyValueComesBackAsItWas, ()) {
    const Value value = *any_value(4);

    const std::vector<std::byte> bytes = encoded(value);

    RC_ASSERT(decode(bytes.data()) == value);
    RC_ASSERT(bytes.size() % kWord == 0);
    RC_ASSERT(value_bytes(bytes.data()) == bytes.size());
    RC_ASSERT(value_tag(bytes.data()) == tag_of(value));
}

RC_GTEST_PROP(Row, ScalarIsEncodedAlikeInAndOutOfAValue,
              (std::int64_t number, const std::string& text)) {
    std::vector<std::byte> bytes(encoded_bytes(number) + encoded_bytes(std::string_view(text)));
    encode(std::string_view(text), encode(number, &bytes.at(0)));

    std::vector<std::byte> expected = encoded(number);
    const std::vector<std::byte> second = encoded(text);
    expected.insert(expected.end(), second.begin(), second.end());
    RC_ASSERT(bytes == expected);
}

TEST(Row, ListIsItsCountAndItsValues) {
    EXPECT_EQ(encoded(Value::List{5, "ab"}),
              bytes_of({
                  8, 0, 0, 0, 40, 0, 0, 0,                              // list, 40 bytes
                  2, 0, 0, 0, 0,  0, 0, 0,                              // of 2:
                  3, 0, 0, 0, 8,  0, 0, 0, 5,   0,   0, 0, 0, 0, 0, 0,  // int64 5
                  6, 0, 0, 0, 2,  0, 0, 0, 'a', 'b', 0, 0, 0, 0, 0, 0,
              }));
}

TEST(Row, MapHasItsKeysInTheOrderOfTheirBytes) {
    EXPECT_EQ(
        encoded(Value::Map{{"\xC3\xA9", true}, {"b", nullptr}}),
        bytes_of({
            9, 0, 0, 0, 56, 0, 0, 0,                                // map, 56 bytes
            2, 0, 0, 0, 0,  0, 0, 0,                                // of 2:
            6, 0, 0, 0, 1,  0, 0, 0, 'b',  0,    0, 0, 0, 0, 0, 0,  // "b"
            0, 0, 0, 0, 0,  0, 0, 0,                                // nil
            6, 0, 0, 0, 2,  0, 0, 0, 0xC3, 0xA9, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,  // true
        }));
}

TEST(Row, EmptyListAndMapAreTwoWords) {
    EXPECT_EQ(encoded(Value::List{}).size(), 2 * kWord);
    EXPECT_EQ(encoded(Value::Map{}).size(), 2 * kWord);
}

TEST(Row, NestsAsDeepAsIsPromised) {
    const Value deepest = nested(kNestingMax);

    EXPECT_EQ(decode(encoded(deepest).data()), deepest);
    EXPECT_THROW(encoded_bytes(nested(kNestingMax + 1)), EmitError);
}

TEST(Row, NumberThatInt64HoldsHasOneEncoding) {
    EXPECT_EQ(encoded(std::uint64_t{7}), encoded(7));
    EXPECT_EQ(tag_of(~std::uint64_t{0}), Tag::kUint64);
}

TEST(Row, NotANumberKeepsItsBits) {
    const std::vector<std::byte> bytes = encoded(std::numeric_limits<double>::quiet_NaN());

    EXPECT_EQ(encoded(decode(bytes.data())), bytes);
}

TEST(Row, TagsHaveKindsAndNames) {
    EXPECT_EQ(kind_of(Tag::kTrue), Kind::kBool);
    EXPECT_EQ(kind_of(Tag::kList), Kind::kList);
    EXPECT_EQ(kind_of(Tag::kNil), Kind::kAny);
    EXPECT_EQ(kind_of(Tag::kUint64), Kind::kAny);
    EXPECT_EQ(to_string(Tag::kFalse), "bool");
    EXPECT_EQ(to_string(static_cast<Tag>(200)), "unknown");
}

}  // namespace
}  // namespace storm::detail
