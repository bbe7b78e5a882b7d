#include "wire/batch.h"

#include <string>

#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace storm::wire {
namespace {

base::Error refused(const std::string& why) {
    return {"cannot accept batch: " + why};
}

}  // namespace

BatchHeader make_batch_header(const BatchOrigin& origin, std::span<const std::byte> runs) {
    STORM_CHECK(runs.size() <= kBatchRunsBytesMax, "senders keep batches within the limit");
    STORM_CHECK(runs.size() % detail::kWord == 0, "runs consist of words");
    return {.format = kBatchFormat,
            .header_bytes = sizeof(BatchHeader),
            .schema_version = origin.schema_version,
            .source_incarnation = origin.source_incarnation,
            .sequence = origin.sequence,
            .runs_bytes = static_cast<std::uint32_t>(runs.size()),
            .zero = 0,
            .checksum = XXH3_64bits(runs.data(), runs.size())};
}

base::Result<BatchHeader> read_batch_header(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(BatchHeader)) return refused("its header is cut off");
    const auto header = detail::load<BatchHeader>(bytes.data());
    if (header.format != kBatchFormat) {
        return refused("format version " + std::to_string(header.format) + ", this program knows " +
                       std::to_string(kBatchFormat));
    }
    if (header.header_bytes < sizeof(BatchHeader) || header.header_bytes > kBatchHeaderBytesMax ||
        header.header_bytes % detail::kWord != 0) {
        return refused("its header has " + std::to_string(header.header_bytes) + " bytes");
    }
    if (header.runs_bytes > kBatchRunsBytesMax || header.runs_bytes % detail::kWord != 0) {
        return refused("its runs have " + std::to_string(header.runs_bytes) + " bytes");
    }
    if (header.zero != 0) return refused("its header is not zero where it must be");
    return header;
}

base::Result<base::Done> check_checksum(const BatchHeader& header,
                                        std::span<const std::byte> runs) {
    STORM_CHECK(runs.size() == header.runs_bytes, "the caller has cut out what the header says");
    if (XXH3_64bits(runs.data(), runs.size()) != header.checksum) {
        return refused("its checksum differs: it was damaged on the way");
    }
    return base::Done{};
}

}  // namespace storm::wire
