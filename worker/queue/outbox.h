// What an executor has emitted and its loop has not yet handed over.
//
// One open batch (lane) for each destination: a loop, or another worker. Rows are built in place at
// the end of a lane, or copied there; consecutive rows between the same two tasks form a run. A
// lane that is full is closed and waits for the end of the step; nothing here touches the loop, so
// that another thread may take the loop over meanwhile.
//
// Threads: the executor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <storm/detail/emitter.h>

#include "worker/queue/batch.h"
#include "worker/queue/credit.h"
#include "worker/queue/route_credit.h"

namespace storm::worker {

class Cycle;

/// A channel to another executor, as its sender sees it.
struct alignas(64) Sender {
    Sender(CreditReceiver* receiver, Cycle* within) : credit(receiver), cycle(within) {}

    CreditSender credit;
    Cycle* cycle;                      // Null but for channels inside a cycle.
    std::vector<RouteCredit*> routes;  // That send through this channel.
};

struct Lane : detail::Outlet {
    Batch* batch = nullptr;
    std::byte* run_header = nullptr;
    std::uint32_t rows = 0;  // Of the open run.
    std::uint32_t destination = 0;
    std::uint32_t closed_runs = 0;  // Of this batch, before the open one.
    std::uint32_t closed_rows = 0;
};

inline std::uint64_t run_key(TaskId source, TaskId target) {
    return static_cast<std::uint64_t>(source) << 32 | static_cast<std::uint32_t>(target);
}

class Outbox {
public:
    struct Closed {
        Batch* batch;
        std::uint32_t destination;
        std::uint32_t runs;
        std::uint32_t rows;
    };

    Outbox(CommonPool& common, std::size_t destinations, std::size_t overshoot_bytes);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox();

    Lane& lane(std::uint32_t destination) { return lanes_[destination]; }

    /// Where a row of `bytes` for run `key` may be written; wrote() then takes it in.
    std::byte* place(Lane& lane, std::uint64_t key, std::size_t bytes) {
        if (lane.run != key || static_cast<std::size_t>(lane.end - lane.cursor) < bytes)
            [[unlikely]] {
            open_run(lane, key, bytes);
        }
        return lane.cursor;
    }
    void wrote(Lane& lane, std::size_t bytes) {
        lane.cursor += bytes;
        ++lane.rows;
    }
    void open_run(Lane& lane, std::uint64_t key, std::size_t bytes);

    /// Closes what is open. Costs nothing when nothing is.
    void close_all();
    bool has_open() const { return open_ > 0; }
    std::vector<Closed>& closed() { return closed_; }
    /// More is waiting than one call of user code may keep until it ends.
    bool overfull() const { return closed_bytes_ > overshoot_bytes_; }
    /// And the executor cannot wait: further rows are refused until this is handed over.
    void refuse() { refuses_ = true; }
    bool refuses() const { return refuses_; }
    void handed_over() {
        closed_.clear();
        closed_bytes_ = 0;
        refuses_ = false;
        interrupted_ = blocked();
    }

    /// Called when a row has used up a channel's credit.
    void exhausted(Sender& sender);
    /// Something is closed, or a channel's credit used up: the step has to end, or to look closer.
    bool interrupted() const { return interrupted_; }
    /// Some route cannot send: the executor waits.
    bool blocked() const { return blocked_routes_ > 0; }
    /// Something may be emitted though some route cannot send: little has been since it could, or
    /// since renew_leeway().
    bool has_leeway() const;
    /// What has been emitted so far does not count.
    void renew_leeway();
    /// Looks for new credit; where still blocked, asks for a wake-up. Returns !blocked().
    bool refresh();

    /// Batches for the next step, from the pool of the loop, and back.
    void stock(BatchPool& pool);
    void unstock(BatchPool& pool);

private:
    void close(Lane& lane);
    void finish_run(Lane& lane);
    Batch* take(std::size_t bytes);
    void count(RouteCredit& route, int RouteCredit::*channels, int change);

    CommonPool& common_;  // For what the stock does not cover.
    const std::size_t overshoot_bytes_;
    std::vector<Lane> lanes_;
    std::vector<Closed> closed_;
    std::size_t closed_bytes_ = 0;
    std::size_t open_ = 0;
    std::vector<Batch*> stock_;
    std::vector<Sender*> exhausted_;
    std::size_t blocked_routes_ = 0;
    bool interrupted_ = false;
    bool refuses_ = false;
};

}  // namespace storm::worker
