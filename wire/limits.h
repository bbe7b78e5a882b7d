// The limits of what is read from elsewhere. Those of a row are in <storm/detail/row.h>.
#pragma once

#include <cstdint>

namespace storm::wire {

/// Of the runs of one batch. More than one row of the greatest size needs.
inline constexpr std::uint32_t kBatchRunsBytesMax = 32U << 20;
/// Of a batch header, with what later versions append to it.
inline constexpr std::uint16_t kBatchHeaderBytesMax = 1024;

}  // namespace storm::wire
