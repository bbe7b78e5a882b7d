// What arrives from one other worker: checked, counted, and pushed into the loops.
//
// A peer is hostile until its bytes have been looked at: every task, stream, field count and root
// in them must be one that it may name, and it may send no more than its credit. Whatever is wrong
// ends the connection; nothing of a bad batch is used.
//
// Threads: the links' thread.
// Cost:    about 7 ns a row, and one copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "wire/batch.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/executor.h"
#include "worker/executor/shared.h"

namespace storm::worker {

class Inbound {
public:
    Inbound(Shared& shared, std::uint32_t worker);

    /// `runs`: the body of a batch whose checksum was right.
    base::Result<base::Done> take_batch(std::span<const std::byte> runs);
    /// Whether all roots that acks, fails, resets and holds name are of spouts here.
    /// REQUIRES: wire::check_control_records(records).
    base::Result<base::Done> check_control(std::span<const std::byte> records) const;
    /// Acks, fails, resets and holds; the rest is for the caller. REQUIRES: check_control(records).
    void take_control(std::span<const std::byte> records);

    /// Some channel of it has sent more than its credit and what one call may emit, and has not got
    /// the credit for it yet.
    bool overfull();
    /// All tasks of it have said to all that listen here that nothing more comes.
    bool all_ended() const { return open_ends_ == 0; }
    /// The peer is gone for good, in this life and all others: its tasks have ended, wherever they
    /// were.
    void end_sources();

    /// A new life of the peer: its tasks begin anew, unless it was given up, and its credit is
    /// counted from here.
    void start_life();
    /// As the peer counts, for what `record` says of one of its channels.
    CreditRecord credit(const CreditRecord& record) const;
    /// All channels, as we count: the first thing that the peer must know.
    std::vector<CreditRecord> all_credits() const;

private:
    struct From {
        Channel* channel = nullptr;         // Null: no such channel.
        std::vector<std::uint16_t> fields;  // By stream; kNotSubscribed.
        std::uint64_t received = 0;         // Bytes, in all lives.
        std::uint64_t base = 0;             // Of these, before this life.
        TaskId first_source = 0;
        TaskId first_target = 0;
        std::size_t targets = 0;  // Tasks.
        std::vector<bool> ended;  // By source task, then target task.
    };
    /// An end of a stream, or that it goes on, in the batch that is looked at.
    struct End {
        From* from;
        TaskId source;
        TaskId target;
        bool ended;
    };

    From* from(TaskId source, TaskId target);
    const char* fault_in_row(const std::byte* row, const From& from) const;
    base::Result<base::Done> check(std::span<const std::byte> runs);
    void note_end(const wire::RunHeader& run, From& from, const std::byte* row);
    void set_ended(const End& end);
    void mark_start();
    void push(std::uint32_t loop, Batch* batch);
    bool is_overfull(const From& from) const;
    void push_control_row(From& from, TaskId source, TaskId target, std::span<const std::byte> row);
    template <typename F>
    void for_each_pair_of_tasks(F&& f);
    bool is_own_spout(TaskId task) const {
        const auto t = static_cast<std::size_t>(task);
        return t < is_spout_task_.size() && is_spout_task_[t] && wiring_.is_here(task);
    }

    Shared& shared_;
    const Wiring& wiring_;
    const std::uint32_t destination_;
    std::vector<std::size_t> source_index_;  // By executor: its row in from_, or kNone.
    std::vector<std::size_t> target_index_;  // By executor: its column.
    std::size_t targets_ = 0;
    std::vector<From> from_;
    std::size_t open_ends_ = 0;  // Pairs of tasks.
    bool gone_ = false;
    std::vector<End> ends_;
    std::vector<bool> is_spout_task_;
    std::vector<Inbox<Batch>::Token> tokens_;  // By loop.
    const std::uint64_t allowance_;            // Beyond credit: what one call may emit.
    std::vector<From*> overfull_;              // At some time; looked at again when asked.
    std::vector<Batch*> open_;                 // By loop, while a batch is taken apart,
    std::vector<std::size_t> bytes_;           // and what it will have.
};

}  // namespace storm::worker
