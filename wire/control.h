// Control records. docs/wire-format.md specifies them.
//
// Those of the data lane are rows with the flag kRowControl, between the tuples whose order they
// must keep. Those of the control lane, which data never holds up, have 24 bytes each.
//
// Threads: pure functions and plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <variant>

#include <storm/detail/row.h>
#include <storm/spout.h>
#include <storm/value.h>

#include "base/result.h"

namespace storm::wire {

// ---- Data lane ----------------------------------------------------------------------------------

/// Stored where other rows have their stream.
enum class ControlRowKind : std::uint16_t {
    kEos = 1,
    kBarrier = 2,
    kWatermark = 3,
    kSwitch = 4,
    kEnding = 5,
    kReopen = 6
};

/// No more rows on this channel, unless it is reopened.
struct Eos {
    friend bool operator==(const Eos&, const Eos&) = default;
};
/// Rows before it belong to checkpoint `id`, rows after it do not. Reserved: not sent yet.
struct Barrier {
    std::uint64_t id = 0;
    friend bool operator==(const Barrier&, const Barrier&) = default;
};
/// No later row is older than `time_us` (event time). Reserved: not sent yet.
struct Watermark {
    std::int64_t time_us = 0;
    friend bool operator==(const Watermark&, const Watermark&) = default;
};
/// The last record of a channel: from `epoch` on, its rows go to where `task` runs then. Reserved:
/// not sent yet.
struct Switch {
    std::uint64_t epoch = 0;
    TaskId task = 0;
    friend bool operator==(const Switch&, const Switch&) = default;
};
/// Nothing new comes on this channel. Tuples that fail may come again; then another Ending follows.
struct Ending {
    friend bool operator==(const Ending&, const Ending&) = default;
};
/// Takes back an EOS: something upstream of the source has started anew.
struct Reopen {
    friend bool operator==(const Reopen&, const Reopen&) = default;
};
using ControlRow = std::variant<Eos, Barrier, Watermark, Switch, Ending, Reopen>;

inline constexpr std::size_t kControlRowBytesMax = 48;

/// Writes the row and returns its bytes. REQUIRES: kControlRowBytesMax are free at `at`.
std::size_t write_control_row(const ControlRow& control, std::byte* at);

inline bool is_control(const std::byte* row) {
    return (detail::row_flags(row) & detail::kRowControl) != 0;
}
/// A tuple's row that nobody waits for: it has no anchors.
inline bool is_untracked(const std::byte* row) {
    return (detail::row_flags(row) & (detail::kRowAnchored | detail::kRowControl)) == 0;
}
/// REQUIRES: is_control(row), and check_row() accepted it.
ControlRow read_control_row(const std::byte* row);

/// Why a well-formed row is not a control row; nullptr if it is one. For check_row().
const char* control_row_fault(const std::byte* row);

// ---- Control lane -------------------------------------------------------------------------------

enum class ControlKind : std::uint8_t {
    kAck = 1,
    kFail = 2,
    kReset = 3,
    kCredit = 4,
    kFenced = 5,
    kFencedSeen = 6,
    kHeld = 7,
    kFollows = 8,
    kComplaint = 9,
    kLeaving = 10
};

struct ControlRecord {
    std::uint64_t subject;  // The root; kCredit: the channel; kFenced … kComplaint: a worker.
    // kAck: XOR of edges. kCredit: the sender may send up to this byte. kFenced, kFencedSeen,
    // kComplaint: the worker's incarnation. kHeld: how many more tuples are kept, an int64. All
    // others: 0.
    std::uint64_t amount;
    std::uint8_t kind;    // A ControlKind.
    std::uint8_t reason;  // kFail: a FailReason. Else 0.
    std::uint8_t zeros[6];

    friend bool operator==(const ControlRecord&, const ControlRecord&) = default;
};
static_assert(sizeof(ControlRecord) == 24 && std::is_trivially_copyable_v<ControlRecord>);

constexpr ControlRecord make_ack(std::uint64_t root, std::uint64_t edges) {
    return {root, edges, static_cast<std::uint8_t>(ControlKind::kAck), 0, {}};
}
constexpr ControlRecord make_fail(std::uint64_t root, FailReason reason) {
    return {root,
            0,
            static_cast<std::uint8_t>(ControlKind::kFail),
            static_cast<std::uint8_t>(reason),
            {}};
}
constexpr ControlRecord make_reset(std::uint64_t root) {
    return {root, 0, static_cast<std::uint8_t>(ControlKind::kReset), 0, {}};
}
/// Bolts now keep `more` tuples of the tree than last reported; negative: fewer.
constexpr ControlRecord make_held(std::uint64_t root, std::int32_t more) {
    return {root,
            static_cast<std::uint64_t>(std::int64_t{more}),
            static_cast<std::uint8_t>(ControlKind::kHeld),
            0,
            {}};
}
/// REQUIRES: record_fault() accepted it.
constexpr std::int32_t held_more(const ControlRecord& record) {
    return static_cast<std::int32_t>(static_cast<std::int64_t>(record.amount));
}
constexpr ControlRecord make_credit(std::uint64_t channel, std::uint64_t limit) {
    return {channel, limit, static_cast<std::uint8_t>(ControlKind::kCredit), 0, {}};
}

/// The sender has fenced incarnation `incarnation` of a worker: whatever it held is lost.
constexpr ControlRecord make_fenced(std::uint32_t worker, std::uint64_t incarnation) {
    return {worker, incarnation, static_cast<std::uint8_t>(ControlKind::kFenced), 0, {}};
}
/// The answer: the receiver has fenced it too.
constexpr ControlRecord make_fenced_seen(std::uint32_t worker, std::uint64_t incarnation) {
    return {worker, incarnation, static_cast<std::uint8_t>(ControlKind::kFencedSeen), 0, {}};
}

/// The lowest-numbered worker that the sender is connected to, or the sender itself.
constexpr ControlRecord make_follows(std::uint32_t worker) {
    return {worker, 0, static_cast<std::uint8_t>(ControlKind::kFollows), 0, {}};
}
/// The sender's link to incarnation `incarnation` of a worker has been down for the grace period.
constexpr ControlRecord make_complaint(std::uint32_t worker, std::uint64_t incarnation) {
    return {worker, incarnation, static_cast<std::uint8_t>(ControlKind::kComplaint), 0, {}};
}
/// The sender has done its part, is owed nothing, and will leave once everything it sent has a
/// receipt.
constexpr ControlRecord make_leaving() {
    return {0, 0, static_cast<std::uint8_t>(ControlKind::kLeaving), 0, {}};
}
/// Whether it names a worker, as all records do that settle which workers are fenced.
constexpr bool names_worker(const ControlRecord& record) {
    const auto kind = static_cast<ControlKind>(record.kind);
    return kind == ControlKind::kFenced || kind == ControlKind::kFencedSeen ||
           kind == ControlKind::kFollows || kind == ControlKind::kComplaint;
}

/// `bytes` may hold any number of records.
base::Result<base::Done> check_control_records(std::span<const std::byte> bytes);

/// The i-th record. REQUIRES: check_control_records() accepted the bytes; i < their number.
inline ControlRecord control_record(std::span<const std::byte> bytes, std::size_t i) {
    return detail::load<ControlRecord>(bytes.data() + i * sizeof(ControlRecord));
}

}  // namespace storm::wire
