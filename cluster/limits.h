// Limits of a cluster's records and messages. Readers refuse more, so writers must not write more.
//
// Sizes of whole records and messages: kRecordBytesMax, kWorkerMessageBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>

#include <storm/detail/names.h>

namespace storm::cluster {

/// Name of a topology; its id has some digits more.
inline constexpr std::size_t kNameBytesMax = 128;
/// File names, hosts, names of nodes.
inline constexpr std::size_t kIdBytesMax = detail::kIdBytesMax;
/// Workers of one topology; more than anybody has.
inline constexpr std::uint32_t kWorkersMax = 1U << 16;
/// A root id names its task with 20 bits; each executor has at least one task.
inline constexpr std::uint32_t kTasksMax = (1U << 20) - 1;
inline constexpr std::size_t kArtifactsMax = 256;
inline constexpr std::size_t kSlotsMax = 4096;
inline constexpr std::size_t kSecretBytes = 32;
/// Key in the mark of a removal. A key that cluster/seal.h has sealed has 75.
inline constexpr std::size_t kSealedKeyBytesMax = 256;
/// An incarnation has 32 bits for the epoch.
inline constexpr std::uint64_t kEpochMax = 0xffff'ffff;
/// Bucket 63, up to 2^63 microseconds, is the last useful one.
inline constexpr std::size_t kLatencyBucketsMax = 64;
/// Errors of one component in one report.
inline constexpr std::size_t kReportErrorsMax = 20;
/// Status texts of one component's tasks in one report, and the bytes of each.
inline constexpr std::size_t kStatusesMax = 20;
inline constexpr std::size_t kStatusBytesMax = 500;
/// Path of a Unix socket, with its final zero.
inline constexpr std::size_t kSocketPathBytesMax = 108;
/// Lines of stderr in a WorkerStatus.
inline constexpr std::size_t kStderrLinesMax = 100;

}  // namespace storm::cluster
