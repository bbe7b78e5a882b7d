#include "cli/config_commands.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string_view>

#include <storm/detail/secrets.h>
#include <storm/detail/suggest.h>

#include "cli/failure.h"
#include "cli/json.h"
#include "cli/table.h"

namespace storm::cli {
namespace {

std::string type_text(const Setting& setting) {
    const std::string range = setting.max > 0 ? " from " + std::to_string(setting.min) + " to " +
                                                    std::to_string(setting.max)
                                              : "";
    switch (setting.type) {
        case Setting::Type::kInt:
            return "an integer" + range;
        case Setting::Type::kReal:
            return "a number";
        case Setting::Type::kBool:
            return "true or false";
        case Setting::Type::kList:
            return range.empty() ? "a list" : "a list of integers" + range;
        case Setting::Type::kString:
            break;
    }
    if (setting.choices.empty()) return "a text";
    std::string choices(setting.choices);
    for (std::size_t at = 0; (at = choices.find('|', at)) != std::string::npos;) {
        choices.replace(at, 1, ", ");
    }
    return "one of " + choices;
}

std::string set_by_text(const Setting& setting) {
    switch (setting.set_by) {
        case Setting::SetBy::kSpouts:
            return "spouts";
        case Setting::SetBy::kBolts:
            return "bolts";
        case Setting::SetBy::kComponents:
            return "spouts and bolts";
        case Setting::SetBy::kNoComponent:
            break;
    }
    return {};
}

Json json_of(const cluster::LayeredSettings& settings) {
    const detail::Secrets secrets(settings.config.entries());
    Json json = Json::object();
    for (const auto& [key, value] : settings.config.entries()) {
        json[key] = {{"value", secrets.shown(key, value)},
                     {"origin", settings.origins.find(key)->second}};
    }
    return {{"settings", json}};
}

}  // namespace

/// The same layers as for any other command, so what is shown is what holds. Secrets stay hidden:
/// the output ends up in tickets.
void check_settings(const std::vector<cluster::SettingsFile>& files,
                    const std::vector<std::string>& assignments, const Output& output) {
    const auto settings = cluster::layer_settings(files, assignments);
    if (!settings) throw Failure(ExitCode::kUsage, settings.error().message);
    if (output.format == Format::kJson) {
        output.out << to_text(json_of(*settings));
        return;
    }
    const detail::Secrets secrets(settings->config.entries());
    Table table({{"SETTING"}, {"VALUE", false, true}, {"FROM", false, true}});
    for (const auto& [key, value] : settings->config.entries()) {
        table.add({key, secrets.shown(key, value), settings->origins.find(key)->second});
    }
    if (!table.empty()) output.out << table.text(output.terminal) << '\n';
    std::error_code ignored;
    for (const cluster::SettingsFile& file : files) {
        const bool missing = file.optional && !std::filesystem::exists(file.path, ignored);
        output.out << file.path << (missing ? ": not there\n" : ": no mistakes\n");
    }
}

void explain_setting(const std::string& key, const cluster::LayeredSettings& settings,
                     const Output& output) {
    const auto known = known_settings();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&key](const Setting& setting) { return setting.key == key; });
    const auto set = settings.config.entries().find(key);
    if (found == known.end()) {
        std::vector<std::string_view> keys;
        for (const Setting& setting : known) keys.push_back(setting.key);
        const std::string guess = detail::did_you_mean(key, keys);
        throw Failure(ExitCode::kNotFound, "Storm has no setting " + detail::quoted(key),
                      guess.empty() ? "storm config explain without a key lists all" : guess);
    }
    const bool is_set = set != settings.config.entries().end();
    if (output.format == Format::kJson) {
        output.out << to_text(
            {{"key", key},
             {"description", std::string(found->description)},
             {"type", type_text(*found)},
             {"set_by", set_by_text(*found)},
             {"default", std::string(found->default_value)},
             {"value", is_set ? Json(set->second) : Json()},
             {"origin", is_set ? Json(settings.origins.find(key)->second) : Json()}});
        return;
    }
    output.out << key << "\n  " << found->description << "\n\n  takes    " << type_text(*found)
               << "\n  default  "
               << (found->default_value.empty() ? "not set" : std::string(found->default_value))
               << "\n  here     "
               << (is_set ? set->second + "  (" + settings.origins.find(key)->second + ")"
                          : "not set")
               << '\n';
    const std::string set_by = set_by_text(*found);
    if (!set_by.empty()) output.out << "  set() by " << set_by << ", each for itself\n";
}

std::vector<std::string> setting_keys() {
    std::vector<std::string> keys;
    for (const Setting& setting : known_settings()) keys.emplace_back(setting.key);
    return keys;
}

void list_settings(const cluster::LayeredSettings& settings, const Output& output) {
    Json json = Json::array();
    Table table({{"SETTING"}, {"DEFAULT"}, {"HERE", false, true}, {"WHAT", false, true}});
    for (const Setting& setting : known_settings()) {
        const std::string key(setting.key), what(setting.description);
        const std::string otherwise(setting.default_value);
        const auto set = settings.config.entries().find(key);
        const bool is_set = set != settings.config.entries().end();
        json.push_back({{"key", key},
                        {"description", what},
                        {"type", type_text(setting)},
                        {"set_by", set_by_text(setting)},
                        {"default", otherwise},
                        {"value", is_set ? Json(set->second) : Json()}});
        table.add({key, otherwise, is_set ? set->second : "", what});
        if (output.format == Format::kNames) output.out << key << '\n';
    }
    if (output.format == Format::kJson) output.out << to_text({{"settings", json}});
    if (output.format == Format::kTable) output.out << table.text(output.terminal);
}

}  // namespace storm::cli
