#include "worker/executor/executor.h"

#include <storm/detail/suggest.h>

#include "worker/engine.h"
#include "worker/loop/loop.h"

namespace storm::worker {

Channel::Channel(std::uint64_t window, Executor& from, bool inside)
    : credit(window), source(from), schemas(from.schemas()), inner(inside) {}

const std::vector<std::unique_ptr<detail::StreamSchema>>& Executor::schemas() const {
    return engine_.wiring().schemas[component_];
}

Executor::Executor(Engine& engine, std::size_t number)
    : is_spout(engine.wiring()
                   .topology.components()[engine.wiring().plan.executors[number].component]
                   .is_spout()),
      outbox(engine.common_pool(), engine.wiring().placement.loops,
             engine.limits().overshoot_bytes),
      acks(engine.wiring().loop_of_task, engine.wiring().placement.loops),
      engine_(engine),
      number_(number),
      component_(engine.wiring().plan.executors[number].component),
      clock_(engine.clock()),
      sender_by_target_(engine.wiring().plan.executors.size()),
      channel_of_task_(engine.wiring().loop_of_task.size()),
      tokens_(engine.wiring().placement.loops) {}

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
    Sender*& sender = sender_by_target_[target.number()];
    if (sender == nullptr) {
        Cycle* const cycle = engine_.cycle_between(component_, target.component());
        Channel& channel = target.add_channel(*this, cycle != nullptr);
        sender = &senders_.emplace_back(cycle == nullptr ? &channel.credit : nullptr, cycle);
    }
    return *sender;
}

Channel& Executor::add_channel(Executor& source, bool inner) {
    Channel& channel = channels_.emplace_back(engine_.limits().window_bytes, source, inner);
    for (const Task* const task : source.tasks()) {
        channel_of_task_[static_cast<std::size_t>(task->id())] = &channel;
    }
    return channel;
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
