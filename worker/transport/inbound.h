// Checks and counts what arrives from one other worker, and pushes it into the loops.
//
// A peer is not trusted: its frames may name only tasks, streams, field counts and roots that it
// has a right to, and it may send no more than its credit. A fault ends the connection. A batch is
// checked as a whole before any of it has an effect.
//
// Channels count bytes over all lives of the peer (`received`); `base` is the count at the start
// of the present life, at which the peer's own count is 0.
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
#include "worker/transport/channel_table.h"

namespace storm::worker {

class Inbound {
public:
    Inbound(Shared& shared, std::uint32_t worker);

    /// `runs` is the body of a batch whose checksum was right.
    base::Result<base::Done> take_batch(std::span<const std::byte> runs);
    /// Whether every root that acks, fails, resets and holds name belongs to a spout of this
    /// worker. REQUIRES: wire::check_control_records(records).
    base::Result<base::Done> check_control(std::span<const std::byte> records) const;
    /// Passes on acks, fails, resets and holds; all other records are for the caller. REQUIRES:
    /// check_control(records).
    void take_control(std::span<const std::byte> records);

    /// Whether some channel has sent more than its credit and what one call may emit, and has not
    /// been granted the credit for it since.
    bool overfull();
    /// Whether all of the peer's tasks have announced the end of their streams to all tasks here.
    bool all_ended() const { return open_ends_ == 0; }
    /// The peer will not come back in any incarnation: acts as if all of its tasks had ended.
    void end_sources();

    /// A new life of the peer has begun. Its credit counts from here; unless it is gone, its tasks
    /// start anew.
    void start_life();
    /// Translates `record` into the peer's count. REQUIRES: it is about a channel from the peer.
    CreditRecord credit(const CreditRecord& record) const;
    /// The limits of all channels in our count. A peer must learn them first in each life.
    std::vector<CreditRecord> all_credits() const;

private:
    struct From {
        std::uint64_t id = 0;
        Channel* channel = nullptr;
        std::vector<std::uint16_t> fields;  // Number of values, indexed by stream; kNotSubscribed.
        std::uint64_t received = 0;         // Bytes, over all lives.
        std::uint64_t base = 0;             // The part of `received` that belongs to former lives.
        TaskId first_source = 0;
        TaskId first_target = 0;
        std::size_t sources = 0;  // Tasks.
        std::size_t targets = 0;  // Tasks.
        std::vector<bool> ended;  // Indexed by source task, then target task.
    };
    /// An end of a stream, or its continuation, found in the batch that is being checked.
    struct End {
        From* from;
        TaskId source;
        TaskId target;
        bool ended;
    };

    static std::vector<From> channels_from(Shared& shared, std::uint32_t worker);
    /// Null: no such channel.
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
    ChannelTable<From> from_;
    std::size_t open_ends_ = 0;  // Pairs of (source, target) tasks without an end.
    bool gone_ = false;
    std::vector<End> ends_;
    std::vector<bool> is_spout_task_;
    std::vector<Inbox<Batch>::Token> tokens_;  // Indexed by loop.
    const std::uint64_t allowance_;            // How far one call may overshoot the credit.
    std::vector<From*> overfull_;              // Channels that were overfull when last checked.
    std::vector<Batch*> open_;                 // While a batch is split: the part for each loop,
    std::vector<std::size_t> bytes_;           // and the size that part will have.
};

}  // namespace storm::worker
