// Runs operations on the coordination service one after the other, and repeats each whose
// connection was lost.
//
// One at a time, so that a repeated operation cannot overtake a later one. An operation must do no
// harm if it happens twice in a row.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "base/lifetime.h"
#include "coordination/coordination.h"
#include "coordination/session.h"

namespace storm::coordination {

class OperationQueue {
public:
    using Settled = std::function<void(CoordinationError)>;
    /// One attempt. Calls `settled` once, unless the session ends.
    using Try = std::function<void(Coordination&, Settled settled)>;

    OperationQueue(Session& session, std::size_t waiting_max, int tries_max);
    OperationQueue(const OperationQueue&) = delete;
    OperationQueue& operator=(const OperationQueue&) = delete;

    /// Calls `done` in a later turn with the outcome of the last attempt: kConnectionLoss after
    /// tries_max attempts, or if a repeated one met another version; kOther if too many operations
    /// wait already.
    void add(Try operation, Settled done);

private:
    struct Operation {
        Try run;
        Settled done;
        int tries = 0;
    };
    void next_();
    void settled_(CoordinationError error);
    void finish_(CoordinationError error);

    Session& session_;
    const std::size_t waiting_max_;
    const int tries_max_;
    std::deque<Operation> operations_;  // The first is under way, or waits for a connection.
    bool running_ = false;
    std::uint64_t try_ = 0;  // Answers to earlier attempts do not count.
    std::uint64_t session_number_ = 0;
    base::Lifetime lifetime_;
};

}  // namespace storm::coordination
