#include "cluster/plan.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include <storm/detail/suggest.h>

#include "base/check.h"
#include "cluster/limits.h"

namespace storm::cluster {

Config component_config(const Component& component, const Config& config) {
    Config merged = config;
    for (const auto& [key, value] : component.settings) merged.set(key, value);
    return merged;
}

std::optional<std::pair<std::string, std::uint32_t>> executors_in(std::string_view item) {
    const std::size_t equals = item.rfind('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    std::uint32_t executors = 0;
    const char* const end = item.data() + item.size();
    const auto [at, error] = std::from_chars(item.data() + equals + 1, end, executors);
    if (error != std::errc() || at != end || executors < 1 || executors > kTasksMax)
        return std::nullopt;
    return std::pair{std::string(item.substr(0, equals)), executors};
}

namespace {

[[noreturn]] void refuse(const std::string& item, const std::string& why, const std::string& hint) {
    throw ConfigError("setting " + detail::quoted(kExecutorsSetting) + " has " +
                      detail::quoted(item) + ", but " + why + "; " + hint);
}

/// Replaces what the program asks for, by component.
std::map<std::string, int> executors_asked(const std::vector<Component>& components,
                                           const Config& config) {
    std::map<std::string, int> asked;
    if (!config.has(kExecutorsSetting)) return asked;
    for (const std::string& item : config.list(kExecutorsSetting)) {
        const auto read = executors_in(item);
        if (!read) refuse(item, "must have COMPONENT=N", "give it such as count=4");
        const auto& [id, executors] = *read;
        std::vector<std::string_view> ids;
        for (const Component& component : components) ids.push_back(component.id);
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
            const std::string guess = detail::did_you_mean(id, ids);
            refuse(item, "there is no such component",
                   guess.empty() ? "there are " + detail::list_of(ids) : guess);
        }
        asked[id] = static_cast<int>(executors);
    }
    return asked;
}

}  // namespace

Plan make_plan(const Topology& topology, const Config& config) {
    const std::vector<Component>& components = topology.components();
    std::vector<std::size_t> by_id(components.size());
    std::iota(by_id.begin(), by_id.end(), std::size_t{0});
    std::sort(by_id.begin(), by_id.end(),
              [&](std::size_t a, std::size_t b) { return components[a].id < components[b].id; });

    // Not in the order of declaration: programs that declare the same components in another order
    // must come to the same numbers, since workers and Nimbus count by themselves.
    Plan plan;
    plan.components.resize(components.size());
    const std::map<std::string, int> executors_in_place = executors_asked(components, config);
    for (const std::size_t c : by_id) {
        const Component& component = components[c];
        const Config merged = component_config(component, config);
        const auto asked = merged.int64("topology.tasks", component.parallelism);
        const auto most = merged.int64("topology.max.task.parallelism", std::int64_t{1} << 19);
        const int tasks = static_cast<int>(
            std::min<std::int64_t>(component.tasks.value_or(static_cast<int>(asked)), most));
        const auto in_place = executors_in_place.find(component.id);
        const bool is_asked = in_place != executors_in_place.end();
        if (is_asked && in_place->second > tasks) {
            refuse(component.id + '=' + std::to_string(in_place->second),
                   "it has " + std::to_string(tasks) + (tasks == 1 ? " task" : " tasks"),
                   "give it more with tasks() or topology.tasks");
        }
        const int executors = std::min(is_asked ? in_place->second : component.parallelism, tasks);
        number_component(plan, c, tasks, executors);
    }
    return plan;
}

/// Tasks of a component follow each other, and so do those of each executor: an executor is known
/// by its first task and their number.
void number_component(Plan& plan, std::size_t component, int tasks, int executors) {
    STORM_CHECK(component < plan.components.size() && executors > 0 && tasks >= executors,
                "each executor has a task, as build() and read_description() have seen to");
    plan.components[component] = {plan.last_task + 1, tasks, plan.executors.size(), executors};
    TaskId next = plan.last_task + 1;
    for (int i = 0; i < executors; ++i) {
        const int share = tasks / executors + (i < tasks % executors ? 1 : 0);
        plan.executors.push_back({component, next, share});
        next += share;
    }
    STORM_CHECK(next == plan.last_task + 1 + tasks, "each task is in one executor");
    plan.last_task += tasks;
}

/// The topology's own setting is no wish of a bolt: one gets ticks if it asks for them, and only
/// then is the common setting how often.
base::Micros tick_interval(const Component& component, const Config& config) {
    constexpr std::string_view kKey = "topology.tick.tuple.freq.secs";
    if (component.tick) return component.tick->count() * base::kMicrosPerMilli;
    const bool own = std::any_of(component.settings.begin(), component.settings.end(),
                                 [=](const auto& setting) { return setting.first == kKey; });
    if (component.is_spout() || !(own || component.ticks)) return 0;
    return config.int64(kKey, 0) * base::kMicrosPerSecond;
}

}  // namespace storm::cluster
