#include "worker/run/describe.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "cluster/plan.h"

namespace storm::worker {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const StreamDeclaration& stream) {
    Json fields = Json::array();
    for (const Field& field : stream.fields) {
        fields.push_back({{"name", field.name}, {"kind", to_string(field.kind)}});
    }
    return {{"name", stream.name}, {"fields", std::move(fields)}, {"direct", stream.direct}};
}

Json json_of(const Subscription& input) {
    return {{"source", input.source},
            {"stream", input.stream},
            {"grouping", to_string(input.grouping)},
            {"fields", input.fields}};
}

template <typename Settings>
Json settings_json(const Settings& settings) {
    Json json = Json::object();
    for (const auto& [key, value] : settings) json[key] = value;
    return json;
}

Json json_of(const Component& component, const cluster::ComponentPlan& plan) {
    Json json = {{"id", component.id},
                 {"kind", component.is_spout() ? "spout" : "bolt"},
                 {"parallelism", plan.executors},
                 {"tasks", plan.tasks},
                 {"blocking", component.blocking},
                 {"tick_ms", component.tick ? Json(component.tick->count()) : Json()},
                 {"settings", settings_json(component.settings)},
                 {"streams", Json::array()},
                 {"inputs", Json::array()}};
    for (const StreamDeclaration& stream : component.outputs) {
        json["streams"].push_back(json_of(stream));
    }
    for (const Subscription& input : component.inputs) json["inputs"].push_back(json_of(input));
    return json;
}

}  // namespace

Platform this_platform() {
    utsname found{};
    uname(&found);
    return {found.machine, gnu_get_libc_version()};
}

std::string describe(const std::string& name, const Topology& topology, const Config& config,
                     const Platform& platform) {
    const cluster::Plan plan = cluster::make_plan(topology, config);
    Json json = {{"format", kDescribeFormat},      {"name", name},
                 {"storm_version", STORM_VERSION}, {"machine", platform.machine},
                 {"glibc", platform.glibc},        {"settings", settings_json(config.entries())},
                 {"components", Json::array()}};
    for (std::size_t c = 0; c < plan.components.size(); ++c) {
        json["components"].push_back(json_of(topology.components()[c], plan.components[c]));
    }
    // What users wrote may be no UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace storm::worker
