#include "worker/run/explain.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <storm/detail/secrets.h>

#include "worker/run/status.h"
#include "worker/wiring/task_text.h"

namespace storm::worker {
namespace {

/// Sources first; in order of declaration within a cycle, and where the graph leaves a choice.
// Ends, since without the arrows inside of cycles the graph has none: some component is always
// ready.
std::vector<std::size_t> topological_order(const Wiring& wiring) {
    const std::vector<Component>& components = wiring.topology.components();
    std::vector<bool> placed(components.size(), false);
    const auto ready = [&](std::size_t c) {
        return std::all_of(components[c].inputs.begin(), components[c].inputs.end(),
                           [&](const Subscription& input) {
                               const std::size_t source =
                                   component_index(wiring.topology, input.source);
                               return placed[source] || wiring.cycles.inside(source, c);
                           });
    };
    std::vector<std::size_t> order;
    while (order.size() < components.size()) {
        for (std::size_t c = 0; c < components.size(); ++c) {
            if (placed[c] || !ready(c)) continue;
            placed[c] = true;
            order.push_back(c);
            break;
        }
    }
    return order;
}

std::string counted(int count, const std::string& thing) {
    return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

/// Where the component's executors run: "loops 0, 1", or threads of their own.
std::string place_text(const Wiring& wiring, std::size_t c) {
    const cluster::ComponentPlan& plan = wiring.plan.components[c];
    std::set<std::uint32_t> loops;
    for (int i = 0; i < plan.executors; ++i) {
        loops.insert(
            wiring.placement.loop_of_executor[plan.first_executor + static_cast<std::size_t>(i)]);
    }
    if (*loops.begin() >= wiring.placement.shared_loops) {
        const char* const why = wiring.topology.components()[c].blocking
                                    ? "blocking"
                                    : "topology.executor.threads=dedicated";
        return (loops.size() == 1 ? "a thread of its own (" : "threads of their own (") +
               std::string(why) + ')';
    }
    return fmt::format("{} {}", loops.size() == 1 ? "loop" : "loops", fmt::join(loops, ", "));
}

std::string tick_text(const Component& component, const Config& merged) {
    const base::Micros every = cluster::tick_interval(component, merged);
    return every == 0 ? "" : ", tick every " + duration_text(every);
}

std::string stream_text(const StreamDeclaration& stream) {
    std::string fields;
    for (const Field& field : stream.fields) {
        fields += (fields.empty() ? "" : ", ") + field.name;
        if (field.kind != Kind::kAny) fields += ": " + std::string(to_string(field.kind));
    }
    return stream.name + '(' + fields + (stream.direct ? "), direct" : ")");
}

std::string input_text(const Subscription& input) {
    std::string text = input.source;
    if (input.stream != "default") text += '.' + input.stream;
    text += ", " + std::string(to_string(input.grouping));
    if (input.fields.empty()) return text;
    return text + fmt::format(" by {}", fmt::join(input.fields, ", "));
}

std::string component_text(const Wiring& wiring, std::size_t c) {
    // From all settings: topology.secret.settings may declare keys that only a component sets.
    const detail::Secrets secrets(wiring.config.entries());
    const Component& component = wiring.topology.components()[c];
    const cluster::ComponentPlan& plan = wiring.plan.components[c];
    std::string text =
        fmt::format("  {}: {}, {} with {}, {}{}\n", component.id,
                    component.is_spout() ? "spout" : "bolt", counted(plan.executors, "executor"),
                    tasks_text(plan.first_task, plan.tasks), place_text(wiring, c),
                    tick_text(component, cluster::component_config(component, wiring.config)));
    for (const Subscription& input : component.inputs) {
        text += "    from   " + input_text(input) + '\n';
    }
    for (const StreamDeclaration& stream : component.outputs) {
        text += "    emits  " + stream_text(stream) + '\n';
    }
    for (const auto& [key, value] : component.settings) {
        text += fmt::format("    set    {} = {}\n", key, secrets.shown(key, value));
    }
    return text;
}

std::string cycles_text(const Wiring& wiring) {
    std::string text;
    for (std::size_t cycle = 0; cycle < wiring.cycles.count; ++cycle) {
        std::vector<std::string> members;
        for (std::size_t c = 0; c < wiring.cycles.of_component.size(); ++c) {
            if (wiring.cycles.of_component[c] == cycle) {
                members.push_back(wiring.topology.components()[c].id);
            }
        }
        text += fmt::format("  {}\n", fmt::join(members, ", "));
    }
    if (text.empty()) return "";
    return "\ncycles: what circulates is bounded by topology.cycle.buffer.bytes; beyond it tuples "
           "fail\n" +
           text;
}

std::string settings_text(const cluster::LayeredSettings& settings) {
    std::string text = "\nsettings: all others have their defaults\n";
    const detail::Secrets secrets(settings.config.entries());
    std::size_t widest = 0;
    for (const auto& [key, value] : settings.config.entries()) {
        widest = std::max(widest, key.size() + secrets.shown(key, value).size());
    }
    for (const auto& [key, value] : settings.config.entries()) {
        const auto origin = settings.origins.find(key);
        text += fmt::format("  {:<{}}  {}\n",
                            fmt::format("{} = {}", key, secrets.shown(key, value)), widest + 3,
                            origin == settings.origins.end() ? "" : "from " + origin->second);
    }
    return settings.config.entries().empty() ? "\nsettings: all have their defaults\n" : text;
}

std::string tracking_text(const Config& config) {
    if (config.int64("topology.acker.executors") == 0) {
        return "\ntracking: off (topology.acker.executors=0): ack() is called at once, and nothing "
               "is replayed\n";
    }
    return "\ntracking: on; the number in topology.acker.executors has no effect, but 0 turns it "
           "off\n";
}

}  // namespace

std::string explain(const std::string& name, const Wiring& wiring,
                    const cluster::LayeredSettings& settings) {
    std::string text =
        fmt::format("{}: {}, {} in {}\n\n", name,
                    counted(static_cast<int>(wiring.plan.components.size()), "component"),
                    counted(wiring.plan.last_task, "task"),
                    counted(static_cast<int>(wiring.placement.loops), "thread"));
    for (const std::size_t c : topological_order(wiring)) text += component_text(wiring, c);
    return text + cycles_text(wiring) + tracking_text(wiring.config) + settings_text(settings);
}

}  // namespace storm::worker
