#include "worker/run/stuck.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "worker/run/task_text.h"

namespace storm::worker {
namespace {

/// Of the thread "loop-3" or "exec-3" it is 3.
std::optional<std::uint32_t> loop_of_thread(std::string_view name) {
    if (!name.starts_with("loop-") && !name.starts_with("exec-")) return std::nullopt;
    name.remove_prefix(5);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number;
}

std::set<std::uint32_t> running_loops() {
    std::set<std::uint32_t> loops;
    std::error_code ignored;  // A thread may end as we look.
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::string name;
        std::getline(std::ifstream(thread.path() / "comm"), name);
        if (const auto loop = loop_of_thread(name)) loops.insert(*loop);
    }
    return loops;
}

/// Of the executors that are at home in `loop`, those whose user code may be running.
std::vector<std::size_t> suspects(Engine& engine, std::uint32_t number) {
    const Wiring& wiring = engine.wiring();
    std::vector<std::size_t> at_home, taken_out;
    for (std::size_t e = 0; e < wiring.plan.executors.size(); ++e) {
        if (wiring.placement.loop_of_executor[e] != number) continue;
        const Executor& executor = engine.executor_of(wiring.plan.executors[e].first_task);
        const bool home = executor.loop.load()->number() == number;
        (home ? at_home : taken_out).push_back(e);
    }
    // Shared loops mark that they are in user code. Who was taken out has run too long before.
    const bool in_user_code = engine.loop(number).step_word() % 2 == 1;
    if (!in_user_code && !taken_out.empty()) return taken_out;
    taken_out.insert(taken_out.end(), at_home.begin(), at_home.end());
    return taken_out;
}

}  // namespace

std::string stuck_components(Engine& engine) {
    const Wiring& wiring = engine.wiring();
    std::string text;
    for (const std::uint32_t loop : running_loops()) {
        if (loop >= wiring.placement.loops) continue;
        for (const std::size_t e : suspects(engine, loop)) {
            const cluster::ExecutorPlan& executor = wiring.plan.executors[e];
            text += (text.empty() ? "\"" : " or \"") +
                    wiring.topology.components()[executor.component].id + "\" (" +
                    tasks_text(executor.first_task, executor.tasks) + ')';
        }
    }
    return text.empty() ? "some component" : text;
}

}  // namespace storm::worker
