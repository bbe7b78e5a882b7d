#include "worker/executor/executor.h"

#include <storm/detail/suggest.h>

#include "worker/engine.h"
#include "worker/loop/loop.h"

namespace storm::worker {

Executor::Executor(Engine& engine, std::size_t number)
    : outbox(engine.common_pool(), engine.wiring().placement.loops,
             engine.limits().overshoot_bytes),
      acks(engine.wiring().loop_of_task, engine.wiring().placement.loops),
      engine_(engine),
      number_(number),
      component_(engine.wiring().plan.executors[number].component),
      clock_(engine.clock()),
      senders_(engine.wiring().plan.executors.size()),
      tokens_(engine.wiring().placement.loops) {
    receivers.resize(engine.wiring().plan.executors.size());
}

std::optional<std::string> Executor::try_open() {
    const std::string& id = engine_.wiring().topology.components()[component_].id;
    try {
        open();
        return std::nullopt;
    } catch (const std::exception& error) {
        return detail::quoted(id) + ": " + error.what();
    } catch (...) {
        return detail::quoted(id) + ": an exception that is no std::exception";
    }
}

Target Executor::target(TaskId source, TaskId task) {
    const Wiring& wiring = engine_.wiring();
    Executor& other = engine_.executor_of(task);
    return {.task = task,
            .lane = &outbox.lane(wiring.loop_of(task)),
            .run = run_key(source, task),
            .sender = &sender_to(other)};
}

Sender& Executor::sender_to(Executor& target) {
    std::unique_ptr<Sender>& sender = senders_[target.number()];
    if (sender == nullptr) {
        Cycle* const cycle = engine_.cycle_between(component_, target.component());
        if (cycle == nullptr)
            target.receivers[number_] =
                std::make_unique<CreditReceiver>(engine_.limits().window_bytes);
        sender = std::make_unique<Sender>(target.receivers[number_].get(), cycle);
    }
    return *sender;
}

Inbox<Batch>::Token& Executor::token(Loop& target) {
    std::unique_ptr<Inbox<Batch>::Token>& token = tokens_[target.number()];
    if (token == nullptr) token = std::make_unique<Inbox<Batch>::Token>(target.batches.token());
    return *token;
}

Inbox<Batch>::Token& Executor::forward_token(Loop& annex) {
    if (forward_token_ == nullptr)
        forward_token_ = std::make_unique<Inbox<Batch>::Token>(annex.batches.token());
    return *forward_token_;
}

void Executor::hand_over_and_wait() {
    Loop& own = *loop.load(std::memory_order_relaxed);
    own.hand_over(*this);
    if (outbox.refresh()) return;
    outbox.close_all();
    own.hand_over(*this);
    own.wait_until([this] { return outbox.refresh(); });
}

}  // namespace storm::worker
