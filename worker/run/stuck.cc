#include "worker/run/stuck.h"

#include "worker/wiring/task_text.h"

namespace storm::worker {
std::string stuck_components(Engine& engine) {
    const Wiring& wiring = engine.wiring();
    std::string text;
    for (const Executor* const executor : engine.in_user_code()) {
        const cluster::ExecutorPlan& plan = wiring.plan.executors[executor->number()];
        text += (text.empty() ? "\"" : " or \"") + wiring.topology.components()[plan.component].id +
                "\" (" + tasks_text(plan.first_task, plan.tasks) + ')';
    }
    return text.empty() ? "some component" : text;
}

}  // namespace storm::worker
