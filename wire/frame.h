// Frames: the messages of a link between workers, in Cap'n Proto (wire/frame.capnp).
//
// Layout of a frame: u32 segments - 1 | u32 words of each | padding | segments
//
// Batches and control records are not copied into their frames: write_batch_head() and
// write_control_head() make the bytes that precede them, and the records follow in a second write
// buffer. A frame that was read is a view into the bytes that arrived.
//
// Order:   frame_bytes() until a whole frame has arrived, then read_frame(). For a batch, then
//          read_batch_header(), check_checksum() and check_runs(); for control records
//          check_checksum() and check_control_records().
// Threads: pure functions and plain values.
// Cost:    about 150 ns per frame, whatever its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace storm::wire {

/// The newest protocol version that this program speaks, and the oldest that it understands.
inline constexpr std::uint16_t kProtocolMax = 2;
inline constexpr std::uint16_t kProtocolMin = 2;

/// Limit of a frame from a peer that has not yet proved its identity.
inline constexpr std::size_t kHandshakeBytesMax = 4 * 1024;
/// Limit of any frame: the largest batch and what surrounds it.
inline constexpr std::size_t kFrameBytesMax = (32U << 20) + 4 * 1024;
/// Records in one control frame.
inline constexpr std::size_t kControlRecordsMax = 2 * 1024;
inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kMacBytes = 32;

struct Hello {
    std::uint16_t protocol_min = kProtocolMin;
    std::uint16_t protocol_max = kProtocolMax;
    std::uint32_t worker = 0;
    std::uint64_t features = 0;
    std::uint64_t incarnation = 0;
    std::string topology;
    std::string nonce;
    std::uint64_t epoch = 0;

    friend bool operator==(const Hello&, const Hello&) = default;
};
struct Challenge {
    Hello hello;
    std::string mac;
};
struct Proof {
    std::string mac;
    std::uint64_t received = 0;
    bool fenced = false;
    bool succeeded = false;
    std::uint32_t live = 0;
};
struct Ready {
    std::string mac;
    std::uint64_t received = 0;
    bool fenced = false;
    bool succeeded = false;
    std::uint32_t live = 0;
};
struct Refused {
    std::string why;
};
struct BatchFrame {
    std::span<const std::byte> batch;  ///< Header and runs, at a multiple of 8.
};
struct ControlFrame {
    std::uint64_t sequence = 0;
    std::span<const std::byte> records;  ///< At a multiple of 8.
    std::uint64_t checksum = 0;
};
struct Receipt {
    std::uint64_t sequence = 0;
};
struct Heartbeat {};

using Frame = std::variant<Hello, Challenge, Proof, Ready, Refused, BatchFrame, ControlFrame,
                           Receipt, Heartbeat>;

/// A frame without bulk data. Batches and control records have functions of their own below.
std::string write_frame(const Frame& frame);

/// The bytes that precede a batch of `bytes` bytes (header and runs). REQUIRES: a multiple of 8,
/// not 0.
std::string write_batch_head(std::size_t bytes);
/// The bytes that precede these control records. REQUIRES: as above.
std::string write_control_head(std::uint64_t sequence, std::span<const std::byte> records);

/// The length of the frame that starts with `arrived`; 0 if more must arrive to know it. An error
/// if this is not a frame, or longer than `max`. REQUIRES: `arrived` starts at a multiple of 8.
base::Result<std::size_t> frame_bytes(std::span<const std::byte> arrived, std::size_t max);

/// `bytes` is exactly one frame; the result refers into it. The content of batches and control
/// records is not checked yet, that of all other frames is. REQUIRES: starts at a multiple of 8.
base::Result<Frame> read_frame(std::span<const std::byte> bytes);
/// Whether these are the records and the sequence number that the head was made for.
base::Result<base::Done> check_checksum(const ControlFrame& frame);

}  // namespace storm::wire
