// What the records and messages of a cluster may hold at most. Readers refuse more, so writers must
// not write it.
//
// Sizes of whole records and messages: kRecordBytesMax, kWorkerMessageBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>

#include <storm/detail/names.h>

namespace storm::cluster {

/// Of a topology; its id has some digits more.
inline constexpr std::size_t kNameBytesMax = 128;
/// Of anything that is a file name, a host or a node's name.
inline constexpr std::size_t kIdBytesMax = detail::kIdBytesMax;
/// Of one topology; more than anybody has.
inline constexpr std::uint32_t kWorkersMax = 1U << 16;
/// A root id names its task with 20 bits; each executor has a task or more.
inline constexpr std::uint32_t kTasksMax = (1U << 20) - 1;
inline constexpr std::size_t kArtifactsMax = 256;
inline constexpr std::size_t kSlotsMax = 4096;
inline constexpr std::size_t kSecretBytes = 32;
/// An incarnation has 32 bits for it.
inline constexpr std::uint64_t kEpochMax = 0xffff'ffff;
/// 2^63 microseconds is the last one that is of use.
inline constexpr std::size_t kLatencyBucketsMax = 64;
/// Of one component, in one report.
inline constexpr std::size_t kReportErrorsMax = 20;
/// Of a Unix socket's path, with its final zero.
inline constexpr std::size_t kSocketPathBytesMax = 108;
/// Lines of stderr in a WorkerStatus.
inline constexpr std::size_t kStderrLinesMax = 100;

}  // namespace storm::cluster
