// Fuzzes what reads rows, runs, batches and control records from elsewhere. Starts from
// row_seeds(), so it needs no files to start from.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/fuzz/row_trial.h"
#include "tests/fuzz/seeded_mutator.h"

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    storm::wire::try_bytes(std::as_bytes(std::span(bytes, size)));
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    static const std::vector<std::vector<std::byte>> kSeeds = storm::wire::row_seeds();
    return storm::testing::mutate_from_seeds(bytes, size, max_size, seed, kSeeds);
}

// NOLINTEND(readability-identifier-naming)
