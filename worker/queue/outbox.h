// Output of an executor that its loop has not handed over yet.
//
// There is one open batch (lane) per destination: a loop, or another worker. Rows are built in
// place at the end of a lane, or copied there; consecutive rows between the same two tasks form a
// run. A full lane is closed and waits for the end of the step.
//
// Invariants: an open run's header is written when the run ends, from lane.rows and lane.cursor.
// `interrupted_` is set whenever the step has a reason to look closer: a batch was closed, or a
// channel has used up its credit. Nothing here touches the loop, so that another thread may take
// the loop over in the middle of a step.
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

/// A channel to another executor, seen by its sender.
struct alignas(64) Sender {
    Sender(CreditReceiver* receiver, Cycle* within) : credit(receiver), cycle(within) {}

    CreditSender credit;
    Cycle* cycle;                      // Null unless the channel is inside a cycle.
    std::vector<RouteCredit*> routes;  // Routes that send through this channel.
};

struct Lane : detail::Outlet {
    Batch* batch = nullptr;
    std::byte* run_header = nullptr;
    std::uint32_t rows = 0;  // In the open run.
    std::uint32_t destination = 0;
    std::uint32_t closed_runs = 0;  // In this batch, before the open run.
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

    /// The place for a row of `bytes` bytes in run `key`; wrote() then adds it.
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

    /// Closes all open batches. Free if there are none.
    void close_all();
    bool has_open() const { return open_ > 0; }
    std::vector<Closed>& closed() { return closed_; }
    /// Whether more is waiting than one call of user code may leave behind.
    bool overfull() const { return closed_bytes_ > overshoot_bytes_; }
    /// It is overfull, and the executor cannot wait: refuses rows until this is handed over.
    void refuse() { refuses_ = true; }
    bool refuses() const { return refuses_; }
    void handed_over() {
        closed_.clear();
        closed_bytes_ = 0;
        refuses_ = false;
        interrupted_ = blocked();
    }

    /// To be called when a row has exhausted a channel's credit.
    void exhausted(Sender& sender);
    /// Whether a batch was closed or a channel exhausted: the step has to end, or to look closer.
    bool interrupted() const { return interrupted_; }
    /// Whether some route cannot send, so that the executor waits.
    bool blocked() const { return blocked_routes_ > 0; }
    /// Whether a call may still emit though some route cannot send: little has been sent since
    /// then, or since renew_leeway().
    bool has_leeway() const;
    /// From here on, bytes emitted so far do not count against the leeway.
    void renew_leeway();
    /// Looks for new credit; asks for a wake-up where it is still missing. Returns !blocked().
    bool refresh();

    /// Takes batches for the next step from the loop's pool, and gives the unused ones back.
    void stock(BatchPool& pool);
    void unstock(BatchPool& pool);

private:
    void close(Lane& lane);
    void finish_run(Lane& lane);
    Batch* take(std::size_t bytes);
    void count(RouteCredit& route, int RouteCredit::*channels, int change);

    CommonPool& common_;  // Source of batches beyond the stock.
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
