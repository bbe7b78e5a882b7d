#include "coordination/operation_queue.h"

#include <utility>

#include "base/check.h"

namespace storm::coordination {

OperationQueue::OperationQueue(Session& session, std::size_t waiting_max, int tries_max)
    : session_(session), waiting_max_(waiting_max), tries_max_(tries_max) {
    session_.on_ready(lifetime_.guard([this](std::uint64_t number) {
        const bool is_new = std::exchange(session_number_, number) != number;
        // Operations of the former session will never be settled: their client is gone, and its
        // callbacks with it. Without this the queue would stand still for ever.
        if (running_ && is_new) return settled_(CoordinationError::kSessionExpired);
        next_();
    }));
}

void OperationQueue::add(Try operation, Settled done) {
    const auto later = [this](auto call) {
        session_.loop().post(lifetime_.guard(std::move(call)));
    };
    if (operations_.size() > waiting_max_) {
        return later([done = std::move(done)] { done(CoordinationError::kOther); });
    }
    operations_.push_back({std::move(operation), std::move(done)});
    if (operations_.size() == 1) later([this] { next_(); });
}

void OperationQueue::next_() {
    if (running_ || operations_.empty() || !session_.ready()) return;
    // Stays the first until it is finished: a later write that went ahead of it would be undone by
    // its repetition.
    running_ = true;
    Operation& first = operations_.front();
    STORM_CHECK(first.tries < tries_max_, "an operation is finished after its last try");
    ++first.tries;
    first.run(session_.client(), lifetime_.guard([this, number = ++try_](CoordinationError error) {
        if (number == try_ && running_) settled_(error);
    }));
}

/// A lost connection is the only thing that is tried again: every other answer was given by a
/// server, and would be the same.
void OperationQueue::settled_(CoordinationError error) {
    STORM_CHECK(running_ && !operations_.empty(), "what is settled is the first, and under way");
    running_ = false;
    const bool lost =
        error == CoordinationError::kConnectionLoss || error == CoordinationError::kSessionExpired;
    // An earlier attempt may have happened before the version changed.
    const bool is_unknown =
        error == CoordinationError::kBadVersion && operations_.front().tries > 1;
    if (!lost) return finish_(is_unknown ? CoordinationError::kConnectionLoss : error);
    // Not known to have failed: callers must take it for something that may have happened.
    if (operations_.front().tries >= tries_max_) return finish_(CoordinationError::kConnectionLoss);
    // The news of the lost connection may still come.
    if (!session_.ready()) return;
    session_.loop().after(kCoordinationRetry, lifetime_.guard([this] { next_(); }));
}

void OperationQueue::finish_(CoordinationError error) {
    // Removed first, because `done` may add operations or destroy this.
    const Settled done = std::move(operations_.front().done);
    operations_.pop_front();
    const auto watch = lifetime_.watch();
    done(error);
    if (!watch.is_over()) next_();
}

}  // namespace storm::coordination
