// Batches between processes: the header describes what follows, and damaged or foreign ones are
// refused.
#include "wire/batch.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/refusal.h"

namespace storm::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

constexpr BatchOrigin kOrigin = {.schema_version = 3, .source_incarnation = 4, .sequence = 5};

/// Two runs: of two rows without values, and of one.
Bytes two_runs() {
    Bytes body(2 * sizeof(RunHeader) + 3 * 8);
    write_run_header(body.data(), {.source_task = 1, .target_task = 2, .count = 2, .bytes = 16});
    write_run_header(body.data() + 32,
                     {.source_task = 3, .target_task = 4, .count = 1, .bytes = 8});
    for (const std::size_t at : {16U, 24U, 48U}) body[at] = std::byte{8};
    return body;
}

Bytes header_bytes(const BatchHeader& header) {
    Bytes bytes(sizeof(BatchHeader));
    detail::store(bytes.data(), header);
    return bytes;
}

std::string fault_of(const BatchHeader& header) {
    return refusal_of(read_batch_header(header_bytes(header)));
}

TEST(Batch, RunsAndTheirRowsComeInOrder) {
    const Bytes body = two_runs();
    std::vector<std::uint32_t> sources;
    std::vector<std::ptrdiff_t> rows;

    for (const auto& run : runs_of(body)) {
        sources.push_back(run.header.source_task);
        for (const std::byte* row : rows_of(run.rows)) rows.push_back(row - body.data());
    }

    EXPECT_THAT(sources, ElementsAre(1, 3));
    EXPECT_THAT(rows, ElementsAre(16, 24, 48));
}

TEST(Batch, BodyWithoutRunsHasNone) {
    for (const auto& run : runs_of({})) ADD_FAILURE() << run.header.count;
}

TEST(Batch, HeaderComesBackAsItWasMade) {
    const Bytes body = two_runs();

    const auto header = read_batch_header(header_bytes(make_batch_header(kOrigin, body)));

    ASSERT_TRUE(header);
    EXPECT_EQ(header->schema_version, 3U);
    EXPECT_EQ(header->source_incarnation, 4U);
    EXPECT_EQ(header->sequence, 5U);
    EXPECT_EQ(header->header_bytes, sizeof(BatchHeader));
    EXPECT_EQ(header->runs_bytes, body.size());
    EXPECT_TRUE(check_checksum(*header, body));
}

TEST(Batch, AnyDamagedByteOfTheRunsIsFound) {
    const Bytes body = two_runs();
    const BatchHeader header = make_batch_header(kOrigin, body);

    for (std::size_t i = 0; i < body.size(); ++i) {
        Bytes damaged = body;
        damaged[i] ^= std::byte{0x10};
        EXPECT_FALSE(check_checksum(header, damaged)) << i;
    }
}

TEST(Batch, HeaderThatGrewIsAccepted) {
    BatchHeader header = make_batch_header(kOrigin, {});
    header.header_bytes = 48;

    EXPECT_EQ(fault_of(header), "");
}

TEST(Batch, EachRuleOfTheHeaderIsChecked) {
    const BatchHeader good = make_batch_header(kOrigin, {});
    BatchHeader newer = good, shorter = good, longer = good, odd = good, large = good, dirty = good;
    newer.format = 2;
    shorter.header_bytes = 32;
    longer.header_bytes = kBatchHeaderBytesMax + 8;
    odd.runs_bytes = 12;
    large.runs_bytes = kBatchRunsBytesMax + 8;
    dirty.zero = 1;

    ASSERT_EQ(fault_of(good), "");
    EXPECT_THAT(fault_of(newer), HasSubstr("format version 2, this program knows 1"));
    EXPECT_THAT(fault_of(shorter), HasSubstr("header has 32 bytes"));
    EXPECT_THAT(fault_of(longer), HasSubstr("header has 1032 bytes"));
    EXPECT_THAT(fault_of(odd), HasSubstr("runs have 12 bytes"));
    EXPECT_THAT(fault_of(large), HasSubstr("runs have"));
    EXPECT_THAT(fault_of(dirty), HasSubstr("not zero"));
    EXPECT_FALSE(read_batch_header(Bytes(39)));
}

}  // namespace
}  // namespace storm::wire
