// Hashes of keys, which each row of a fields grouping needs.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <storm/detail/row.h>

#include "wire/hash.h"

namespace storm::wire {
namespace {

/// A row without anchors, of these values.
template <typename... Values>
std::vector<std::byte> row_of(const Values&... values) {
    constexpr std::size_t kCount = sizeof...(Values);
    const std::size_t head = detail::kRowHeaderBytes + detail::padded(2 * kCount);
    const std::size_t bytes = head + (detail::encoded_bytes(values) + ...);
    std::vector<std::byte> row(bytes);
    detail::store(row.data(), std::uint64_t{bytes} | std::uint64_t{kCount} << 48);
    std::byte* at = row.data() + head;
    std::size_t i = 0;
    const auto write = [&](const auto& value) {
        const auto word = static_cast<std::uint16_t>((at - row.data()) / 8);
        detail::store(row.data() + detail::kRowHeaderBytes + 2 * i++, word);
        at = detail::encode(value, at);
    };
    (write(values), ...);
    return row;
}

void hash_all(benchmark::State& state, const std::vector<std::byte>& row,
              std::span<const std::uint16_t> fields) {
    const std::size_t offsets_at = detail::row_offsets_at(row.data());
    const std::byte* at = row.data();
    for (auto _ : state) {
        benchmark::DoNotOptimize(at);
        benchmark::DoNotOptimize(key_hash(at, offsets_at, fields));
    }
    state.SetItemsProcessed(state.iterations());
}

constexpr std::array<std::uint16_t, 1> kFirst = {0};
constexpr std::array<std::uint16_t, 2> kBoth = {0, 1};

void BM_HashInt64(benchmark::State& state) {
    hash_all(state, row_of(std::int64_t{42}), kFirst);
}
BENCHMARK(BM_HashInt64);

void BM_HashWord(benchmark::State& state) {
    const std::string word(static_cast<std::size_t>(state.range(0)), 'w');
    hash_all(state, row_of(std::string_view(word)), kFirst);
}
BENCHMARK(BM_HashWord)->Arg(5)->Arg(12)->Arg(100);

void BM_HashTwoFields(benchmark::State& state) {
    hash_all(state, row_of(std::int64_t{42}, std::string_view("word")), kBoth);
}
BENCHMARK(BM_HashTwoFields);

}  // namespace
}  // namespace storm::wire
