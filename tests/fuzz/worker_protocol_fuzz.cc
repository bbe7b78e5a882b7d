// Fuzzes what a Supervisor reads from workers, and a worker from its Supervisor: the first byte
// says in what pieces the rest arrives.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cluster/worker_protocol.h"
#include "tests/cluster/any_record.h"
#include "tests/fuzz/seeded_mutator.h"

namespace storm::cluster {
namespace {

template <typename Message>
void try_stream(std::string_view bytes, std::size_t piece) {
    MessageReader<Message> reader;
    while (!bytes.empty()) {
        const std::string_view some = bytes.substr(0, piece);
        bytes.remove_prefix(some.size());
        reader.append(some);
        const auto messages = reader.take();
        if (!messages) return;
        for (const Message& message : *messages) {
            MessageReader<Message> again;
            again.append(encode(message));
            const auto same = again.take();
            STORM_CHECK(same && same->size() == 1, "what was read can be written");
        }
    }
}

std::string seed_of(std::uint64_t seed) {
    AnyRecord any(seed);
    const std::string piece(1, static_cast<char>(any.below(256)));
    switch (seed % 3) {
        case 0:
            return piece + encode(any.to_worker()) + encode(any.to_worker());
        case 1:
            return piece + encode(any.to_supervisor()) + encode(any.to_supervisor());
        default:
            return piece + encode(any.bootstrap());
    }
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string bytes(data + 1, data + size);
    const std::size_t piece = 1 + std::size_t{data[0]};
    try_stream<ToWorker>(bytes, piece);
    try_stream<ToSupervisor>(bytes, piece);
    if (const auto bootstrap = decode_bootstrap(bytes)) {
        STORM_CHECK(decode_bootstrap(encode(*bootstrap)).has_value(),
                    "what was read can be written");
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    return storm::testing::mutate_from_seeds(bytes, size, max_size, seed, seed_of);
}

// NOLINTEND(readability-identifier-naming)

}  // namespace storm::cluster
