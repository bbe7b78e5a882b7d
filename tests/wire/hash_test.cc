// Equal keys must meet in one task, whatever else their rows hold; unequal ones must spread. The
// values themselves are fixed by docs/wire-format.md (wire_format_test.cc).
#include "wire/hash.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "groupings/key_groups.h"
#include "tests/wire/any_row.h"
#include "tests/wire/plain_row.h"

namespace storm::wire {
namespace {

std::uint64_t hash_of(const PlainRow& row, const std::vector<std::uint16_t>& fields) {
    const std::vector<std::byte> bytes = encode_row(row);
    return key_hash(bytes.data(), detail::row_offsets_at(bytes.data()), fields);
}

std::uint64_t hash_of(const Value& value) {
    PlainRow row;
    row.values.push_back(value);
    return hash_of(row, {0});
}

RC_GTEST_PROP(KeyHash, DependsOnTheValuesOnly, ()) {
    PlainRow row = *any_row();
    row.values.push_back(*any_value());
    PlainRow other = *any_row();
    other.values.push_back(row.values.back());

    RC_ASSERT(hash_of(row, {static_cast<std::uint16_t>(row.values.size() - 1)}) ==
              hash_of(other, {static_cast<std::uint16_t>(other.values.size() - 1)}));
}

RC_GTEST_PROP(KeyHash, DiffersForDifferentValues, ()) {
    const Value a = *any_scalar(), b = *any_scalar();
    const double* const x = std::get_if<double>(&a.variant());
    const double* const y = std::get_if<double>(&b.variant());
    const bool alike = a == b || (x != nullptr && y != nullptr && std::isnan(*x) && std::isnan(*y));

    RC_ASSERT((hash_of(a) == hash_of(b)) == alike);
}

RC_GTEST_PROP(KeyHash, DependsOnTheOrderOfFields, ()) {
    PlainRow row;
    row.values = {*any_scalar(), *any_scalar()};
    RC_PRE(row.values[0] != row.values[1] && hash_of(row.values[0]) != hash_of(row.values[1]));

    RC_ASSERT(hash_of(row, {0, 1}) != hash_of(row, {1, 0}));
}

TEST(KeyHash, DiffersForDifferentTags) {
    EXPECT_NE(hash_of(1), hash_of(1.0));
    EXPECT_NE(hash_of(1), hash_of("1"));
    EXPECT_NE(hash_of("storm"), hash_of(as_bytes("storm")));
    EXPECT_NE(hash_of(nullptr), hash_of(false));
    EXPECT_NE(hash_of(nullptr), hash_of(""));
    EXPECT_NE(hash_of(Value::List{}), hash_of(Value::Map{}));
}

TEST(KeyHash, BoundariesOfValuesCount) {
    PlainRow left, right;
    left.values = {"ab", "c"};
    right.values = {"a", "bc"};

    EXPECT_NE(hash_of(left, {0, 1}), hash_of(right, {0, 1}));
}

TEST(KeyHash, ZeroHasOneSignAndNanOneForm) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto odd_nan = std::bit_cast<double>(std::uint64_t{0xFFF0'0000'0000'0BAD});

    EXPECT_EQ(hash_of(0.0), hash_of(-0.0));
    EXPECT_EQ(hash_of(nan), hash_of(odd_nan));
    EXPECT_EQ(hash_of(Value::List{1, Value::Map{{"a", -0.0}}, odd_nan}),
              hash_of(Value::List{1, Value::Map{{"a", 0.0}}, nan}));
    PlainRow plus, minus;
    plus.values = {"three", 0.0, Value::List{0.0}};
    minus.values = {"three", -0.0, Value::List{-0.0}};
    EXPECT_EQ(hash_of(plus, {0, 1, 2}), hash_of(minus, {0, 1, 2}));
}

TEST(KeyHash, RowKeepsItsSignedZero) {
    PlainRow row;
    row.values.emplace_back(Value::List{-0.0});
    const std::vector<std::byte> bytes = encode_row(row);
    const std::uint16_t field = 0;

    key_hash(bytes.data(), detail::row_offsets_at(bytes.data()), {&field, 1});

    EXPECT_EQ(bytes, encode_row(row));
}

// Below 1 KiB the copy is on the stack, above it on the heap.
TEST(KeyHash, LongKeysAreCanonicalToo) {
    for (const std::size_t size : {100U, 979U, 980U, 981U, 982U, 100'000U}) {
        PlainRow plus, minus;
        plus.values = {std::string(size, 'x'), 0.0};
        minus.values = {std::string(size, 'x'), -0.0};
        EXPECT_EQ(hash_of(plus, {0, 1}), hash_of(minus, {0, 1})) << size;
    }
}

TEST(KeyHash, StridedNumbersSpreadEvenly) {
    constexpr std::size_t kTargets = 8;
    constexpr int kKeys = 80'000;
    std::vector<int> keys(kTargets);
    for (int i = 0; i < kKeys; ++i) {
        ++keys[groupings::target_of_key(hash_of(i * 64), kTargets)];
    }

    for (const int count : keys) EXPECT_NEAR(count, kKeys / 8.0, kKeys / 80.0);
}

}  // namespace
}  // namespace storm::wire
