// Validation of settings, shared by Config::set() and the check of a component's settings.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <storm/config.h>

namespace storm::detail {

/// Null: not a setting of Storm's.
const Setting* find_setting(std::string_view key);

/// Why a key and its value cannot be set, and a hint.
struct SettingMistake {
    std::string what;
    std::string hint;
};
std::optional<SettingMistake> check_setting(std::string_view key, std::string_view value);

/// `what; hint`.
std::string in_one_line(const SettingMistake& mistake);

// Parse a text. Nothing if it is no such value; wrong_value() says why.
std::optional<std::int64_t> parse_int64(std::string_view text);
std::optional<double> parse_real(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);
std::optional<std::vector<std::string>> parse_list(std::string_view text);

/// Names the range of a known setting too; `known` may be null.
SettingMistake wrong_value(std::string_view key, std::string_view value, Setting::Type type,
                           const Setting* known);

}  // namespace storm::detail
