// Operations on the coordination service, one after the other, each again when its connection was
// lost.
//
// One at a time, so that one which is done again cannot overtake what was asked for later. An
// operation must therefore do no harm when it happens twice in a row.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "coordination/coordination.h"
#include "coordination/session.h"

namespace storm::cluster {

class OperationQueue {
public:
    using Settled = std::function<void(CoordinationError)>;
    /// One try; it calls `settled` once, unless the session ends.
    using Try = std::function<void(Coordination&, Settled settled)>;

    OperationQueue(Session& session, std::size_t waiting_max, int tries_max);
    OperationQueue(const OperationQueue&) = delete;
    OperationQueue& operator=(const OperationQueue&) = delete;

    /// `done`, in a later turn, with the last try's outcome; kConnectionLoss after as many as there
    /// may be, kOther when too many wait already.
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
    std::deque<Operation> operations_;  // The first one is under way, or waits for a connection.
    bool running_ = false;
    std::uint64_t try_ = 0;  // What an earlier try is told does not count.
    std::uint64_t session_number_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::cluster
