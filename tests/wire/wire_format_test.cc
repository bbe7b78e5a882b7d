// docs/wire-format.md is what other implementations go by. So its dumps and vectors are read from
// the document itself, and must be what the code makes and accepts.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <storm/spout.h>

#include "groupings/key_groups.h"
#include "tests/wire/plain_row.h"
#include "tests/wire/refusal.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "wire/hash.h"
#include "wire/row_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace storm::wire {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kRoot = 0x0000'3000'02A0'0007;
constexpr std::uint64_t kEdge = 0x9E37'79B9'7F4A'7C15;

/// The lines of the block that follows `<!-- test: name -->`.
std::vector<std::string> block(const std::string& name) {
    std::ifstream document(STORM_SOURCE_DIR "/docs/wire-format.md");
    std::vector<std::string> lines;
    std::string line;
    while (std::getline(document, line) && line != "<!-- test: " + name + " -->") continue;
    std::getline(document, line);  // The fence.
    while (std::getline(document, line) && line != "```") lines.push_back(line);
    EXPECT_FALSE(lines.empty()) << name;
    return lines;
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    return {std::istream_iterator<std::string>(stream), {}};
}

/// Parses pairs of hexadecimal digits.
Bytes bytes_of(const std::string& digits) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

/// The bytes of lines like ` 8  01 00 00 00 00 00 00 00   1 anchor`.
Bytes dump(const std::string& name) {
    Bytes bytes;
    for (const std::string& line : block(name)) {
        const std::vector<std::string> words = words_of(line);
        EXPECT_EQ(words.at(0), std::to_string(bytes.size())) << line;
        for (std::size_t i = 1; i <= 8; ++i) bytes.push_back(bytes_of(words.at(i)).at(0));
    }
    return bytes;
}

/// The bytes of all words of eight digits in a line like `ACK  0700a002 00300000`, and of what is
/// shorter at its end.
Bytes digits_in(const std::string& line) {
    std::string digits;
    for (const std::string& word : words_of(line)) {
        const bool goes_on = !digits.empty();
        if (goes_on || word.size() == 8) digits += word;
    }
    return bytes_of(digits);
}

std::vector<Bytes> byte_lines(const std::string& name) {
    std::vector<Bytes> all;
    for (const std::string& line : block(name)) all.push_back(digits_in(line));
    return all;
}

TEST(WireFormat, RowOfTheDocumentSaysWhatTheDocumentSays) {
    const Bytes bytes = dump("row");
    ASSERT_EQ(refusal_of(check_row(bytes)), "");

    const PlainRow row = decode_row(bytes.data());

    EXPECT_EQ(row.stream, 5);
    ASSERT_EQ(row.anchors.size(), 1U);
    EXPECT_EQ(row.anchors[0].root, kRoot);
    EXPECT_EQ(row.anchors[0].edge, kEdge);
    EXPECT_EQ(row.values, (std::vector<Value>{"storm", 42}));
    EXPECT_EQ(encode_row(row), bytes);
}

TEST(WireFormat, BatchOfTheDocumentIsAcceptedAndIsWhatIsMade) {
    Bytes batch = dump("batch");
    const Bytes row = dump("row");
    batch.insert(batch.end(), row.begin(), row.end());
    const auto header = read_batch_header(batch);
    ASSERT_EQ(refusal_of(header), "");
    const auto runs = std::span<const std::byte>(batch).subspan(header->header_bytes);
    ASSERT_EQ(header->runs_bytes, runs.size());

    EXPECT_EQ(refusal_of(check_checksum(*header, runs)), "");
    EXPECT_EQ(refusal_of(check_runs(runs)), "");
    const RunHeader run = read_run_header(runs.data());
    EXPECT_EQ(run.source_task, 3U);
    EXPECT_EQ(run.target_task, 9U);

    Bytes made(sizeof(BatchHeader));
    detail::store(made.data(), make_batch_header({.schema_version = 7,
                                                  .source_incarnation = 0x0000'0002'0000'0001,
                                                  .sequence = 1000},
                                                 runs));
    EXPECT_EQ(made, Bytes(batch.begin(), batch.begin() + sizeof(BatchHeader)));
}

TEST(WireFormat, ControlRowsOfTheDocumentAreThoseThatAreWritten) {
    const std::vector<ControlRow> expected = {Eos{},        Barrier{7}, Watermark{-1},
                                              Switch{3, 9}, Ending{},   Reopen{}};
    const std::vector<Bytes> lines = byte_lines("control rows");
    ASSERT_EQ(lines.size(), expected.size());

    for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_EQ(refusal_of(check_row(lines[i])), "");
        EXPECT_EQ(read_control_row(lines[i].data()), expected[i]);
        Bytes written(kControlRowBytesMax);
        written.resize(write_control_row(expected[i], written.data()));
        EXPECT_EQ(written, lines[i]);
    }
}

TEST(WireFormat, ControlRecordsOfTheDocumentAreThoseThatAreMade) {
    const std::vector<ControlRecord> expected = {make_ack(kRoot, kEdge),
                                                 make_fail(kRoot, FailReason::kTimedOut),
                                                 make_reset(kRoot),
                                                 make_credit(1, 65'536),
                                                 make_fenced(2, 0x0000'0003'0000'0001),
                                                 make_fenced_seen(2, 0x0000'0003'0000'0001),
                                                 make_held(kRoot, 1),
                                                 make_follows(2),
                                                 make_complaint(2, 0x0000'0003'0000'0001),
                                                 make_leaving()};
    const std::vector<Bytes> lines = byte_lines("control records");
    ASSERT_EQ(lines.size(), expected.size());

    for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_EQ(refusal_of(check_control_records(lines[i])), "");
        EXPECT_EQ(control_record(lines[i], 0), expected[i]);
    }
}

TEST(WireFormat, ReasonsHaveTheNumbersOfTheDocument) {
    EXPECT_EQ(static_cast<int>(FailReason::kBoltFailed), 0);
    EXPECT_EQ(static_cast<int>(FailReason::kException), 1);
    EXPECT_EQ(static_cast<int>(FailReason::kForgotten), 2);
    EXPECT_EQ(static_cast<int>(FailReason::kTimedOut), 3);
    EXPECT_EQ(static_cast<int>(FailReason::kWorkerLost), 4);
    EXPECT_EQ(static_cast<int>(FailReason::kRebalanced), 5);
    EXPECT_EQ(static_cast<int>(FailReason::kOverflow), 6);
}

/// A row of these value records, one after the other.
Bytes row_of_records(const Bytes& records) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < records.size();) {
        starts.push_back(at);
        at += detail::value_bytes(records.data() + at);
    }
    const std::size_t head = 8 + detail::padded(2 * starts.size());
    RowBytes row;
    row.add(std::uint64_t{head + records.size()} | std::uint64_t{starts.size()} << 48);
    for (const std::size_t start : starts) row.add(static_cast<std::uint16_t>((head + start) / 8));
    row.pad();
    row.append(records);
    return row.take();
}

TEST(WireFormat, HashesAreThoseOfTheDocument) {
    const std::vector<std::string> lines = block("hashes");
    ASSERT_EQ(lines.size() % 4, 0U);

    for (std::size_t i = 0; i + 3 < lines.size(); i += 4) {
        SCOPED_TRACE(lines[i]);
        const Bytes row = row_of_records(digits_in(lines[i + 1]));
        const Bytes hashed = digits_in(lines[i + 2]);
        const std::vector<std::string> results = words_of(lines[i + 3]);
        ASSERT_EQ(results.size(), 4U);
        const std::uint64_t hash = std::stoull(results[1], nullptr, 16);

        EXPECT_EQ(refusal_of(check_row(row)), "");
        std::vector<std::uint16_t> fields(detail::row_values(row.data()));
        for (std::size_t f = 0; f < fields.size(); ++f) fields[f] = static_cast<std::uint16_t>(f);
        EXPECT_EQ(key_hash(row.data(), detail::row_offsets_at(row.data()), fields), hash);
        EXPECT_EQ(XXH3_64bits(hashed.data(), hashed.size()), hash);
        EXPECT_EQ(groupings::key_group(hash), std::stoul(results[3]));
    }
}

TEST(WireFormat, TargetsAreThoseOfTheDocument) {
    for (const std::string& line : block("targets")) {
        std::istringstream words(line);
        std::string skipped;
        std::uint32_t group = 0;
        std::size_t tasks = 0, target = 0;
        words >> skipped >> group >> skipped >> tasks >> skipped >> target;
        ASSERT_TRUE(words) << line;

        EXPECT_EQ(groupings::target_of_group(group, tasks), target) << line;
    }
}

}  // namespace
}  // namespace storm::wire
