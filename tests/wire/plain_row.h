// A row taken apart, and put together again by the letter of docs/wire-format.md: what the codec's
// tests compare with. Slow and simple.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <storm/detail/row.h>
#include <storm/value.h>

namespace storm::wire {

struct PlainRow {
    bool is_control = false;
    std::uint16_t stream = 0;
    std::optional<std::int64_t> time_us;
    std::vector<detail::Anchor> anchors;
    std::vector<std::byte> extensions;
    std::vector<Value> values;
};

inline std::uint8_t flags_of(const PlainRow& row) {
    unsigned flags = 0;
    if (row.is_control) flags |= detail::kRowControl;
    if (row.time_us) flags |= detail::kRowTimed;
    if (!row.anchors.empty()) flags |= detail::kRowAnchored;
    if (!row.extensions.empty()) flags |= detail::kRowExtended;
    return static_cast<std::uint8_t>(flags);
}

/// Grows by what is appended.
class RowBytes {
public:
    template <typename T>
    void add(T value) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + sizeof(T));
        detail::store(bytes_.data() + at, value);
    }
    void append(std::span<const std::byte> more) {
        bytes_.insert(bytes_.end(), more.begin(), more.end());
    }
    void pad() { bytes_.resize(detail::padded(bytes_.size())); }
    std::size_t size() const { return bytes_.size(); }
    std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

inline std::vector<std::byte> encode_row(const PlainRow& row) {
    std::vector<std::vector<std::byte>> values;
    std::size_t small = detail::kRowHeaderBytes + detail::padded(2 * row.values.size());
    for (const Value& value : row.values) {
        std::vector<std::byte>& record = values.emplace_back(detail::encoded_bytes(value));
        detail::encode(value, record.data());
        small += record.size();
    }
    if (row.time_us) small += 8;
    small += detail::anchor_bytes(row.anchors.size());
    if (!row.extensions.empty()) small += 8 + detail::padded(row.extensions.size());
    const bool big = small > detail::kSmallRowBytesMax;

    RowBytes out;
    out.add(std::uint64_t{0});
    if (row.time_us) out.add(*row.time_us);
    if (!row.anchors.empty()) out.add(std::uint64_t{row.anchors.size()});
    for (const detail::Anchor& anchor : row.anchors) out.add(anchor);
    if (!row.extensions.empty()) {
        out.add(std::uint64_t{row.extensions.size()});
        out.append(row.extensions);
        out.pad();
    }
    std::size_t at = out.size() + detail::padded((big ? 4 : 2) * values.size());
    for (const std::vector<std::byte>& record : values) {
        if (big) {
            out.add(static_cast<std::uint32_t>(at / 8));
        } else {
            out.add(static_cast<std::uint16_t>(at / 8));
        }
        at += record.size();
    }
    out.pad();
    for (const std::vector<std::byte>& record : values) out.append(record);

    std::vector<std::byte> bytes = out.take();
    const auto flags = static_cast<std::uint64_t>(flags_of(row) | (big ? detail::kRowBig : 0));
    detail::store(bytes.data(), std::uint64_t{bytes.size()} | flags << 24 |
                                    std::uint64_t{row.stream} << 32 |
                                    std::uint64_t{row.values.size()} << 48);
    return bytes;
}

/// REQUIRES: a well-formed row.
inline PlainRow decode_row(const std::byte* row) {
    const unsigned flags = detail::row_flags(row);
    PlainRow plain;
    plain.is_control = (flags & detail::kRowControl) != 0;
    plain.stream = detail::row_stream(row);
    if ((flags & detail::kRowTimed) != 0) plain.time_us = detail::load<std::int64_t>(row + 8);
    for (std::size_t i = 0; i < detail::row_anchor_count(row); ++i) {
        plain.anchors.push_back(detail::row_anchor(row, i));
    }
    if ((flags & detail::kRowExtended) != 0) {
        const std::byte* const at = row + detail::kRowHeaderBytes + (plain.time_us ? 8 : 0) +
                                    detail::anchor_bytes(plain.anchors.size());
        const auto size = detail::load<std::uint32_t>(at);
        plain.extensions.assign(at + 8, at + 8 + size);
    }
    const std::size_t offsets_at = detail::row_offsets_at(row);
    for (std::size_t i = 0; i < detail::row_values(row); ++i) {
        plain.values.push_back(detail::decode(detail::row_value(row, offsets_at, i)));
    }
    return plain;
}

}  // namespace storm::wire
