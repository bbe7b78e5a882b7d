// The trial of one input for the fuzzer and its test by mutations: any bytes may be refused; bytes
// that are accepted must be safe to read, and must be exactly the encoding of their content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "tests/wire/plain_row.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "wire/hash.h"
#include "wire/row_codec.h"

namespace storm::wire {

/// Reads all of an accepted row.
inline void read_accepted_row(const std::byte* row) {
    const std::span<const std::byte> bytes(row, detail::row_bytes(row));
    const PlainRow plain = decode_row(row);
    const std::vector<std::byte> again = encode_row(plain);
    STORM_CHECK(
        again.size() == bytes.size() && std::memcmp(again.data(), bytes.data(), bytes.size()) == 0,
        "a row that passes is canonical");

    std::vector<std::uint16_t> fields(plain.values.size());
    std::iota(fields.begin(), fields.end(), std::uint16_t{0});
    const std::size_t offsets_at = detail::row_offsets_at(row);
    const auto hashes = [&](const std::byte* of) {
        std::uint64_t all = key_hash(of, offsets_at, fields);
        for (const std::uint16_t& field : fields) all ^= key_hash(of, offsets_at, {&field, 1});
        return all;
    };
    STORM_CHECK(hashes(row) == hashes(again.data()), "equal rows have equal hashes");

    if (is_control(row)) {
        std::byte copy[kControlRowBytesMax];
        const std::size_t size = write_control_row(read_control_row(row), copy);
        STORM_CHECK(size == bytes.size() && std::memcmp(copy, row, size) == 0,
                    "a control row that passes is what would be written");
    }
}

inline void read_accepted_runs(std::span<const std::byte> body) {
    std::size_t bytes = 0;
    for (const auto& run : runs_of(body)) {
        std::uint32_t rows = 0;
        for (const std::byte* row : rows_of(run.rows)) {
            const auto alone = check_row({row, detail::row_bytes(row)});
            STORM_CHECK(alone.has_value(), "a row that passes in a run passes alone");
            read_accepted_row(row);
            ++rows;
        }
        STORM_CHECK(rows == run.header.count, "a run has as many rows as it says");
        bytes += sizeof(RunHeader) + run.header.bytes;
    }
    STORM_CHECK(bytes == body.size(), "runs cover their body");
}

inline bool try_batch(std::span<const std::byte> bytes) {
    const auto header = read_batch_header(bytes);
    if (!header || bytes.size() != header->header_bytes + std::size_t{header->runs_bytes})
        return false;
    const std::span<const std::byte> runs = bytes.subspan(header->header_bytes);
    if (!check_checksum(*header, runs) || !check_runs(runs)) return false;
    read_accepted_runs(runs);
    return true;
}

/// True: accepted as something.
inline bool try_bytes(std::span<const std::byte> input) {
    const std::vector<std::byte> aligned(input.begin(), input.end());  // And its end is guarded.
    const bool is_row = check_row(aligned).has_value();
    if (is_row) read_accepted_row(aligned.data());
    const bool is_runs = check_runs(aligned).has_value();
    if (is_runs) read_accepted_runs(aligned);
    const bool is_records = check_control_records(aligned).has_value();
    const bool is_batch = try_batch(aligned);
    return is_row || is_runs || is_records || is_batch;
}

/// One row or body of each sort, to start from.
inline std::vector<std::vector<std::byte>> row_seeds() {
    const Value::Bytes bytes = {std::byte{1}, std::byte{0}, std::byte{255}};
    const Value::Map map = {{"a", -0.0}, {"b", Value::List{nullptr, ~std::uint64_t{0}}}};
    PlainRow word, scalars, nested, all;
    word.anchors.push_back({1, 2});
    word.values = {"storm", 42};
    scalars.values = {nullptr, false, true, -1, ~std::uint64_t{0}, 0.5, "", bytes};
    nested.values = {map, Value::List{map, Value::List{}, "x", Value::Map{}}};
    all.time_us = -1;
    all.anchors = {{1, 2}, {3, 4}};
    all.extensions.resize(5, std::byte{6});
    all.values = {"nine long", -0.0};

    std::vector<std::vector<std::byte>> seeds;
    for (const PlainRow& row : {PlainRow{}, word, scalars, nested, all}) {
        seeds.push_back(encode_row(row));
    }
    for (const ControlRow& control : {ControlRow(Eos{}), ControlRow(Ending{}), ControlRow(Reopen{}),
                                      ControlRow(Barrier{~std::uint64_t{0}}),
                                      ControlRow(Watermark{-1}), ControlRow(Switch{1, 2})}) {
        std::vector<std::byte>& seed = seeds.emplace_back(kControlRowBytesMax);
        seed.resize(write_control_row(control, seed.data()));
    }
    RowBytes body;
    for (std::size_t i = 0; i + 1 < seeds.size(); i += 2) {
        body.add(
            RunHeader{1, 2, 2, static_cast<std::uint32_t>(seeds[i].size() + seeds[i + 1].size())});
        body.append(seeds[i]);
        body.append(seeds[i + 1]);
    }
    seeds.push_back(body.take());
    RowBytes batch;
    batch.add(make_batch_header({1, 2, 3}, seeds.back()));
    batch.append(seeds.back());
    seeds.push_back(batch.take());
    return seeds;
}

}  // namespace storm::wire
