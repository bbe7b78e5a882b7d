#include "cluster/description.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include <storm/detail/names.h>
#include <storm/detail/suggest.h>

#include <nlohmann/json.hpp>

#include "cluster/json_fields.h"
#include "cluster/limits.h"
#include "cluster/names.h"

namespace storm::cluster {
namespace {

// Format of --describe. A higher number means that older readers would misread it.
constexpr int kFormat = 1;

/// Nobody here looks at streams and groupings, so any text will do.
DescribedComponent read_component(const JsonFields& json) {
    DescribedComponent component;
    component.id = json.text("id");
    if (const std::string found = detail::fault_of_name(component.id, kIdBytesMax); !found.empty())
        json.mistake("id", "is not a component's id: it " + found);
    const std::string kind = json.text("kind");
    component.is_spout = kind == "spout";
    if (kind != "spout" && kind != "bolt") json.mistake("kind", "is neither spout nor bolt");
    component.executors = json.number<int>("parallelism");
    component.tasks = json.number<int>("tasks");
    if (component.executors < 1) json.mistake("parallelism", "is below 1");
    if (component.tasks < component.executors) json.mistake("tasks", "are fewer than executors");
    json.objects("inputs", [&](const JsonFields& input) {
        component.inputs.push_back(
            {input.text("source"), input.text("stream"), input.text("grouping")});
    });
    if (component.is_spout && !component.inputs.empty()) json.mistake("inputs", "are a spout's");
    return component;
}

/// Faults that involve several components.
std::string fault_of(const Description& description) {
    if (description.components.empty()) return "it has no components";
    std::map<std::string_view, int> ids;
    std::int64_t tasks = 0;
    for (const DescribedComponent& component : description.components) {
        if (ids[component.id]++ > 0) return "two components are \"" + component.id + "\"";
        tasks += component.tasks;
    }
    if (tasks > std::int64_t{kTasksMax}) {
        return "it has " + std::to_string(tasks) + " tasks; at most " + std::to_string(kTasksMax) +
               " fit";
    }
    for (const DescribedComponent& component : description.components) {
        for (const DescribedInput& input : component.inputs) {
            if (ids.count(input.source) == 0) {
                return "\"" + component.id + "\" reads from \"" + input.source +
                       "\", which is not there";
            }
        }
    }
    return {};
}

}  // namespace

/// Nimbus counts by the description, workers by the topology (make_plan()). Both must come to the
/// same numbers, so both count by id, not in the order of declaration.
Plan Description::plan() const {
    std::vector<std::size_t> by_id(components.size());
    std::iota(by_id.begin(), by_id.end(), std::size_t{0});
    std::sort(by_id.begin(), by_id.end(),
              [&](std::size_t a, std::size_t b) { return components[a].id < components[b].id; });
    Plan plan;
    plan.components.resize(components.size());
    for (const std::size_t c : by_id) {
        number_component(plan, c, components[c].tasks, components[c].executors);
    }
    return plan;
}

std::vector<std::size_t> Description::component_of_executor() const {
    std::vector<std::size_t> of_executor;
    for (const ExecutorPlan& executor : plan().executors) of_executor.push_back(executor.component);
    return of_executor;
}

std::string fault_of_executors(const std::map<std::string, std::uint32_t>& executors,
                               const Description& description) {
    for (const auto& [id, count] : executors) {
        const auto& components = description.components;
        const auto component = std::find_if(components.begin(), components.end(),
                                            [&id = id](const auto& each) { return each.id == id; });
        if (component == components.end()) {
            std::vector<std::string_view> ids;
            for (const auto& each : components) ids.push_back(each.id);
            return "there is no component " + detail::quoted(id) + "; there are " +
                   detail::list_of(ids);
        }
        if (count < 1 || count > static_cast<std::uint32_t>(component->tasks)) {
            return "component " + detail::quoted(id) + " can have 1 to " +
                   std::to_string(component->tasks) + " executors, one for each of its tasks";
        }
    }
    return {};
}

std::string with_executors(std::string_view json,
                           const std::map<std::string, std::uint32_t>& executors) {
    nlohmann::ordered_json description = nlohmann::ordered_json::parse(json);
    for (auto& component : description.at("components")) {
        const auto asked = executors.find(component.at("id").get<std::string>());
        if (asked != executors.end()) component["parallelism"] = asked->second;
    }
    return description.dump();
}

/// Comes from a program that anybody may have made, by way of a client or of ZooKeeper: whatever is
/// read of it later relies on what is checked here.
base::Result<Description> read_description(std::string_view json) {
    const auto refuse = [](const std::string& why) {
        return base::Error{"cannot read the topology's description: " + why};
    };
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    if (parsed.is_discarded()) return refuse("it is not JSON");
    JsonMistake mistake;
    const JsonFields fields(parsed, "", mistake);
    const int format = fields.number<int>("format");
    if (mistake.text().empty() && format != kFormat) {
        return refuse("its format is " + std::to_string(format) + ", this Storm reads " +
                      std::to_string(kFormat) + "; build it with this version of Storm");
    }
    Description description;
    description.name = fields.text("name");
    description.storm_version = fields.text("storm_version");
    description.machine = fields.text("machine");
    description.glibc = fields.text("glibc");
    description.cpu_features = fields.texts("cpu_features");
    fields.objects("components", [&](const JsonFields& component) {
        description.components.push_back(read_component(component));
    });
    if (!mistake.text().empty()) return refuse(mistake.text());
    if (const std::string found = fault_of(description); !found.empty()) return refuse(found);
    return description;
}

}  // namespace storm::cluster
