#include "wire/row_codec.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <storm/detail/row.h>
#include <storm/value.h>

#include "base/check.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "wire/limits.h"

namespace storm::wire {
namespace {

using detail::kWord;
using detail::load;
using detail::padded;
using detail::Tag;

// Positions are bytes from the start of the row, all multiples of 8. So `at < end` means that a
// whole word is there, and a payload that fits also fits with its padding.

/// How far a check came. Fits in two registers.
struct Progress {
    const char* fault;  // nullptr: no fault.
    std::size_t at;     // Where the next thing starts, or the position of the fault.

    bool failed() const { return fault != nullptr; }
};
constexpr Progress reached(std::size_t at) {
    return {nullptr, at};
}

/// The padding of the word that ends at `end`, after `bytes` bytes of payload. Must be 0.
inline std::uint64_t padding_bits(const std::byte* end, std::size_t bytes) {
    // 0 … 56: without padding the mask is empty.
    const std::size_t unused_bits = 8 * (-bytes % kWord);
    return load<std::uint64_t>(end - kWord) & ~(~std::uint64_t{0} >> unused_bits);
}

constexpr std::uint64_t head(Tag tag, std::uint64_t length) {
    return static_cast<std::uint64_t>(tag) | length << 32;
}
// Values of a fixed size have exactly one possible head.
constexpr std::array<std::uint64_t, 6> kFixedHeads = {head(Tag::kNil, 0),    head(Tag::kFalse, 0),
                                                      head(Tag::kTrue, 0),   head(Tag::kInt64, 8),
                                                      head(Tag::kUint64, 8), head(Tag::kDouble, 8)};
constexpr std::uint64_t kHeadZeros = 0xFFFF'FF00;

Progress check_nested(const std::byte* row, std::size_t at, std::size_t end, std::size_t levels);

/// Checks the value at `at` < `end`; lists and maps may nest `levels` deep in it.
inline Progress check_value(const std::byte* row, std::size_t at, std::size_t end,
                            std::size_t levels) {
    const auto first = load<std::uint64_t>(row + at);
    const std::size_t tag = first & 0xFF;
    const std::size_t length = first >> 32;
    if (tag < kFixedHeads.size()) {
        if (first != kFixedHeads[tag]) return {"value with a wrong head", at};
        if (length > end - at - kWord) return {"value is cut off", at};
        if (tag == static_cast<std::size_t>(Tag::kUint64) &&
            load<std::int64_t>(row + at + kWord) >= 0) {
            return {"uint64 that is an int64", at};
        }
        return reached(at + kWord + length);
    }
    if ((first & kHeadZeros) != 0) return {"value with a wrong head", at};
    if (length > end - at - kWord) return {"value is cut off", at};
    if (tag <= static_cast<std::size_t>(Tag::kBytes)) {
        const std::size_t next = at + kWord + padded(length);
        if (padding_bits(row + next, length) != 0) return {"padding of a value is not zero", at};
        return reached(next);
    }
    if (tag <= static_cast<std::size_t>(detail::kLastTag)) {
        return check_nested(row, at, at + kWord + padded(length), levels);
    }
    return {"value with an unknown tag", at};
}

/// Checks the string at `at` < `end`, which must come after `previous` in the order of bytes.
Progress check_key(const std::byte* row, std::size_t at, std::size_t end,
                   std::optional<std::size_t> previous) {
    if (detail::value_tag(row + at) != Tag::kString) return {"key of a map is not a string", at};
    const Progress key = check_value(row, at, end, 0);
    if (key.failed()) return key;
    if (previous && detail::value_text(row + *previous) >= detail::value_text(row + at)) {
        return {"keys of a map do not ascend", at};
    }
    return key;
}

/// Checks the list or map at `at`, whose payload ends at `end`.
Progress check_nested(const std::byte* row, std::size_t at, std::size_t end, std::size_t levels) {
    const std::size_t length = detail::value_length(row + at);
    if (levels == 0) return {"lists and maps nest too deep", at};
    if (length < kWord || length % kWord != 0) return {"list or map with a wrong length", at};
    const bool is_map = detail::value_tag(row + at) == Tag::kMap;
    const auto count = load<std::uint64_t>(row + at + kWord);
    std::uint64_t items = 0;
    std::optional<std::size_t> key;
    for (std::size_t next = at + 2 * kWord; next < end; ++items) {
        if (is_map) {
            const Progress after_key = check_key(row, next, end, key);
            if (after_key.failed()) return after_key;
            if (after_key.at == end) return {"key of a map without its value", next};
            key = next;
            next = after_key.at;
        }
        const Progress item = check_value(row, next, end, levels - 1);
        if (item.failed()) return item;
        next = item.at;
    }
    if (items != count) return {"list or map with a wrong count", at};
    return reached(end);
}

/// Checks the parts before the offsets, which most rows lack.
Progress check_optional_parts(const std::byte* row, std::size_t end, unsigned flags) {
    std::size_t at = detail::kRowHeaderBytes;
    if ((flags & detail::kRowTimed) != 0) at += kWord;
    if (at > end) return {"event time is cut off", detail::kRowHeaderBytes};
    if ((flags & detail::kRowAnchored) != 0) {
        if (at == end) return {"anchors are cut off", at};
        const auto count = load<std::uint64_t>(row + at);  // Includes the zeros above the count.
        if (count == 0 || count > (end - at - kWord) / sizeof(detail::Anchor)) {
            return {"wrong number of anchors", at};
        }
        at += detail::anchor_bytes(static_cast<std::size_t>(count));
    }
    if ((flags & detail::kRowExtended) != 0) {
        if (at == end) return {"extensions are cut off", at};
        const auto bytes = load<std::uint64_t>(row + at);
        if (bytes == 0 || bytes > end - at - kWord) return {"wrong length of extensions", at};
        const std::size_t next = at + kWord + padded(static_cast<std::size_t>(bytes));
        if (padding_bits(row + next, static_cast<std::size_t>(bytes)) != 0) {
            return {"padding of the extensions is not zero", at};
        }
        at = next;
    }
    return reached(at);
}

/// Checks `values` offsets at `offsets_at`, then as many values, which must end at `end`.
template <typename Offset>
Progress check_values(const std::byte* row, std::size_t offsets_at, std::size_t end,
                      std::size_t values) {
    const std::size_t table = sizeof(Offset) * values;
    if (padded(table) > end - offsets_at) return {"offsets are cut off", offsets_at};
    std::size_t at = offsets_at + padded(table);
    if (padding_bits(row + at, table) != 0)
        return {"padding of the offsets is not zero", offsets_at};
    std::size_t differing = 0;
    for (std::size_t i = 0; i < values; ++i) {
        differing |= load<Offset>(row + offsets_at + sizeof(Offset) * i) ^ (at / kWord);
        if (at == end) return {"value is missing", at};
        const Progress value = check_value(row, at, end, detail::kNestingMax);
        if (value.failed()) return value;
        at = value.at;
    }
    if (at != end) return {"bytes after the last value", at};
    if (differing != 0) return {"an offset is not where its value starts", offsets_at};
    return reached(at);
}

/// Whether a row needs offsets of 32 bits: with 16-bit ones it would be larger than they reach.
/// REQUIRES: the row has as many offsets as it claims.
bool must_be_big(std::size_t bytes, std::size_t values, bool is_big) {
    const std::size_t small = is_big ? bytes - padded(4 * values) + padded(2 * values) : bytes;
    return small > detail::kSmallRowBytesMax;
}

/// Checks the row at `row`, of which `available` bytes (a multiple of 8) may be read.
Progress check_one(const std::byte* row, std::size_t available) {
    if (available < detail::kRowHeaderBytes) return {"row is cut off", 0};
    const std::size_t bytes = detail::row_bytes(row);
    const unsigned flags = detail::row_flags(row);
    const std::size_t values = detail::row_values(row);
    if (bytes < detail::kRowHeaderBytes || bytes % kWord != 0) return {"row with a wrong size", 0};
    if (bytes > available) return {"row is cut off", 0};
    if ((flags & ~unsigned{detail::kRowFlagsKnown}) != 0) return {"row with unknown flags", 0};
    if (values > detail::kFieldsMax) return {"row with too many values", 0};

    std::size_t offsets_at = detail::kRowHeaderBytes;
    if ((flags & ~unsigned{detail::kRowBig}) != 0) {
        const Progress parts = check_optional_parts(row, bytes, flags);
        if (parts.failed()) return parts;
        offsets_at = parts.at;
    }
    const bool is_big = (flags & detail::kRowBig) != 0;
    const Progress all = is_big ? check_values<std::uint32_t>(row, offsets_at, bytes, values)
                                : check_values<std::uint16_t>(row, offsets_at, bytes, values);
    if (all.failed()) return all;
    if (must_be_big(bytes, values, is_big) != is_big)
        return {"row with offsets of a wrong size", 0};
    if ((flags & detail::kRowControl) != 0) [[unlikely]] {
        if (const char* const fault = control_row_fault(row)) return {fault, 0};
    }
    // Not all.at, so that the check of the next row need not wait for this row's lengths.
    return reached(bytes);
}

constexpr std::size_t kPlainRowBytesMax = 4096;
constexpr std::size_t kPlainRowValuesMax = 4;  // Their offsets fill one word.

/// Whether this is a well-formed row of the most frequent kind: small, one to four values that are
/// no lists, maps or uint64, at most one anchor. On any doubt it says no; then check_one() decides,
/// and says why. Faults are collected without branches, for a single branch at the end.
inline bool is_plain(const std::byte* row, std::size_t available) {
    if (available < detail::kRowHeaderBytes) return false;
    const auto header = load<std::uint64_t>(row);
    const std::size_t bytes = header & 0xFF'FFFF;
    const std::size_t values = header >> 48;
    if (bytes > available || bytes > kPlainRowBytesMax || bytes % kWord != 0) return false;
    if (values - 1 >= kPlainRowValuesMax) return false;

    std::size_t offsets_at = detail::kRowHeaderBytes;
    const std::uint64_t flags = header >> 24 & 0xFF;
    if (flags == detail::kRowAnchored) {
        offsets_at += detail::anchor_bytes(1);
        if (bytes < offsets_at || load<std::uint64_t>(row + detail::kRowHeaderBytes) != 1)
            return false;
    } else if (flags != 0) {
        return false;
    }
    std::uint64_t offsets = 0;
    std::uint64_t wrong = 0;
    std::size_t at = offsets_at + kWord;
    for (std::size_t i = 0; i < values; ++i) {
        if (at + kWord > bytes) return false;
        offsets |= std::uint64_t{at / kWord} << (16 * i);
        const auto first = load<std::uint64_t>(row + at);
        const std::size_t tag = first & 0xFF;
        const std::size_t length = first >> 32;
        if (tag < kFixedHeads.size()) {
            wrong |= first ^ kFixedHeads[tag];
            wrong |= static_cast<std::uint64_t>(tag == static_cast<std::size_t>(Tag::kUint64));
            at += kWord + length;
        } else {
            if (tag > static_cast<std::size_t>(Tag::kBytes) || length > bytes - at - kWord)
                return false;
            at += kWord + padded(length);
            wrong |= first & kHeadZeros;
            wrong |= padding_bits(row + at, length);
        }
    }
    return (wrong | (at ^ bytes) | (offsets ^ load<std::uint64_t>(row + offsets_at))) == 0;
}

base::Error malformed(const Progress& found, std::size_t thing_at, const char* thing) {
    return {"malformed " + std::string(thing) + " at byte " + std::to_string(thing_at) + ": " +
            found.fault + ", at byte " + std::to_string(found.at) + " of it"};
}

bool is_task(std::uint32_t task) {
    return task != 0 && task <= std::uint32_t{std::numeric_limits<TaskId>::max()};
}

/// Checks the header of the run at `run`, not its rows.
Progress check_run_header(const std::byte* run, std::size_t available) {
    if (available < sizeof(RunHeader)) return {"its header is cut off", 0};
    const RunHeader header = read_run_header(run);
    if (!is_task(header.source_task) || !is_task(header.target_task)) {
        return {"its task is none", 0};
    }
    if (header.count == 0) return {"it is empty", 0};
    if (header.bytes % kWord != 0) return {"its size is not a multiple of 8", 0};
    if (header.bytes > available - sizeof(RunHeader)) return {"its rows are cut off", 0};
    return reached(sizeof(RunHeader));
}

}  // namespace

base::Result<base::Done> check_row(std::span<const std::byte> bytes) {
    if (bytes.size() % kWord != 0)
        return base::Error{"malformed row: its size is not a multiple of 8"};
    if (is_plain(bytes.data(), bytes.size()) && detail::row_bytes(bytes.data()) == bytes.size()) {
        return base::Done{};
    }
    const Progress row = check_one(bytes.data(), bytes.size());
    if (row.failed()) return malformed(row, 0, "row");
    if (row.at != bytes.size()) return malformed({"bytes after it", row.at}, 0, "row");
    return base::Done{};
}

base::Result<base::Done> check_runs(std::span<const std::byte> body) {
    if (body.size() > kBatchRunsBytesMax || body.size() % kWord != 0) {
        return base::Error{"malformed batch: " + std::to_string(body.size()) + " bytes of runs"};
    }
    for (std::size_t at = 0; at < body.size();) {
        const Progress run = check_run_header(body.data() + at, body.size() - at);
        if (run.failed()) return malformed(run, at, "run");
        const RunHeader header = read_run_header(body.data() + at);
        const std::size_t end = at + sizeof(RunHeader) + header.bytes;
        std::uint32_t rows = 0;
        std::size_t next = at + sizeof(RunHeader);
        for (; next < end; ++rows) {
            if (is_plain(body.data() + next, end - next)) [[likely]] {
                next += detail::row_bytes(body.data() + next);
                continue;
            }
            const Progress row = check_one(body.data() + next, end - next);
            if (row.failed()) return malformed(row, next, "row");
            next += row.at;
        }
        if (rows != header.count) return malformed({"it has another number of rows", 0}, at, "run");
        at = end;
    }
    return base::Done{};
}

}  // namespace storm::wire
