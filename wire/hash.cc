#include "wire/hash.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#include <storm/detail/row.h>

// Inlined: a call for each row costs more than hashing a word. So no library is needed either.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace storm::wire {
namespace {

using detail::kWord;
using detail::Tag;

constexpr std::size_t kStackBytes = 1024;
constexpr std::uint64_t kQuietNan = 0x7FF8'0000'0000'0000;
static_assert(std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN()) == kQuietNan);

/// The record of a value without the zeros behind its payload.
std::size_t hashed_bytes(const std::byte* value) {
    return kWord + detail::value_length(value);
}

bool is_canonical(Tag tag) {
    return tag != Tag::kDouble && tag <= Tag::kBytes;
}

void canonicalise_double(std::byte* payload) {
    const auto value = detail::load<double>(payload);
    if (value == 0) detail::store(payload, 0.0);
    if (value != value) detail::store(payload, kQuietNan);
}

/// Makes all doubles in the records from `at` to `end` canonical. Of a list or map only the head
/// and the count are skipped, so that its items come next, however deep they are.
void canonicalise(std::byte* at, const std::byte* end) {
    while (at < end) {
        const Tag tag = detail::value_tag(at);
        if (tag == Tag::kDouble) canonicalise_double(at + kWord);
        at += tag >= Tag::kList ? 2 * kWord : detail::value_bytes(at);
    }
}

std::uint64_t hash_copy(const std::byte* row, std::size_t offsets_at,
                        std::span<const std::uint16_t> fields, std::byte* copy) {
    std::byte* end = copy;
    for (const std::uint16_t field : fields) {
        const std::byte* const value = detail::row_value(row, offsets_at, field);
        const std::size_t bytes = hashed_bytes(value);
        std::memcpy(end, value, bytes);
        if (!is_canonical(detail::value_tag(value))) canonicalise(end, end + bytes);
        end += bytes;
    }
    return XXH3_64bits(copy, static_cast<std::size_t>(end - copy));
}

std::uint64_t hash_by_copy(const std::byte* row, std::size_t offsets_at,
                           std::span<const std::uint16_t> fields) {
    std::size_t bytes = 0;
    for (const std::uint16_t field : fields) {
        bytes += hashed_bytes(detail::row_value(row, offsets_at, field));
    }
    if (bytes > kStackBytes) {
        std::vector<std::byte> copy(bytes);
        return hash_copy(row, offsets_at, fields, copy.data());
    }
    std::array<std::byte, kStackBytes> copy;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    return hash_copy(row, offsets_at, fields, copy.data());
}

/// XXH3_64bits of a record with 1 to 8 bytes of payload, from its two words. XXH3_len_9to16_64b
/// gives the same, but its second load overlaps both words, and so waits until the row, written a
/// moment ago, has left the store buffer.
std::uint64_t hash_two_words(std::uint64_t head, std::uint64_t payload, unsigned payload_bytes) {
    const unsigned bits = 8 * payload_bytes;
    const std::uint64_t last = bits == 64 ? payload : head >> bits | payload << (64 - bits);
    const std::uint64_t low =
        head ^ XXH_readLE64(XXH3_kSecret + 24) ^ XXH_readLE64(XXH3_kSecret + 32);
    const std::uint64_t high =
        last ^ XXH_readLE64(XXH3_kSecret + 40) ^ XXH_readLE64(XXH3_kSecret + 48);
    return XXH3_avalanche(kWord + payload_bytes + XXH_swap64(low) + high +
                          XXH3_mul128_fold64(low, high));
}

}  // namespace

std::uint64_t key_hash(const std::byte* row, std::size_t offsets_at,
                       std::span<const std::uint16_t> fields) {
    if (fields.size() == 1) [[likely]] {
        const std::byte* const value = detail::row_value(row, offsets_at, fields.front());
        if (is_canonical(detail::value_tag(value))) [[likely]] {
            const std::uint32_t length = detail::value_length(value);
            if (length - 1 < kWord) {
                return hash_two_words(detail::load<std::uint64_t>(value),
                                      detail::load<std::uint64_t>(value + kWord), length);
            }
            return XXH3_64bits(value, hashed_bytes(value));
        }
    }
    return hash_by_copy(row, offsets_at, fields);
}

}  // namespace storm::wire
