#include <mutex>
#include <set>

#include <storm/config.h>
#include <storm/detail/suggest.h>

#include "topology-api/src/settings.h"

namespace storm {

/// The user's own keys that were asked for. Each look-up takes a lock: there are few, at start-up.
class detail::KeysRead {
public:
    void add(std::string_view key) {
        const std::lock_guard lock(mutex_);
        if (!keys_.contains(key)) keys_.emplace(key);
    }
    std::set<std::string, std::less<>> all() const {
        const std::lock_guard lock(mutex_);
        return keys_;
    }

private:
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> keys_;
};

namespace {

using Entries = std::map<std::string, std::string, std::less<>>;

/// The set value, else the default of a known setting, else nothing.
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

Config::Config() : read_(std::make_shared<detail::KeysRead>()) {}

void Config::note(std::string_view key) const {
    // read_ is null after a move.
    if (read_ != nullptr && detail::find_setting(key) == nullptr) read_->add(key);
}

std::vector<std::pair<std::string, std::string>> Config::never_read() const {
    std::vector<std::pair<std::string, std::string>> found;
    if (read_ == nullptr) return found;
    const std::set<std::string, std::less<>> read = read_->all();
    const std::vector<std::string_view> names(read.begin(), read.end());
    for (const auto& [key, value] : entries_) {
        if (read.contains(key) || detail::find_setting(key) != nullptr) continue;
        found.emplace_back(key, detail::closest(key, names));
    }
    return found;
}

void Config::set(std::string_view key, std::string_view value) {
    if (const auto mistake = detail::check_setting(key, value)) {
        throw ConfigError(detail::in_one_line(*mistake));
    }
    entries_.insert_or_assign(std::string(key), std::string(value));
}

bool Config::has(std::string_view key) const {
    note(key);
    return found(entries_, key).has_value();
}

std::string Config::string(std::string_view key) const {
    note(key);
    return std::string(require(entries_, key));
}

std::int64_t Config::int64(std::string_view key) const {
    note(key);
    return parsed(key, require(entries_, key), Setting::Type::kInt, &detail::parse_int64);
}

double Config::real(std::string_view key) const {
    note(key);
    return parsed(key, require(entries_, key), Setting::Type::kReal, &detail::parse_real);
}

bool Config::boolean(std::string_view key) const {
    note(key);
    return parsed(key, require(entries_, key), Setting::Type::kBool, &detail::parse_boolean);
}

std::vector<std::string> Config::list(std::string_view key) const {
    note(key);
    return parsed(key, require(entries_, key), Setting::Type::kList, &detail::parse_list);
}

std::string Config::string(std::string_view key, std::string_view fallback) const {
    note(key);
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
