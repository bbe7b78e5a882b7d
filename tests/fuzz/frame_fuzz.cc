// Fuzzes what reads frames from a connection: the handshake, batches, control records. Starts
// from seeds of its own, so it needs no files.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/fuzz/link_trial.h"
#include "tests/fuzz/seeded_mutator.h"

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    storm::testing::try_frame(std::as_bytes(std::span(bytes, size)));
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    static const std::vector<std::vector<std::byte>> kSeeds = storm::testing::frame_seeds();
    return storm::testing::mutate_from_seeds(bytes, size, max_size, seed, kSeeds);
}

// NOLINTEND(readability-identifier-naming)
