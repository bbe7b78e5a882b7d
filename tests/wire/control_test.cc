// Control records are read by code that trusts them: what is written passes and comes back, each
// other form is refused.
#include "wire/control.h"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/wire/plain_row.h"
#include "tests/wire/refusal.h"
#include "wire/row_codec.h"

namespace storm::wire {
namespace {

using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

Bytes written(const ControlRow& control) {
    Bytes bytes(kControlRowBytesMax);
    bytes.resize(write_control_row(control, bytes.data()));
    return bytes;
}

std::string fault_of(const Bytes& row) {
    return refusal_of(check_row(row));
}

std::string fault_of(int kind, std::vector<Value> values) {
    PlainRow row;
    row.is_control = true;
    row.stream = static_cast<std::uint16_t>(kind);
    row.values = std::move(values);
    return fault_of(encode_row(row));
}

void expect_comes_back(const ControlRow& control) {
    const Bytes bytes = written(control);
    EXPECT_EQ(fault_of(bytes), "");
    EXPECT_TRUE(is_control(bytes.data()));
    EXPECT_EQ(read_control_row(bytes.data()), control);
    EXPECT_EQ(bytes, encode_row(decode_row(bytes.data())));
}

TEST(ControlRow, ComesBackAsItWasWritten) {
    expect_comes_back(Eos{});
    expect_comes_back(Ending{});
    expect_comes_back(Reopen{});
    for (const std::uint64_t number : {0UL, 1UL, 1UL << 63, ~0UL}) {
        expect_comes_back(Barrier{number});
        expect_comes_back(Watermark{static_cast<std::int64_t>(number)});
        expect_comes_back(Switch{number, 7});
    }
    expect_comes_back(Switch{1, std::numeric_limits<TaskId>::max()});
}

TEST(ControlRow, LargestIsAsLargeAsPromised) {
    EXPECT_EQ(written(Switch{1, 2}).size(), kControlRowBytesMax);
}

TEST(ControlRow, EachOtherFormIsRefused) {
    EXPECT_THAT(fault_of(0, {}), HasSubstr("unknown kind"));
    EXPECT_THAT(fault_of(7, {}), HasSubstr("unknown kind"));
    EXPECT_THAT(fault_of(5, {1}), HasSubstr("ENDING with values"));
    EXPECT_THAT(fault_of(6, {1}), HasSubstr("REOPEN with values"));
    EXPECT_THAT(fault_of(1, {1}), HasSubstr("EOS with values"));
    EXPECT_THAT(fault_of(2, {}), HasSubstr("BARRIER without"));
    EXPECT_THAT(fault_of(2, {-1}), HasSubstr("BARRIER without"));
    EXPECT_THAT(fault_of(2, {1.0}), HasSubstr("BARRIER without"));
    EXPECT_THAT(fault_of(3, {~0UL}), HasSubstr("WATERMARK without"));
    EXPECT_THAT(fault_of(3, {1, 2}), HasSubstr("WATERMARK without"));
    EXPECT_THAT(fault_of(4, {1}), HasSubstr("SWITCH without"));
    EXPECT_THAT(fault_of(4, {1, 0}), HasSubstr("SWITCH without"));
    EXPECT_THAT(fault_of(4, {1, 1L << 31}), HasSubstr("SWITCH without"));
}

TEST(ControlRow, HasNoAnchorsNorTime) {
    PlainRow row;
    row.is_control = true;
    row.stream = 1;
    row.time_us = 5;
    EXPECT_THAT(fault_of(encode_row(row)), HasSubstr("other flags"));
    row.time_us.reset();
    row.anchors.push_back({1, 2});
    EXPECT_THAT(fault_of(encode_row(row)), HasSubstr("other flags"));
}

Bytes bytes_of(const std::vector<ControlRecord>& records) {
    const auto bytes = std::as_bytes(std::span(records));
    return {bytes.begin(), bytes.end()};
}

std::string fault_of(const ControlRecord& record) {
    return refusal_of(check_control_records(bytes_of({make_ack(1, 2), record})));
}

TEST(ControlRecord, EveryKindPassesAndComesBack) {
    const std::vector<ControlRecord> records = {
        make_ack(1, 2),    make_fail(3, FailReason::kOverflow),
        make_reset(4),     make_credit(5, ~0UL),
        make_held(6, 2),   make_held(6, -2),
        make_fenced(7, 8), make_fenced_seen(7, 8),
        make_follows(9),   make_complaint(7, 8),
        make_leaving()};
    const Bytes bytes = bytes_of(records);

    EXPECT_TRUE(check_control_records({}));
    EXPECT_TRUE(check_control_records(bytes));
    for (std::size_t i = 0; i < records.size(); ++i)
        EXPECT_EQ(control_record(bytes, i), records[i]);
}

TEST(ControlRecord, EachOtherFormIsRefused) {
    ControlRecord none = make_reset(1), unknown = make_reset(1), reasoned = make_ack(1, 2),
                  odd = make_fail(1, FailReason::kException), amount = make_reset(1),
                  held = make_held(1, 0), held_far = make_held(1, 1), dirty = make_credit(1, 2),
                  followed = make_follows(1), left = make_leaving(), nobody = make_complaint(1, 2);
    none.kind = 0;
    unknown.kind = 11;
    reasoned.reason = 1;
    odd.reason = 7;
    amount.amount = 1;
    held_far.amount = std::uint64_t{1} << 31;
    dirty.zeros[5] = 1;
    followed.amount = 1;
    left.subject = 1;
    nobody.subject = std::uint64_t{1} << 32;

    EXPECT_THAT(fault_of(none), HasSubstr("control record 1: it is of an unknown kind"));
    EXPECT_THAT(fault_of(unknown), HasSubstr("unknown kind"));
    EXPECT_THAT(fault_of(reasoned), HasSubstr("reason without a failure"));
    EXPECT_THAT(fault_of(odd), HasSubstr("unknown reason"));
    EXPECT_THAT(fault_of(amount), HasSubstr("has an amount"));
    EXPECT_THAT(fault_of(held), HasSubstr("impossible amount"));
    EXPECT_THAT(fault_of(held_far), HasSubstr("impossible amount"));
    EXPECT_THAT(fault_of(dirty), HasSubstr("not zero"));
    EXPECT_THAT(fault_of(followed), HasSubstr("has an amount"));
    EXPECT_THAT(fault_of(left), HasSubstr("has a subject"));
    EXPECT_THAT(fault_of(nobody), HasSubstr("impossible worker"));
    EXPECT_FALSE(check_control_records(Bytes(23)));
}

}  // namespace
}  // namespace storm::wire
