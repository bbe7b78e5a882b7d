// For fuzzers that make their seeds themselves: a good input now and then, and where there is
// nothing yet; else what libFuzzer does by itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size,
                                        std::size_t max_size);

namespace storm::testing {

/// `make(number)` is a good input: bytes or letters. One of `period` mutations begins with one, and
/// half of these are left as they are.
template <typename Make>
std::size_t mutate_from_seeds(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                              unsigned seed, const Make& make, unsigned period = 64) {
    if (size < 8 || seed % period == 0) {
        const auto& chosen = make(seed / period % 4096);
        size = std::min(chosen.size(), max_size);
        std::memcpy(bytes, chosen.data(), size);
        if (seed % (2 * period) == 0) return size;
    }
    return LLVMFuzzerMutate(bytes, size, max_size);
}

/// The same with seeds that there are already.
inline std::size_t mutate_from_seeds(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                                     unsigned seed,
                                     const std::vector<std::vector<std::byte>>& seeds) {
    return mutate_from_seeds(
        bytes, size, max_size,
        seed, [&seeds](unsigned number) -> const auto& { return seeds[number % seeds.size()]; },
        256);
}

}  // namespace storm::testing
