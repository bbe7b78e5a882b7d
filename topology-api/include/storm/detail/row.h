// The layout of a tuple as a row: the same bytes inside a process, over the wire and in a log.
// docs/wire-format.md specifies it; wire/row_codec.h checks rows from elsewhere.
//
//     row     header     u32 size (24 bits: bytes of the row, a multiple of 8) | flags (8 bits)
//                        u16 stream, u16 number of values
//             [TS]       i64 event time in microseconds
//             [ANCHORED] u32 count, u32 zero, count x { u64 root, u64 edge }
//             [EXT]      u32 bytes that follow, u32 zero, extensions, zeros up to a multiple of 8
//             offsets    u16 (u32 with BIG) each: where its value starts, in words of 8 bytes from
//                        the row's start; zeros up to a multiple of 8
//             values     in order, without gaps
//     value   u8 tag, three zero bytes, u32 length of the payload; payload; zeros up to a
//             multiple of 8
//     list    as a payload: u64 count, count x value
//     map     as a payload: u64 count, count x { key: a string value, value }; the keys ascend
//             bytewise
//
// Everything is little-endian and starts at a multiple of 8.
// Threads: pure functions.
// Cost:    a row of an int64 and a word takes about 3 ns to build and 2 ns to read.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <storm/value.h>

namespace storm::detail {

static_assert(std::endian::native == std::endian::little,
              "rows are little-endian and read in place");

enum class Tag : std::uint8_t {
    kNil = 0,
    kFalse = 1,
    kTrue = 2,
    kInt64 = 3,
    kUint64 = 4,  // Only above INT64_MAX, so that each number has one encoding.
    kDouble = 5,
    kString = 6,
    kBytes = 7,
    kList = 8,
    kMap = 9,
    // 10 timestamp, 11 decimal, 12 uuid, 13 float32 and 14 user record are reserved.
};
inline constexpr Tag kLastTag = Tag::kMap;
std::string_view to_string(Tag tag);

inline constexpr std::uint8_t kRowControl = 1;   // Not a tuple: see wire/control.h.
inline constexpr std::uint8_t kRowTimed = 2;     // TS
inline constexpr std::uint8_t kRowAnchored = 4;  // ANCHORED
inline constexpr std::uint8_t kRowExtended = 8;  // EXT
inline constexpr std::uint8_t kRowBig = 16;      // BIG
inline constexpr std::uint8_t kRowFlagsKnown = 31;

inline constexpr std::size_t kWord = 8;
inline constexpr std::size_t kRowHeaderBytes = 8;
inline constexpr std::size_t kRowBytesMax = (std::size_t{1} << 24) - kWord;
inline constexpr std::size_t kSmallRowBytesMax = 0xFFFF * kWord;  // Reach of u16 offsets.
inline constexpr std::size_t kFieldsMax = 1024;                   // Fields of one stream.
inline constexpr std::size_t kNestingMax = 32;  // Nesting depth of lists and maps.

/// One tuple tree that a row belongs to.
struct Anchor {
    std::uint64_t root;
    std::uint64_t edge;
};

constexpr std::size_t padded(std::size_t bytes) {
    return (bytes + (kWord - 1)) & ~(kWord - 1);
}
constexpr std::size_t anchor_bytes(std::size_t anchors) {
    return anchors == 0 ? 0 : kWord + 16 * anchors;
}

template <typename T>
T load(const std::byte* at) {
    T value;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled at once.
    std::memcpy(&value, at, sizeof(T));
    return value;
}
template <typename T>
void store(std::byte* at, T value) {
    std::memcpy(at, &value, sizeof(T));
}

/// Writes `size` bytes, then zeros up to a multiple of 8. Short text, such as words and keys, takes
/// one store per word of 8: the store buffer can forward it to the next reader (a hash, a copy),
/// which would have to wait for two overlapping stores.
inline void write_padded(std::byte* to, const char* from, std::size_t size) {
    const auto load32 = [](const char* at) {
        std::uint32_t value = 0;
        std::memcpy(&value, at, 4);
        return std::uint64_t{value};
    };
    if (size > 16) {
        store(to + padded(size) - kWord, std::uint64_t{0});
        std::memcpy(to, from, size);
    } else if (size > 8) {
        std::uint64_t head = 0, tail = 0;
        std::memcpy(&head, from, 8);
        std::memcpy(&tail, from + size - 8, 8);
        store(to, head);
        store(to + kWord, tail >> (8 * (16 - size)));
    } else if (size >= 4) {
        store(to, load32(from) | load32(from + size - 4) << (8 * (size - 4)));
    } else if (size > 0) {
        const auto at = [from](std::size_t i) {
            return std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
        };
        store(to, at(0) | at(size / 2) | at(size - 1));
    }
}

// ---- Reading a row that is known to be well-formed ----------------------------------------------

inline std::uint32_t row_bytes(const std::byte* row) {
    return load<std::uint32_t>(row) & 0xFFFFFF;
}
inline std::uint8_t row_flags(const std::byte* row) {
    return static_cast<std::uint8_t>(row[3]);
}
inline std::uint16_t row_stream(const std::byte* row) {
    return load<std::uint16_t>(row + 4);
}
inline std::uint16_t row_values(const std::byte* row) {
    return load<std::uint16_t>(row + 6);
}

/// Position of the anchor count. REQUIRES: the row is anchored.
inline std::size_t row_anchors_at(const std::byte* row) {
    return kRowHeaderBytes + ((row_flags(row) & kRowTimed) != 0 ? kWord : 0);
}
inline std::uint32_t row_anchor_count(const std::byte* row) {
    return (row_flags(row) & kRowAnchored) == 0 ? 0
                                                : load<std::uint32_t>(row + row_anchors_at(row));
}
inline Anchor row_anchor(const std::byte* row, std::size_t i) {
    return load<Anchor>(row + row_anchors_at(row) + kWord + 16 * i);
}
inline void set_row_anchor(std::byte* row, std::size_t i, Anchor anchor) {
    store(row + row_anchors_at(row) + kWord + 16 * i, anchor);
}
inline std::size_t row_offsets_at(const std::byte* row) {
    const std::uint8_t flags = row_flags(row);
    std::size_t at = kRowHeaderBytes;
    if ((flags & kRowTimed) != 0) at += kWord;
    if ((flags & kRowAnchored) != 0) at += anchor_bytes(load<std::uint32_t>(row + at));
    if ((flags & kRowExtended) != 0) at += kWord + padded(load<std::uint32_t>(row + at));
    return at;
}
inline const std::byte* row_value(const std::byte* row, std::size_t offsets_at, std::size_t i) {
    const std::size_t words = (row_flags(row) & kRowBig) != 0
                                  ? load<std::uint32_t>(row + offsets_at + 4 * i)
                                  : load<std::uint16_t>(row + offsets_at + 2 * i);
    return row + kWord * words;
}

inline Tag value_tag(const std::byte* value) {
    return static_cast<Tag>(value[0]);
}
inline std::uint32_t value_length(const std::byte* value) {
    return load<std::uint32_t>(value + 4);
}
inline std::size_t value_bytes(const std::byte* value) {
    return kWord + padded(value_length(value));
}
inline std::string_view value_text(const std::byte* value) {
    return {reinterpret_cast<const char*>(value + kWord), value_length(value)};
}
inline std::span<const std::byte> value_payload(const std::byte* value) {
    return {value + kWord, value_length(value)};
}

// ---- Writing values -----------------------------------------------------------------------------

inline std::byte* write_head(Tag tag, std::size_t length, std::byte* at) {
    store(at, static_cast<std::uint64_t>(tag) | static_cast<std::uint64_t>(length) << 32);
    return at + kWord;
}

/// An argument of emit(), reduced to the few forms that are encoded.
struct Nil {};
struct Bytes {
    std::span<const std::byte> span;
};

constexpr Nil as_encoded(std::nullptr_t) {
    return {};
}
template <std::same_as<bool> Bool>  // A template, so that no pointer converts to it.
constexpr bool as_encoded(Bool value) {
    return value;
}
template <std::integral Integer>
requires(!std::same_as<Integer, bool> &&
         !std::same_as<Integer, char>) constexpr auto as_encoded(Integer value) {
    if constexpr (std::is_unsigned_v<Integer> && sizeof(Integer) == 8) {
        return static_cast<std::uint64_t>(value);
    } else {
        return static_cast<std::int64_t>(value);
    }
}
template <std::floating_point Real>
constexpr double as_encoded(Real value) {
    return static_cast<double>(value);
}
inline std::string_view as_encoded(std::string_view value) {
    return value;
}
inline std::string_view as_encoded(const std::string& value) {
    return value;
}
inline std::string_view as_encoded(const char* value) {
    return value;
}
inline Bytes as_encoded(std::span<const std::byte> value) {
    return {value};
}
inline Bytes as_encoded(const Value::Bytes& value) {
    return {value};
}
inline const Value& as_encoded(const Value& value) {
    return value;
}

/// A type that as_encoded() takes.
template <typename T>
concept PlainValue = requires(const T& value) {
    as_encoded(value);
};
/// A user's type with a to_value() in its namespace.
template <typename T>
concept HasToValue = requires(const T& value) {
    requires PlainValue<std::remove_cvref_t<decltype(to_value(value))>>;
};

/// The form of `value` that emit() encodes. The result of a user's to_value() lives until the
/// calling expression ends.
template <typename T>
decltype(auto) plain_value(const T& value) {
    if constexpr (HasToValue<T>) {
        return to_value(value);
    } else {
        return (value);
    }
}

/// Whether emit() takes a T. If not, compilation fails, with one line that says what to do.
template <typename T>
constexpr bool can_be_emitted() {
    constexpr bool kCan = PlainValue<T> || HasToValue<T>;
    static_assert(kCan,
                  "emit() takes bool, integers (not char), floating point, nullptr, strings, bytes "
                  "and storm::Value; give any other type T a function `storm::Value to_value(const "
                  "T&)` in T's namespace, as <storm/value.h> shows");
    return kCan;
}

constexpr std::size_t encoded_bytes(Nil) {
    return kWord;
}
constexpr std::size_t encoded_bytes(bool) {
    return kWord;
}
constexpr std::size_t encoded_bytes(std::int64_t) {
    return 2 * kWord;
}
constexpr std::size_t encoded_bytes(std::uint64_t) {
    return 2 * kWord;
}
constexpr std::size_t encoded_bytes(double) {
    return 2 * kWord;
}
constexpr std::size_t encoded_bytes(std::string_view value) {
    return kWord + padded(value.size());
}
constexpr std::size_t encoded_bytes(Bytes value) {
    return kWord + padded(value.span.size());
}
/// Throws EmitError if lists and maps are nested deeper than kNestingMax.
std::size_t encoded_bytes(const Value& value);

inline std::byte* encode(Nil, std::byte* at) {
    return write_head(Tag::kNil, 0, at);
}
inline std::byte* encode(bool value, std::byte* at) {
    return write_head(value ? Tag::kTrue : Tag::kFalse, 0, at);
}
inline std::byte* encode(std::int64_t value, std::byte* at) {
    at = write_head(Tag::kInt64, 8, at);
    store(at, value);
    return at + kWord;
}
inline std::byte* encode(std::uint64_t value, std::byte* at) {
    at = write_head(std::in_range<std::int64_t>(value) ? Tag::kInt64 : Tag::kUint64, 8, at);
    store(at, value);
    return at + kWord;
}
inline std::byte* encode(double value, std::byte* at) {
    at = write_head(Tag::kDouble, 8, at);
    store(at, value);
    return at + kWord;
}
inline std::byte* encode_text(Tag tag, const char* text, std::size_t size, std::byte* at) {
    at = write_head(tag, size, at);
    write_padded(at, text, size);
    return at + padded(size);
}
inline std::byte* encode(std::string_view value, std::byte* at) {
    return encode_text(Tag::kString, value.data(), value.size(), at);
}
inline std::byte* encode(Bytes value, std::byte* at) {
    return encode_text(Tag::kBytes, reinterpret_cast<const char*>(value.span.data()),
                       value.span.size(), at);
}
std::byte* encode(const Value& value, std::byte* at);

/// The value at `value`, as an owning Value. REQUIRES: well-formed.
Value decode(const std::byte* value);

Tag tag_of(const Value& value);

/// The kind that a field must be declared as to hold such a value. kAny for nil, which fits every
/// kind, and for uint64, which fits no other.
Kind kind_of(Tag tag);

}  // namespace storm::detail
