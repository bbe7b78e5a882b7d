// For fuzzers that make their seeds themselves: a good input now and then, and where there is
// nothing yet; else what libFuzzer does by itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size,
                                        std::size_t max_size);

namespace storm::testing {

/// `make(number)` is a good input.
template <typename Make>
std::size_t mutate_from_seeds(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                              unsigned seed, const Make& make) {
    if (size < 8 || seed % 64 == 0) {
        const std::string chosen = make(seed / 64 % 4096);
        size = std::min(chosen.size(), max_size);
        std::memcpy(bytes, chosen.data(), size);
        if (seed % 128 == 0) return size;
    }
    return LLVMFuzzerMutate(bytes, size, max_size);
}

}  // namespace storm::testing
