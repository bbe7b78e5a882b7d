#include "wire/control.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <string>

namespace storm::wire {
namespace {

using detail::kWord;
using detail::Tag;

/// Appends the values one by one; finish() writes the header before them.
class RowWriter {
public:
    /// At most four values, so that their offsets fill one word.
    RowWriter(std::byte* row, ControlRowKind kind, std::size_t values)
        : row_(row), kind_(kind), values_(values) {
        end_ = row + detail::kRowHeaderBytes + detail::padded(2 * values);
    }

    template <typename T>
    void add(T value) {
        offsets_ |= static_cast<std::uint64_t>(size() / kWord) << (16 * added_++);
        end_ = detail::encode(value, end_);
    }

    std::size_t finish() {
        const auto stream = static_cast<std::uint64_t>(kind_);
        detail::store(row_, std::uint64_t{size()} | std::uint64_t{detail::kRowControl} << 24 |
                                stream << 32 | std::uint64_t{values_} << 48);
        if (values_ != 0) detail::store(row_ + detail::kRowHeaderBytes, offsets_);
        return size();
    }

private:
    std::size_t size() const { return static_cast<std::size_t>(end_ - row_); }

    std::byte* row_;
    std::byte* end_;
    ControlRowKind kind_;
    std::size_t values_;
    std::size_t added_ = 0;
    std::uint64_t offsets_ = 0;
};

struct WriteAt {
    std::byte* at;

    std::size_t operator()(const Eos&) const {
        return RowWriter(at, ControlRowKind::kEos, 0).finish();
    }
    std::size_t operator()(const Barrier& barrier) const {
        RowWriter row(at, ControlRowKind::kBarrier, 1);
        row.add(barrier.id);
        return row.finish();
    }
    std::size_t operator()(const Watermark& watermark) const {
        RowWriter row(at, ControlRowKind::kWatermark, 1);
        row.add(watermark.time_us);
        return row.finish();
    }
    std::size_t operator()(const Switch& change) const {
        RowWriter row(at, ControlRowKind::kSwitch, 2);
        row.add(change.epoch);
        row.add(std::int64_t{change.task});
        return row.finish();
    }
    std::size_t operator()(const Ending&) const {
        return RowWriter(at, ControlRowKind::kEnding, 0).finish();
    }
    std::size_t operator()(const Reopen&) const {
        return RowWriter(at, ControlRowKind::kReopen, 0).finish();
    }
};

const std::byte* value_at(const std::byte* row, std::size_t i) {
    return detail::row_value(row, detail::row_offsets_at(row), i);
}
/// A non-negative integer, with whichever of the two tags its size demands.
bool is_unsigned(const std::byte* value) {
    const Tag tag = detail::value_tag(value);
    return tag == Tag::kUint64 ||
           (tag == Tag::kInt64 && detail::load<std::int64_t>(value + kWord) >= 0);
}
bool is_task(const std::byte* value) {
    if (detail::value_tag(value) != Tag::kInt64) return false;
    const auto task = detail::load<std::int64_t>(value + kWord);
    return task > 0 && task <= std::numeric_limits<TaskId>::max();
}

// Nearly all records are acks, so they get one comparison.
bool is_plain_ack(const ControlRecord& record) {
    std::uint64_t tail = 0;
    static_assert(offsetof(ControlRecord, kind) == 16 && sizeof(record) == 24);
    std::memcpy(&tail, &record.kind, sizeof(tail));
    return tail == static_cast<std::uint64_t>(ControlKind::kAck);
}

const char* record_fault(const ControlRecord& record) {
    if (is_plain_ack(record)) [[likely]]
        return nullptr;
    for (const std::uint8_t zero : record.zeros) {
        if (zero != 0) return "is not zero where it must be";
    }
    const auto kind = static_cast<ControlKind>(record.kind);
    if (kind != ControlKind::kFail && record.reason != 0) return "has a reason without a failure";
    switch (kind) {
        case ControlKind::kAck:
        case ControlKind::kCredit:
            return nullptr;
        case ControlKind::kFenced:
        case ControlKind::kFencedSeen:
        case ControlKind::kFollows:
        case ControlKind::kComplaint:
            if (record.subject > std::numeric_limits<std::uint32_t>::max())
                return "has an impossible worker";
            return kind == ControlKind::kFollows && record.amount != 0 ? "has an amount" : nullptr;
        case ControlKind::kLeaving:
            return record.subject == 0 && record.amount == 0 ? nullptr : "has a subject";
        case ControlKind::kFail:
            if (record.reason > static_cast<std::uint8_t>(FailReason::kOverflow)) {
                return "has an unknown reason";
            }
            [[fallthrough]];
        case ControlKind::kReset:
            return record.amount == 0 ? nullptr : "has an amount";
        case ControlKind::kHeld: {
            const auto more = static_cast<std::int64_t>(record.amount);
            return more != 0 && more == held_more(record) ? nullptr : "has an impossible amount";
        }
    }
    return "is of an unknown kind";
}

}  // namespace

std::size_t write_control_row(const ControlRow& control, std::byte* at) {
    return std::visit(WriteAt{at}, control);
}

ControlRow read_control_row(const std::byte* row) {
    const auto number = [row](std::size_t i) {
        return detail::load<std::uint64_t>(value_at(row, i) + kWord);
    };
    switch (static_cast<ControlRowKind>(detail::row_stream(row))) {
        case ControlRowKind::kEos:
            return Eos{};
        case ControlRowKind::kBarrier:
            return Barrier{number(0)};
        case ControlRowKind::kWatermark:
            return Watermark{static_cast<std::int64_t>(number(0))};
        case ControlRowKind::kSwitch:
            return Switch{number(0), static_cast<TaskId>(number(1))};
        case ControlRowKind::kEnding:
            return Ending{};
        case ControlRowKind::kReopen:
            return Reopen{};
    }
    STORM_CHECK(false, "check_row() refuses control rows of unknown kinds");
}

const char* control_row_fault(const std::byte* row) {
    if (detail::row_flags(row) != detail::kRowControl) return "control row with other flags";
    const std::size_t values = detail::row_values(row);
    switch (static_cast<ControlRowKind>(detail::row_stream(row))) {
        case ControlRowKind::kEos:
            return values == 0 ? nullptr : "EOS with values";
        case ControlRowKind::kBarrier:
            return values == 1 && is_unsigned(value_at(row, 0)) ? nullptr
                                                                : "BARRIER without its id";
        case ControlRowKind::kWatermark:
            return values == 1 && detail::value_tag(value_at(row, 0)) == Tag::kInt64
                       ? nullptr
                       : "WATERMARK without its time";
        case ControlRowKind::kSwitch:
            return values == 2 && is_unsigned(value_at(row, 0)) && is_task(value_at(row, 1))
                       ? nullptr
                       : "SWITCH without its epoch and task";
        case ControlRowKind::kEnding:
            return values == 0 ? nullptr : "ENDING with values";
        case ControlRowKind::kReopen:
            return values == 0 ? nullptr : "REOPEN with values";
    }
    return "control row of an unknown kind";
}

base::Result<base::Done> check_control_records(std::span<const std::byte> bytes) {
    if (bytes.size() % sizeof(ControlRecord) != 0) {
        return base::Error{"cannot accept control records: " + std::to_string(bytes.size()) +
                           " bytes are not a whole number of them"};
    }
    for (std::size_t i = 0; i < bytes.size() / sizeof(ControlRecord); ++i) {
        if (const char* const fault = record_fault(control_record(bytes, i))) {
            return base::Error{"cannot accept control record " + std::to_string(i) + ": it " +
                               fault};
        }
    }
    return base::Done{};
}

}  // namespace storm::wire
