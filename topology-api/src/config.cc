#include <storm/config.h>
#include <storm/detail/suggest.h>

#include "topology-api/src/settings.h"

namespace storm {
namespace {

using Entries = std::map<std::string, std::string, std::less<>>;

/// What was set, else the default of a known setting, else null.
std::optional<std::string_view> found(const Entries& entries, std::string_view key) {
    if (const auto entry = entries.find(key); entry != entries.end()) return entry->second;
    const Setting* const known = detail::find_setting(key);
    if (known == nullptr || known->default_value.empty()) return std::nullopt;
    return known->default_value;
}

[[noreturn]] void throw_missing(const Entries& entries, std::string_view key) {
    std::vector<std::string_view> keys;
    for (const auto& [name, value] : entries) keys.push_back(name);
    const std::string guess = detail::did_you_mean(key, keys);
    const std::string way = "give it with -c " + std::string(key) + "=VALUE or in a --config file";
    throw ConfigError("setting " + detail::quoted(key) + " is not set; " +
                      (guess.empty() ? way : guess + " Else " + way));
}

std::string_view require(const Entries& entries, std::string_view key) {
    const std::optional<std::string_view> text = found(entries, key);
    if (!text) throw_missing(entries, key);
    return *text;
}

template <typename T>
T parsed(std::string_view key, std::string_view text, Setting::Type type,
         std::optional<T> (*parse)(std::string_view)) {
    if (std::optional<T> value = parse(text)) return *std::move(value);
    throw ConfigError(
        detail::in_one_line(detail::wrong_value(key, text, type, detail::find_setting(key))));
}

}  // namespace

void Config::set(std::string_view key, std::string_view value) {
    if (const auto mistake = detail::check_setting(key, value)) {
        throw ConfigError(detail::in_one_line(*mistake));
    }
    entries_.insert_or_assign(std::string(key), std::string(value));
}

bool Config::has(std::string_view key) const {
    return found(entries_, key).has_value();
}

std::string Config::string(std::string_view key) const {
    return std::string(require(entries_, key));
}

std::int64_t Config::int64(std::string_view key) const {
    return parsed(key, require(entries_, key), Setting::Type::kInt, &detail::parse_int64);
}

double Config::real(std::string_view key) const {
    return parsed(key, require(entries_, key), Setting::Type::kReal, &detail::parse_real);
}

bool Config::boolean(std::string_view key) const {
    return parsed(key, require(entries_, key), Setting::Type::kBool, &detail::parse_boolean);
}

std::vector<std::string> Config::list(std::string_view key) const {
    return parsed(key, require(entries_, key), Setting::Type::kList, &detail::parse_list);
}

std::string Config::string(std::string_view key, std::string_view fallback) const {
    return std::string(found(entries_, key).value_or(fallback));
}

std::int64_t Config::int64(std::string_view key, std::int64_t fallback) const {
    return has(key) ? int64(key) : fallback;
}

double Config::real(std::string_view key, double fallback) const {
    return has(key) ? real(key) : fallback;
}

bool Config::boolean(std::string_view key, bool fallback) const {
    return has(key) ? boolean(key) : fallback;
}

}  // namespace storm
