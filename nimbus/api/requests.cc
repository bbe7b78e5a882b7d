#include "nimbus/api/requests.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <storm/config.h>
#include <storm/detail/names.h>
#include <storm/detail/secrets.h>
#include <storm/detail/suggest.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "cluster/json_fields.h"
#include "cluster/limits.h"
#include "cluster/names.h"
#include "cluster/plan.h"
#include "net/limits.h"
#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using nlohmann::json;

constexpr std::uint32_t kModeMax = 0777;
// A description has four levels. Deeper JSON is not a topology, and costs stack.
constexpr int kDepthMax = 32;

/// A value that is not an object if the text is not JSON, or nested too deep.
json parsed(std::string_view text) {
    const json::parser_callback_t not_too_deep = [](int depth, json::parse_event_t, json&) {
        return depth <= kDepthMax;
    };
    return json::parse(text, not_too_deep, false);
}

void read_settings(const json& object, cluster::TopologyRecord& record,
                   cluster::JsonMistake& mistake) {
    const auto at = object.find("settings");
    if (at == object.end()) return;
    if (!at->is_object()) return mistake.note("settings", "is not an object");
    Config config;
    for (const auto& [key, value] : at->items()) {
        if (!value.is_string()) return mistake.note("settings." + key, "is not a string");
        try {
            config.set(key, value.get<std::string>());
        } catch (const ConfigError& error) {
            return mistake.note("settings:", error.what());
        }
        record.settings.emplace(key, value.get<std::string>());
    }
}

cluster::Artifact read_artifact(const cluster::JsonFields& fields) {
    cluster::Artifact artifact;
    artifact.name = fields.text("name");
    artifact.sha256 = fields.text("sha256");
    artifact.mode = fields.number<std::uint32_t>("mode");
    artifact.bytes = fields.number<std::uint64_t>("bytes");
    if (!cluster::is_id(artifact.name)) fields.mistake("name", "is not a plain file name");
    if (!base::is_sha256(artifact.sha256)) {
        fields.mistake("sha256", "is not 64 hex digits in lower case");
    }
    if (artifact.mode > kModeMax) fields.mistake("mode", "has more than permissions");
    if (artifact.bytes > net::kHttpFileBytesMax) fields.mistake("bytes", "is more than 512 MiB");
    return artifact;
}

void read_artifacts(const cluster::JsonFields& fields, cluster::TopologyRecord& record) {
    std::set<std::string> names;
    fields.objects("artifacts", [&](const cluster::JsonFields& item) {
        record.artifacts.push_back(read_artifact(item));
        if (!names.insert(record.artifacts.back().name).second) {
            item.mistake("name", "is that of another artifact too");
        }
    });
    if (record.artifacts.empty()) {
        fields.mistake("artifacts", "is empty; the first one is the program");
    }
    if (record.artifacts.size() > cluster::kArtifactsMax) {
        fields.mistake("artifacts", "has more than 256 files");
    }
}

/// Descriptions of other clients than storm-submit may contain secrets.
void hide_secrets(json& settings, const detail::Secrets& secrets) {
    if (!settings.is_object()) return;
    for (const auto& [key, value] : settings.items()) {
        const auto* const text = value.get_ptr<const json::string_t*>();
        value = text == nullptr ? json() : json(secrets.shown(key, *text));
    }
}

/// Settings stand at two levels: the topology's, and those of each component.
std::string without_secrets(json description, const detail::Secrets& secrets) {
    const auto settings = description.find("settings");
    if (settings != description.end()) hide_secrets(*settings, secrets);
    const auto components = description.find("components");
    if (components != description.end()) {
        for (json& component : *components) {
            if (component.is_object() && component.contains("settings")) {
                hide_secrets(component["settings"], secrets);
            }
        }
    }
    return description.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Why components cannot have the executors that the settings ask for. A program that describes
/// itself has checked that, but anybody can post a description.
std::string fault_of_executors(const std::map<std::string, std::string>& settings,
                               const cluster::Description& description) {
    const std::string key(cluster::kExecutorsSetting);
    const auto given = settings.find(key);
    if (given == settings.end()) return {};
    Config config;
    config.set(key, given->second);
    std::map<std::string, std::uint32_t> asked;
    for (const std::string& item : config.list(key)) {
        const auto read = cluster::executors_in(item);
        if (!read) {
            return "settings: " + detail::quoted(key) + " has " + detail::quoted(item) +
                   ", which is not COMPONENT=N";
        }
        asked.insert(*read);
    }
    return cluster::fault_of_executors(asked, description);
}

/// The object in a body that may be empty, and that has no other members than these.
base::Result<json> optional_object(std::string_view text, const std::string& what,
                                   std::initializer_list<std::string_view> members) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
    json object = parsed(text);
    if (!object.is_object()) return base::Error{"the request is not a JSON object"};
    for (const auto& [key, value] : object.items()) {
        if (std::find(members.begin(), members.end(), key) != members.end()) continue;
        std::string all;
        for (const std::string_view member : members)
            all += (all.empty() ? "" : ", ") + detail::quoted(member);
        return base::Error{"there is no " + detail::quoted(key.substr(0, kTopologyNameBytesMax)) +
                           " in " + what + "; there is " + all};
    }
    return object;
}

/// In milliseconds; nothing: the request does not say.
std::optional<std::int64_t> read_wait(const json& object, cluster::JsonMistake& mistake) {
    if (!object.contains("wait_secs")) return std::nullopt;
    const auto secs = cluster::JsonFields(object, "", mistake).number<std::int64_t>("wait_secs");
    if (secs >= 0 && secs <= kKillWaitMsMax / 1000) return secs * 1000;
    mistake.note("wait_secs", "is not between 0 and " + std::to_string(kKillWaitMsMax / 1000));
    return std::nullopt;
}

}  // namespace

base::Result<base::Done> check_name(std::string_view name) {
    std::string fault = detail::fault_of_topology_name(name);
    if (fault.empty()) return base::Done{};
    return base::Error{std::move(fault)};
}

base::Result<Submission> read_submission(std::string_view text) {
    const json object = parsed(text);
    if (!object.is_object()) return base::Error{"the request is not a JSON object"};
    cluster::JsonMistake mistake;
    const cluster::JsonFields fields(object, "", mistake);
    Submission made;
    made.record.name = fields.text("name");
    read_settings(object, made.record, mistake);
    read_artifacts(fields, made.record);
    const auto inactive = object.find("inactive");
    if (inactive != object.end()) {
        if (!inactive->is_boolean()) mistake.note("inactive", "is neither true nor false");
        if (*inactive == true) made.record.status = cluster::Status::kInactive;
    }
    const auto description = object.find("description");
    if (description == object.end()) mistake.note("description", "is missing");
    if (!mistake.text().empty()) return base::Error{mistake.text()};
    if (const auto name = check_name(made.record.name); !name) return name.error();
    made.record.description =
        description->is_object()
            ? without_secrets(*description, detail::Secrets(made.record.settings))
            : description->dump(-1, ' ', false, json::error_handler_t::replace);
    auto read = cluster::read_description(made.record.description);
    if (!read) return read.error();
    made.description = std::move(read).value();
    if (std::string why = fault_of_executors(made.record.settings, made.description); !why.empty())
        return base::Error{std::move(why)};
    return made;
}

base::Result<std::optional<std::int64_t>> read_kill_wait(std::string_view text) {
    const auto object = optional_object(text, "a kill", {"wait_secs"});
    if (!object) return object.error();
    cluster::JsonMistake mistake;
    const auto wait_ms = read_wait(*object, mistake);
    if (!mistake.text().empty()) return base::Error{mistake.text()};
    return wait_ms;
}

base::Result<RebalanceRequest> read_rebalance(std::string_view text) {
    const auto object = optional_object(text, "a rebalance", {"wait_secs", "workers", "executors"});
    if (!object) return object.error();
    cluster::JsonMistake mistake;
    const cluster::JsonFields fields(*object, "", mistake);
    RebalanceRequest made;
    made.wait_ms = read_wait(*object, mistake);
    if (object->contains("workers")) {
        made.change.workers = fields.number<std::uint32_t>("workers");
        try {
            Config().set("topology.workers", std::to_string(made.change.workers));
        } catch (const ConfigError& error) {
            mistake.note("workers", std::string("will not do: ") + error.what());
        }
    }
    if (object->contains("executors")) {
        const cluster::JsonFields counts = fields.object("executors");
        for (const auto& [component, count] : object->at("executors").items())
            made.change.executors[component] = counts.number<std::uint32_t>(component.c_str());
    }
    if (!mistake.text().empty()) return base::Error{mistake.text()};
    return made;
}

}  // namespace storm::nimbus
