#include "worker/queue/outbox.h"

#include <algorithm>

#include "base/check.h"
#include "wire/batch.h"

namespace storm::worker {
namespace {

/// Batches for one step. It ends when one batch is full, but each lane may have one open.
constexpr std::size_t kStock = 4;

}  // namespace

Outbox::Outbox(CommonPool& common, std::size_t destinations, std::size_t overshoot_bytes)
    : common_(common), overshoot_bytes_(overshoot_bytes), lanes_(destinations) {
    for (std::size_t i = 0; i < destinations; ++i)
        lanes_[i].destination = static_cast<std::uint32_t>(i);
}

Outbox::~Outbox() {
    close_all();
    for (const Closed& closed : closed_) free_batch(closed.batch);
    for (Batch* const batch : stock_) free_batch(batch);
}

// The size of a row is known before it is built, so a row never spans two batches; one that is
// larger than a pooled batch gets a batch of its own. The emit may still throw, or be refused,
// before wrote(): then the run stays empty, and finish_run() takes its header back.
void Outbox::open_run(Lane& lane, std::uint64_t key, std::size_t bytes) {
    const std::size_t wanted = sizeof(wire::RunHeader) + bytes;
    if (lane.batch != nullptr && static_cast<std::size_t>(lane.end - lane.cursor) < wanted)
        close(lane);
    if (lane.batch == nullptr) {
        lane.batch = take(std::max(wanted, kBatchBytes));
        lane.cursor = lane.batch->bytes();
        lane.end = lane.cursor + lane.batch->capacity;
        ++open_;
    } else {
        finish_run(lane);
    }
    STORM_CHECK(static_cast<std::size_t>(lane.end - lane.cursor) >= wanted,
                "a batch has room for the row that it is taken for");
    lane.run_header = lane.cursor;
    lane.cursor += sizeof(wire::RunHeader);
    lane.run = key;
    lane.rows = 0;
}

void Outbox::finish_run(Lane& lane) {
    if (lane.rows == 0) {  // The row was refused after its run had been opened.
        lane.cursor = lane.run_header;
        return;
    }
    const auto bytes = static_cast<std::uint32_t>(lane.cursor - lane.run_header) -
                       static_cast<std::uint32_t>(sizeof(wire::RunHeader));
    STORM_CHECK(lane.cursor <= lane.end, "rows are written where place() has found room");
    ++lane.closed_runs;
    lane.closed_rows += lane.rows;
    wire::write_run_header(lane.run_header,
                           {static_cast<std::uint32_t>(lane.run >> 32),
                            static_cast<std::uint32_t>(lane.run), lane.rows, bytes});
}

// The batch waits in closed_ until the step is over, or a dedicated executor hands over: a step on
// a shared loop touches nothing of that loop. `interrupted_` makes the step look, after each call.
void Outbox::close(Lane& lane) {
    finish_run(lane);
    lane.batch->used = static_cast<std::uint32_t>(lane.cursor - lane.batch->bytes());
    closed_bytes_ += lane.batch->used;
    closed_.push_back({lane.batch, lane.destination, lane.closed_runs, lane.closed_rows});
    lane.closed_runs = lane.closed_rows = 0;
    lane.batch = nullptr;
    lane.cursor = lane.end = lane.run_header = nullptr;
    lane.run = 0;
    STORM_CHECK(open_ > 0, "a lane that is closed was counted when it got its batch");
    --open_;
    interrupted_ = true;
}

void Outbox::close_all() {
    if (open_ == 0) return;
    for (Lane& lane : lanes_) {
        if (lane.batch != nullptr) close(lane);
    }
}

Batch* Outbox::take(std::size_t bytes) {
    if (bytes <= kBatchBytes && !stock_.empty()) {
        Batch* const batch = stock_.back();
        stock_.pop_back();
        return batch;
    }
    return common_.take(bytes);
}

// Taken before user code runs, because the pool is the loop's, and the loop may be another thread's
// by the time that a row needs a batch.
void Outbox::stock(BatchPool& pool) {
    while (stock_.size() < kStock) stock_.push_back(pool.take());
}

void Outbox::unstock(BatchPool& pool) {
    for (Batch* const batch : stock_) pool.give(batch);
    stock_.clear();
}

// All changes of a route's counts come through here. So blocked(), which is asked for after each
// call of user code, is a comparison, however many routes and targets there are.
void Outbox::count(RouteCredit& route, int RouteCredit::*channels, int change) {
    const bool was = route.blocked();
    route.*channels += change;
    STORM_CHECK(
        0 <= route.gone && route.gone <= route.exhausted && route.exhausted <= route.targets,
        "a channel is exhausted once for each of its targets, and may be gone then");
    STORM_CHECK(!was || blocked_routes_ > 0, "a route that is blocked was counted");
    if (route.blocked() != was) blocked_routes_ += was ? static_cast<std::size_t>(-1) : 1;
}

void Outbox::exhausted(Sender& sender) {
    STORM_CHECK(sender.credit.exhausted(),
                "refresh() takes a channel off the list with its credit");
    exhausted_.push_back(&sender);
    interrupted_ = true;
    for (RouteCredit* const route : sender.routes) count(*route, &RouteCredit::exhausted, 1);
}

bool Outbox::has_leeway() const {
    return std::all_of(exhausted_.begin(), exhausted_.end(),
                       [](const Sender* sender) { return sender->credit.beyond() < kLeewayBytes; });
}

void Outbox::renew_leeway() {
    for (Sender* const sender : exhausted_) sender->credit.count_beyond();
}

// Where credit is still missing it asks the receiver for a wake-up. So an executor must have called
// this, and not only blocked(), between its last emit and its sleep: otherwise nobody wakes it.
bool Outbox::refresh() {
    if (exhausted_.empty()) [[likely]]
        return true;
    std::erase_if(exhausted_, [this](Sender* sender) {
        if (!sender->credit.refresh()) return false;
        // A channel whose receiver is gone stays exhausted, so that routes with a choice avoid it,
        // but nobody waits for it.
        const bool gone = sender->credit.gone();
        for (RouteCredit* const route : sender->routes) {
            gone ? count(*route, &RouteCredit::gone, 1)
                 : count(*route, &RouteCredit::exhausted, -1);
        }
        return true;
    });
    interrupted_ = blocked() || !closed_.empty();
    return !blocked();
}

}  // namespace storm::worker
