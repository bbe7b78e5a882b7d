// Fuzzes the decoders of what lies in ZooKeeper, of reports and of descriptions: whatever the bytes
// are, they are refused or read, and what is read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cluster/description.h"
#include "cluster/record_codec.h"
#include "cluster/records.h"
#include "cluster/reports.h"
#include "tests/cluster/any_record.h"
#include "tests/fuzz/seeded_mutator.h"

namespace storm::cluster {
namespace {

/// Fields of a newer version may come back in another order of bytes.
template <typename Record>
Record as_this_version_sees_it(Record record) {
    if constexpr (requires { record.newer; }) record.newer.clear();
    return record;
}

template <typename Record>
void try_as(std::string_view bytes) {
    const auto record = decode<Record>(bytes);
    if (!record) return;
    const auto again = decode<Record>(encode(*record));
    STORM_CHECK(again && as_this_version_sees_it(*again) == as_this_version_sees_it(*record),
                "what was read can be written");
}

void try_json(std::string_view bytes) {
    if (const auto report = supervisor_report(bytes)) {
        STORM_CHECK(supervisor_report(to_json(*report)).has_value(),
                    "what was read can be written");
    }
    if (const auto description = read_description(bytes)) {
        (void)description->component_of_executor();
    }
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(data, data + size);
    try_as<TopologyRecord>(bytes);
    try_as<Assignment>(bytes);
    try_as<SupervisorRecord>(bytes);
    try_as<NimbusRecord>(bytes);
    try_as<Leadership>(bytes);
    try_as<TopologyErrors>(bytes);
    try_as<Removal>(bytes);
    try_json(bytes);
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    return storm::testing::mutate_from_seeds(bytes, size, max_size, seed, any_record_bytes);
}

// NOLINTEND(readability-identifier-naming)

}  // namespace storm::cluster
