// Fuzzes what reads frames from a connection: the handshake, batches, control records. Starts
// from seeds of its own, so it needs no files.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "tests/fuzz/link_trial.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size,
                                        std::size_t max_size);

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    storm::testing::try_frame(std::as_bytes(std::span(bytes, size)));
    return 0;
}

/// A seed now and then, and where there is nothing yet; else what libFuzzer does by itself.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    static const std::vector<std::vector<std::byte>> kSeeds = storm::testing::frame_seeds();
    if (size < 8 || seed % 256 == 0) {
        const std::vector<std::byte>& chosen = kSeeds[seed / 256 % kSeeds.size()];
        size = std::min(chosen.size(), max_size);
        std::memcpy(bytes, chosen.data(), size);
        if (seed % 512 == 0) return size;
    }
    return LLVMFuzzerMutate(bytes, size, max_size);
}

// NOLINTEND(readability-identifier-naming)
