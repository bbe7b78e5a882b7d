// The check stands between untrusted bytes and code that trusts them, so: whatever is written
// passes; whatever passes is exactly what would be written for what it says; and each rule refuses
// its breach.
#include "wire/row_codec.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <storm/detail/emitter.h>

#include "base/random.h"
#include "tests/topology-api/fake_emitter.h"
#include "tests/wire/any_row.h"
#include "tests/wire/plain_row.h"
#include "tests/wire/refusal.h"
#include "wire/batch.h"
#include "wire/limits.h"

namespace storm::wire {
namespace {

using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

std::string fault_of(const Bytes& row) {
    return refusal_of(check_row(row));
}

PlainRow row_of(std::vector<Value> values) {
    PlainRow row;
    row.stream = 5;
    row.values = std::move(values);
    return row;
}

/// A row with one anchor, a word and a number: 72 bytes, anchor count at 8, offsets at 32, values
/// from 40.
Bytes word_row() {
    PlainRow row = row_of({"storm", 42});
    row.anchors.push_back({3, 4});
    return encode_row(row);
}

Bytes with_byte(Bytes bytes, std::size_t at, int value) {
    bytes.at(at) = static_cast<std::byte>(value);
    return bytes;
}

/// As build_row() makes it, for any number of values up to four.
Bytes emitted_row(std::size_t anchors, const std::vector<Value>& v) {
    FakeEmitter emitter;
    emitter.declare("out", std::vector<Field>(v.size(), Field("field")));
    detail::OutStream& stream = emitter.stream("out");
    std::size_t bytes = 0;
    switch (v.size()) {
        case 0:
            bytes = emitter.build_row(stream, anchors);
            break;
        case 1:
            bytes = emitter.build_row(stream, anchors, v[0]);
            break;
        case 2:
            bytes = emitter.build_row(stream, anchors, v[0], v[1]);
            break;
        case 3:
            bytes = emitter.build_row(stream, anchors, v[0], v[1], v[2]);
            break;
        default:
            bytes = emitter.build_row(stream, anchors, v[0], v[1], v[2], v[3]);
            break;
    }
    std::byte* const row = stream.outlet->cursor;
    for (std::size_t i = 0; i < anchors; ++i) detail::set_row_anchor(row, i, {i + 1, 2 * i});
    return {row, row + bytes};
}

RC_GTEST_PROP(RowCodec, RowAsItIsEmittedPassesAndSaysWhatWasEmitted, ()) {
    const auto anchors = static_cast<std::size_t>(*rc::gen::inRange(0, 4));
    const auto count = static_cast<std::size_t>(*rc::gen::inRange(0, 5));
    const auto values = *rc::gen::container<std::vector<Value>>(count, any_value());

    const Bytes bytes = emitted_row(anchors, values);

    RC_ASSERT(fault_of(bytes).empty());
    PlainRow row = row_of(values);
    row.stream = 0;
    for (std::size_t i = 0; i < anchors; ++i) row.anchors.push_back({i + 1, 2 * i});
    RC_ASSERT(bytes == encode_row(row));
}

RC_GTEST_PROP(RowCodec, RowWithAnyOptionalPartPassesAndComesBack, ()) {
    const Bytes bytes = encode_row(*any_row());

    RC_ASSERT(fault_of(bytes).empty());
    RC_ASSERT(encode_row(decode_row(bytes.data())) == bytes);
}

RC_GTEST_PROP(RowCodec, RowWithAByteChangedIsRefusedOrCanonical, ()) {
    Bytes bytes = encode_row(*any_row());
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));

    if (fault_of(bytes).empty()) RC_ASSERT(encode_row(decode_row(bytes.data())) == bytes);
}

RC_GTEST_PROP(RowCodec, RowCutShortOrLongIsRefused, ()) {
    const Bytes bytes = encode_row(*any_row());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        RC_ASSERT(!fault_of(cut).empty());
        if (size < 8) continue;
        Bytes shrunk = cut;  // And with a header that says so.
        shrunk[0] = static_cast<std::byte>(size);
        shrunk[1] = static_cast<std::byte>(size >> 8);
        RC_ASSERT(!fault_of(shrunk).empty());
    }
    Bytes longer = bytes;
    longer.resize(bytes.size() + 8);
    RC_ASSERT(!fault_of(longer).empty());
}

TEST(RowCodec, EachRuleOfTheHeaderIsChecked) {
    ASSERT_EQ(fault_of(word_row()), "");
    EXPECT_THAT(fault_of({}), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(Bytes(7)), HasSubstr("not a multiple of 8"));
    EXPECT_THAT(fault_of(Bytes(8)), HasSubstr("wrong size"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 0, 71)), HasSubstr("wrong size"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 0, 80)), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 2, 1)), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 3, 0x24)), HasSubstr("unknown flags"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 7, 5)), HasSubstr("too many values"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 6, 1)), HasSubstr("offsets"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 6, 3)), HasSubstr("value is missing"));
}

TEST(RowCodec, NothingFollowsTheLastValue) {
    Bytes longer = word_row();
    longer.resize(longer.size() + 8);
    longer[0] = static_cast<std::byte>(longer.size());

    EXPECT_THAT(fault_of(longer), HasSubstr("bytes after the last value"));
}

TEST(RowCodec, EachRuleOfTheAnchorsIsChecked) {
    EXPECT_THAT(fault_of(with_byte(word_row(), 8, 0)), HasSubstr("number of anchors"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 8, 5)), HasSubstr("number of anchors"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 11, 0x10)), HasSubstr("number of anchors"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 12, 1)), HasSubstr("number of anchors"));
    EXPECT_THAT(fault_of(with_byte(encode_row({}), 3, detail::kRowAnchored)), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(with_byte(encode_row({}), 3, detail::kRowTimed)), HasSubstr("cut off"));
}

TEST(RowCodec, EachRuleOfTheExtensionsIsChecked) {
    PlainRow row = row_of({});
    row.extensions.resize(3, std::byte{9});
    const Bytes bytes = encode_row(row);

    ASSERT_EQ(fault_of(bytes), "");
    EXPECT_THAT(fault_of(with_byte(bytes, 8, 0)), HasSubstr("length of extensions"));
    EXPECT_THAT(fault_of(with_byte(bytes, 8, 9)), HasSubstr("length of extensions"));
    EXPECT_THAT(fault_of(with_byte(bytes, 12, 1)), HasSubstr("length of extensions"));
    EXPECT_THAT(fault_of(with_byte(bytes, 19, 1)), HasSubstr("padding of the extensions"));
    EXPECT_THAT(fault_of(with_byte(encode_row({}), 3, detail::kRowExtended)), HasSubstr("cut off"));
}

TEST(RowCodec, EachRuleOfTheOffsetsIsChecked) {
    EXPECT_THAT(fault_of(with_byte(word_row(), 32, 6)), HasSubstr("an offset is not"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 34, 5)), HasSubstr("an offset is not"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 39, 1)), HasSubstr("padding of the offsets"));
}

TEST(RowCodec, EachRuleOfAValueIsChecked) {
    EXPECT_THAT(fault_of(with_byte(word_row(), 40, 10)), HasSubstr("unknown tag"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 41, 1)), HasSubstr("wrong head"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 44, 99)), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 47, 0x80)), HasSubstr("cut off"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 55, 1)), HasSubstr("padding of a value"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 60, 7)), HasSubstr("wrong head"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 56, 4)), HasSubstr("uint64 that is an int64"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 56, 2)), HasSubstr("wrong head"));
    EXPECT_THAT(fault_of(with_byte(word_row(), 56, 8)), HasSubstr("wrong count"));
}

TEST(RowCodec, EachRuleOfListsAndMapsIsChecked) {
    // Header, offsets, and from 16 on: head, count, then the items from 32 on.
    const Bytes list = encode_row(row_of({Value(Value::List{1})}));
    const Bytes map = encode_row(row_of({Value(Value::Map{{"a", nullptr}, {"b", nullptr}})}));
    ASSERT_EQ(fault_of(list) + fault_of(map), "");

    EXPECT_THAT(fault_of(with_byte(list, 24, 2)), HasSubstr("wrong count"));
    EXPECT_THAT(fault_of(with_byte(list, 31, 1)), HasSubstr("wrong count"));
    EXPECT_THAT(fault_of(with_byte(list, 20, 23)), HasSubstr("wrong length"));
    EXPECT_THAT(fault_of(with_byte(list, 20, 0)), HasSubstr("wrong length"));
    EXPECT_THAT(fault_of(with_byte(list, 36, 16)), HasSubstr("wrong head"));
    EXPECT_THAT(fault_of(with_byte(map, 40, 'b')), HasSubstr("do not ascend"));
    EXPECT_THAT(fault_of(with_byte(map, 40, 'c')), HasSubstr("do not ascend"));
    EXPECT_THAT(fault_of(with_byte(map, 32, 7)), HasSubstr("key of a map is not a string"));
    EXPECT_THAT(fault_of(with_byte(list, 16, 9)), HasSubstr("key of a map is not a string"));
    const Bytes pair = encode_row(row_of({Value(Value::List{"key"})}));
    EXPECT_THAT(fault_of(with_byte(pair, 16, 9)), HasSubstr("without its value"));
}

TEST(RowCodec, NestsAsDeepAsAnEmitAndNoDeeper) {
    Value value = Value::List{};
    for (std::size_t i = 1; i < detail::kNestingMax; ++i) value = Value::List{value};
    Bytes bytes = encode_row(row_of({value}));

    EXPECT_EQ(fault_of(bytes), "");

    // One more list around it, which encode() would refuse.
    const std::size_t inner = bytes.size() - 16;
    RowBytes deeper;
    deeper.add(std::uint64_t{inner + 32} | std::uint64_t{1} << 48);
    deeper.add(std::uint64_t{2});
    deeper.add(std::uint64_t{8} | std::uint64_t{inner + 8} << 32);
    deeper.add(std::uint64_t{1});
    deeper.append(std::span(bytes).subspan(16));
    EXPECT_THAT(fault_of(deeper.take()), HasSubstr("nest too deep"));
}

TEST(RowCodec, WideOffsetsAreUsedExactlyWhereNarrowOnesDoNotReach) {
    const std::size_t most = detail::kSmallRowBytesMax - 8 - 8 - 8 - 16;
    const Bytes small = emitted_row(0, {std::string(most, 'x'), 1});
    const Bytes big = emitted_row(0, {std::string(most + 1, 'x'), 1});

    EXPECT_EQ(detail::row_flags(small.data()), 0);
    EXPECT_EQ(fault_of(small), "");
    EXPECT_EQ(detail::row_flags(big.data()), detail::kRowBig);
    EXPECT_EQ(fault_of(big), "");
    // Two offsets fill one word either way, so that only the flag and the table differ.
    Bytes wide = small;
    wide[3] = std::byte{detail::kRowBig};
    detail::store(wide.data() + 8, std::uint64_t{2} | std::uint64_t{(most / 8) + 3} << 32);
    EXPECT_THAT(fault_of(wide), HasSubstr("offsets of a wrong size"));
    // And one value, whose narrow offset would do though the row is too large for them.
    Bytes narrow = encode_row(row_of({std::string(most + 100, 'x')}));
    narrow[3] = std::byte{0};
    EXPECT_THAT(fault_of(narrow), HasSubstr("offsets of a wrong size"));
}

TEST(RowCodec, EveryAnchorCountTurnsWideWhereTheEmitterDoes) {
    const std::size_t size = detail::kSmallRowBytesMax - 200;
    for (std::size_t anchors = 0; anchors < 16; ++anchors) {
        EXPECT_EQ(fault_of(emitted_row(anchors, {std::string(size, 'x'), 1, 2})), "") << anchors;
    }
}

TEST(RowCodec, LargestRowPasses) {
    PlainRow row = row_of({std::string(detail::kRowBytesMax - 24, 'x')});
    const Bytes bytes = encode_row(row);

    EXPECT_EQ(bytes.size(), detail::kRowBytesMax);
    EXPECT_EQ(fault_of(bytes), "");
}

/// A body of these rows as one run.
Bytes run_of(const std::vector<Bytes>& rows) {
    Bytes body(sizeof(RunHeader));
    for (const Bytes& row : rows) body.insert(body.end(), row.begin(), row.end());
    write_run_header(body.data(),
                     {.source_task = 1,
                      .target_task = 2,
                      .count = static_cast<std::uint32_t>(rows.size()),
                      .bytes = static_cast<std::uint32_t>(body.size() - sizeof(RunHeader))});
    return body;
}

std::string fault_of_runs(const Bytes& body) {
    return refusal_of(check_runs(body));
}

RC_GTEST_PROP(RowCodec, RunsOfAnyRowsPass, ()) {
    Bytes body;
    for (const auto& rows : *rc::gen::container<std::vector<std::vector<PlainRow>>>(
             3, rc::gen::container<std::vector<PlainRow>>(2, any_row()))) {
        std::vector<Bytes> encoded;
        for (const PlainRow& row : rows) encoded.push_back(encode_row(row));
        const Bytes run = run_of(encoded);
        body.insert(body.end(), run.begin(), run.end());
    }

    RC_ASSERT(fault_of_runs(body).empty());
}

TEST(RowCodec, EachRuleOfRunsIsChecked) {
    const Bytes body = run_of({word_row(), word_row()});
    ASSERT_EQ(fault_of_runs({}), "");
    ASSERT_EQ(fault_of_runs(body), "");

    EXPECT_THAT(fault_of_runs(Bytes(8)), HasSubstr("header is cut off"));
    EXPECT_THAT(fault_of_runs(Bytes(12)), HasSubstr("12 bytes of runs"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 0, 0)), HasSubstr("its task is none"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 7, 0x80)), HasSubstr("its task is none"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 8, 1)), HasSubstr("another number of rows"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 8, 3)), HasSubstr("another number of rows"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 8, 0)), HasSubstr("it is empty"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 12, 152)), HasSubstr("rows are cut off"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 12, 143)), HasSubstr("not a multiple of 8"));
    EXPECT_THAT(fault_of_runs(with_byte(body, 12, 136)), HasSubstr("row is cut off"));
}

TEST(RowCodec, FaultIsToldWithItsPlace) {
    const Bytes body = run_of({word_row(), with_byte(word_row(), 40, 10)});

    EXPECT_EQ(fault_of_runs(body),
              "malformed row at byte 88: value with an unknown tag, at byte 40 of it");
}

}  // namespace
}  // namespace storm::wire
