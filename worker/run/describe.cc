#include "worker/run/describe.h"

#include <gnu/libc-version.h>
#include <storm/detail/secrets.h>
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
Json settings_json(const Settings& settings, const detail::Secrets& secrets) {
    Json json = Json::object();
    for (const auto& [key, value] : settings) json[key] = secrets.shown(key, value);
    return json;
}

// Nimbus, the workers and storm-submit of other versions read this: keys may be added, but none may
// change its meaning.
Json json_of(const Component& component, const cluster::ComponentPlan& plan,
             const detail::Secrets& secrets) {
    Json json = {{"id", component.id},
                 {"kind", component.is_spout() ? "spout" : "bolt"},
                 {"parallelism", plan.executors},
                 {"tasks", plan.tasks},
                 {"blocking", component.blocking},
                 {"tick_ms", component.tick ? Json(component.tick->count()) : Json()},
                 {"settings", settings_json(component.settings, secrets)},
                 {"streams", Json::array()},
                 {"inputs", Json::array()}};
    for (const StreamDeclaration& stream : component.outputs) {
        json["streams"].push_back(json_of(stream));
    }
    for (const Subscription& input : component.inputs) json["inputs"].push_back(json_of(input));
    return json;
}

/// Nimbus places a program only on hosts that have what it was compiled for; elsewhere it would die
/// of SIGILL in the middle of some tuple.
///
/// Features in which the levels x86-64-v1 to v4, and -march=native, differ. A processor with these
/// has those that come with them.
std::vector<std::string> compiled_for() {
    std::vector<std::string> features;
#ifdef __SSE3__
    features.push_back("pni");
#endif
#ifdef __SSSE3__
    features.push_back("ssse3");
#endif
#ifdef __SSE4_1__
    features.push_back("sse4_1");
#endif
#ifdef __SSE4_2__
    features.push_back("sse4_2");
#endif
#ifdef __POPCNT__
    features.push_back("popcnt");
#endif
#if defined(__x86_64__) && defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16)
    features.push_back("cx16");
#endif
#ifdef __AVX__
    features.push_back("avx");
#endif
#ifdef __F16C__
    features.push_back("f16c");
#endif
#ifdef __FMA__
    features.push_back("fma");
#endif
#ifdef __BMI__
    features.push_back("bmi1");
#endif
#ifdef __BMI2__
    features.push_back("bmi2");
#endif
#ifdef __LZCNT__
    features.push_back("abm");
#endif
#ifdef __MOVBE__
    features.push_back("movbe");
#endif
#ifdef __AES__
    features.push_back("aes");
#endif
#ifdef __AVX2__
    features.push_back("avx2");
#endif
#ifdef __AVX512F__
    features.push_back("avx512f");
#endif
#ifdef __AVX512BW__
    features.push_back("avx512bw");
#endif
#ifdef __AVX512CD__
    features.push_back("avx512cd");
#endif
#ifdef __AVX512DQ__
    features.push_back("avx512dq");
#endif
#ifdef __AVX512VL__
    features.push_back("avx512vl");
#endif
#ifdef __AVX512VNNI__
    features.push_back("avx512_vnni");
#endif
    return features;
}

}  // namespace

Platform this_platform() {
    utsname found{};
    uname(&found);
    return {found.machine, gnu_get_libc_version(), compiled_for()};
}

std::string describe(const std::string& name, const Topology& topology, const Config& config,
                     const Platform& platform) {
    const cluster::Plan plan = cluster::make_plan(topology, config);
    const detail::Secrets secrets(config.entries());
    Json json = {{"format", kDescribeFormat},
                 {"name", name},
                 {"storm_version", STORM_VERSION},
                 {"machine", platform.machine},
                 {"glibc", platform.glibc},
                 {"cpu_features", platform.cpu_features},
                 {"settings", settings_json(config.entries(), secrets)},
                 {"components", Json::array()}};
    for (std::size_t c = 0; c < plan.components.size(); ++c) {
        json["components"].push_back(
            json_of(topology.components()[c], plan.components[c], secrets));
    }
    // The text of users may not be UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace storm::worker
