// Limits of what other processes may send. Those of a row are in <storm/detail/row.h>.
#pragma once

#include <cstdint>

namespace storm::wire {

/// Runs of one batch. More than a row of the greatest size needs.
inline constexpr std::uint32_t kBatchRunsBytesMax = 32U << 20;
/// A batch header, with room for what later versions append.
inline constexpr std::uint16_t kBatchHeaderBytesMax = 1024;

}  // namespace storm::wire
