// Runs and batches: how rows travel together. docs/wire-format.md specifies them.
//
//     batch   BatchHeader (only between processes) | run | run | …
//     run     RunHeader | row | row | …   of one (source task, target task), in order of emission
//
// Everything starts at a multiple of 8. Several runs may have the same pair of tasks.
//
// Order:   for a batch from elsewhere: read_batch_header(), check_checksum(), check_runs()
//          (wire/row_codec.h), and only then runs_of() and rows_of().
// Threads: pure functions and plain values.
// Cost:    runs_of() and rows_of() read one header per step; the checksum costs as much as a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <storm/detail/row.h>

#include "base/result.h"
#include "wire/limits.h"

namespace storm::wire {

struct RunHeader {
    std::uint32_t source_task;
    std::uint32_t target_task;
    std::uint32_t count;  // Rows.
    std::uint32_t bytes;  // Bytes of the rows, without this header.
};
static_assert(sizeof(RunHeader) == 16 && std::is_trivially_copyable_v<RunHeader>);

inline constexpr std::uint16_t kBatchFormat = 1;

/// Precedes the runs when a batch travels between processes.
struct BatchHeader {
    std::uint16_t format;  // kBatchFormat
    // Offset of the runs. Readers skip whatever lies between sizeof(BatchHeader) and there.
    std::uint16_t header_bytes;
    std::uint32_t schema_version;
    std::uint64_t source_incarnation;
    std::uint64_t sequence;
    std::uint32_t runs_bytes;
    std::uint32_t zero;
    std::uint64_t checksum;  // XXH3_64bits, seed 0, of the runs.
};
static_assert(sizeof(BatchHeader) == 40 && std::is_trivially_copyable_v<BatchHeader>);

/// Header fields that only the sender knows.
struct BatchOrigin {
    std::uint32_t schema_version = 0;
    std::uint64_t source_incarnation = 0;
    std::uint64_t sequence = 0;
};

/// REQUIRES: runs.size() <= kBatchRunsBytesMax, a multiple of 8.
BatchHeader make_batch_header(const BatchOrigin& origin, std::span<const std::byte> runs);

/// Reads the header at the start of `bytes`. It need not be complete; if it is returned, the batch
/// is header_bytes + runs_bytes long, and both are within their limits.
base::Result<BatchHeader> read_batch_header(std::span<const std::byte> bytes);

/// Whether these are the runs that the header was made for. REQUIRES: runs.size() ==
/// header.runs_bytes.
base::Result<base::Done> check_checksum(const BatchHeader& header, std::span<const std::byte> runs);

/// Reads the header at `run`, or replaces it: the header of a growing run changes with each row.
inline RunHeader read_run_header(const std::byte* run) {
    return detail::load<RunHeader>(run);
}
inline void write_run_header(std::byte* run, const RunHeader& header) {
    detail::store(run, header);
}

struct Run {
    RunHeader header;
    std::span<const std::byte> rows;
};

/// The end of a range whose iterator knows when it is done.
struct AtEnd {};

/// The runs of a batch body that check_runs() accepted: `for (const Run& run : runs_of(body))`.
class RunsOf {
public:
    class Iterator {
    public:
        explicit Iterator(std::span<const std::byte> left) : left_(left) {}
        Run operator*() const {
            const RunHeader header = read_run_header(left_.data());
            return {header, left_.subspan(sizeof(RunHeader), header.bytes)};
        }
        Iterator& operator++() {
            left_ = left_.subspan(sizeof(RunHeader) + read_run_header(left_.data()).bytes);
            return *this;
        }
        friend bool operator==(const Iterator& it, AtEnd) { return it.left_.empty(); }

    private:
        std::span<const std::byte> left_;
    };

    explicit RunsOf(std::span<const std::byte> body) : body_(body) {}
    Iterator begin() const { return Iterator(body_); }
    static AtEnd end() { return {}; }

private:
    std::span<const std::byte> body_;
};
inline RunsOf runs_of(std::span<const std::byte> body) {
    return RunsOf(body);
}

/// The rows of a run: `for (const std::byte* row : rows_of(run.rows))`.
class RowsOf {
public:
    class Iterator {
    public:
        Iterator(const std::byte* at, const std::byte* end) : at_(at), end_(end) {}
        const std::byte* operator*() const { return at_; }
        Iterator& operator++() {
            at_ += detail::row_bytes(at_);
            return *this;
        }
        friend bool operator==(const Iterator& it, AtEnd) { return it.at_ == it.end_; }

    private:
        const std::byte* at_;
        const std::byte* end_;
    };

    explicit RowsOf(std::span<const std::byte> rows) : rows_(rows) {}
    Iterator begin() const { return {rows_.data(), rows_.data() + rows_.size()}; }
    static AtEnd end() { return {}; }

private:
    std::span<const std::byte> rows_;
};
inline RowsOf rows_of(std::span<const std::byte> rows) {
    return RowsOf(rows);
}

}  // namespace storm::wire
