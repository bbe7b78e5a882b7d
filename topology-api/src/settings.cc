#include "topology-api/src/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>

#include <storm/detail/secrets.h>
#include <storm/detail/suggest.h>

namespace storm {
namespace {

using Type = Setting::Type;

constexpr std::array<std::string_view, 5> kPrefixes = {"topology.", "storm.", "nimbus.",
                                                       "supervisor.", "worker."};

bool is_reserved(std::string_view key) {
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [key](std::string_view prefix) { return key.starts_with(prefix); });
}

// ---- Keys that do not exist ---------------------------------------------------------------------

std::vector<std::string_view> segments_of(std::string_view key) {
    // Without the prefix, units and bounds, which would make all keys alike.
    constexpr std::array<std::string_view, 8> kMute = {"topology", "storm", "bytes", "ms",
                                                       "secs",     "max",   "time",  "dir"};
    std::vector<std::string_view> segments;
    while (!key.empty()) {
        const std::size_t dot = std::min(key.find('.'), key.size());
        const std::string_view segment = key.substr(0, dot);
        key.remove_prefix(std::min(dot + 1, key.size()));
        if (std::find(kMute.begin(), kMute.end(), segment) == kMute.end())
            segments.push_back(segment);
    }
    return segments;
}

std::size_t segments_in_common(std::string_view a, std::string_view b) {
    const std::vector<std::string_view> others = segments_of(b);
    const std::vector<std::string_view> segments = segments_of(a);
    return static_cast<std::size_t>(
        std::count_if(segments.begin(), segments.end(), [&others](std::string_view segment) {
            return std::find(others.begin(), others.end(), segment) != others.end();
        }));
}

/// Up to three keys that may have been meant, the likeliest first: those that differ by a typing
/// error or, if there are none, those that share words with it.
std::vector<std::string_view> keys_near(std::string_view wanted) {
    constexpr std::size_t kNearMax = 3;
    constexpr std::size_t kTyposMax = 3;
    using Ranked = std::tuple<std::size_t, std::size_t, std::string_view>;
    std::vector<Ranked> typos, kin;
    for (const Setting& setting : known_settings()) {
        const std::size_t distance = detail::edit_distance(wanted, setting.key);
        const std::size_t common = segments_in_common(wanted, setting.key);
        if (distance <= kTyposMax) typos.emplace_back(0, distance, setting.key);
        if (common > 0) kin.emplace_back(wanted.size() - common, distance, setting.key);
    }
    std::vector<Ranked>& ranked = typos.empty() ? kin : typos;
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < std::min(kNearMax, ranked.size()); ++i) {
        keys.push_back(std::get<std::string_view>(ranked[i]));
    }
    return keys;
}

detail::SettingMistake unknown_key(std::string_view key) {
    detail::SettingMistake mistake = {"unknown setting " + detail::quoted(key), {}};
    const std::vector<std::string_view> near = keys_near(key);
    if (near.empty()) {
        mistake.hint =
            "keys of your own may start with anything but topology., storm., nimbus., "
            "supervisor. and worker.";
        return mistake;
    }
    mistake.hint = "did you mean ";
    for (std::size_t i = 0; i < near.size(); ++i) {
        if (i > 0) mistake.hint += i + 1 == near.size() ? " or " : ", ";
        mistake.hint += detail::quoted(near[i]);
    }
    mistake.hint += '?';
    return mistake;
}

// ---- Values that do not fit ---------------------------------------------------------------------

bool is_control(char letter) {
    return static_cast<unsigned char>(letter) < ' ' || letter == '\x7f';
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::string lower_case(std::string_view text) {
    std::string lowered(text);
    for (char& letter : lowered) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lowered;
}

std::string hint_for_int(std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (text.empty()) return "give it a value, or leave the key out";
    if (is_digits(digits) && digits.size() > 1 && digits.front() == '0') {
        const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        return "write it without leading zeros, which some readers take for octal: " +
               std::string(digits.substr(first));
    }
    if (text.starts_with('+')) return "write it without the plus";
    if (is_one_of(lower_case(text), {"true", "false", "yes", "no", "on", "off"})) {
        return "this setting is a number, not a switch";
    }
    if (!digits.empty() && is_digits(digits.substr(0, 1))) {
        return "write decimal digits only: no unit, separator, fraction or exponent";
    }
    return {};
}

std::string hint_for_bool(std::string_view text) {
    const std::string lowered = lower_case(text);
    if (is_one_of(lowered, {"true", "yes", "on", "1"})) return "write true";
    if (is_one_of(lowered, {"false", "no", "off", "0"})) return "write false";
    return {};
}

bool is_in_range(const Setting& setting, std::int64_t number) {
    return number >= setting.min && number <= setting.max;
}

bool is_choice(std::string_view choices, std::string_view value) {
    while (true) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, bar) == value) return true;
        if (bar == choices.size()) return false;
        choices.remove_prefix(bar + 1);
    }
}

std::string expected(Type type, const Setting* known) {
    const bool ranged = known != nullptr && known->max > 0;
    const std::string range =
        ranged ? " from " + std::to_string(known->min) + " to " + std::to_string(known->max) : "";
    switch (type) {
        case Type::kInt:
            return "an integer" + range;
        case Type::kReal:
            return "a number";
        case Type::kBool:
            return "true or false";
        case Type::kList:
            return ranged ? "a list of integers" + range : "a list, as in [\"a\", \"b\"]";
        case Type::kString:
            break;
    }
    return known == nullptr ? "a text" : "one of " + std::string(known->choices);
}

bool fits(const Setting& setting, std::string_view value) {
    switch (setting.type) {
        case Type::kString:
            return setting.choices.empty() || is_choice(setting.choices, value);
        case Type::kReal:
            return detail::parse_real(value).has_value();
        case Type::kBool:
            return detail::parse_boolean(value).has_value();
        case Type::kInt: {
            const std::optional<std::int64_t> number = detail::parse_int64(value);
            return number && is_in_range(setting, *number);
        }
        case Type::kList:
            break;
    }
    const std::optional<std::vector<std::string>> items = detail::parse_list(value);
    return items && std::all_of(items->begin(), items->end(), [&setting](const std::string& item) {
               if (setting.max == 0) return true;
               const std::optional<std::int64_t> number = detail::parse_int64(item);
               return number && is_in_range(setting, *number);
           });
}

// ---- Lists --------------------------------------------------------------------------------------

/// Reads the next part of a text, and removes it.
class ListReader {
public:
    explicit ListReader(std::string_view text) : rest_(text) { skip_space(); }

    std::optional<std::vector<std::string>> read() {
        std::vector<std::string> items;
        const bool bracketed = take('[');
        if (bracketed ? take(']') : rest_.empty()) return finished(std::move(items));
        do {
            std::optional<std::string> item = rest_.starts_with('"') ? quoted_item() : bare_item();
            if (!item) return std::nullopt;
            items.push_back(*std::move(item));
        } while (take(','));
        if (bracketed && !take(']')) return std::nullopt;
        return finished(std::move(items));
    }

private:
    std::optional<std::vector<std::string>> finished(std::vector<std::string> items) const {
        if (!rest_.empty()) return std::nullopt;
        return items;
    }
    void skip_space() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }
    bool take(char wanted) {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        skip_space();
        return true;
    }
    std::optional<std::string> bare_item() {
        const std::size_t end = std::min(rest_.find_first_of(",[]{}\""), rest_.size());
        const std::string_view item = rest_.substr(0, end);
        rest_.remove_prefix(end);
        const std::size_t last = item.find_last_not_of(" \t\r\n");
        if (last == std::string_view::npos) return std::nullopt;
        return std::string(item.substr(0, last + 1));
    }
    std::optional<std::string> quoted_item() {
        std::string item;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                skip_space();
                return item;
            }
            // Hosts, paths and ports need no more of JSON's escapes.
            if (rest_[i] == '\\' &&
                (++i == rest_.size() || !is_one_of(rest_.substr(i, 1), {"\"", "\\", "/"}))) {
                return std::nullopt;
            }
            item += rest_[i];
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

}  // namespace

namespace detail {

std::optional<std::int64_t> parse_int64(std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (!is_digits(digits) || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_real(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (!std::isfinite(number)) return std::nullopt;
    return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

std::optional<std::vector<std::string>> parse_list(std::string_view text) {
    return ListReader(text).read();
}

SettingMistake wrong_value(std::string_view key, std::string_view value, Type type,
                           const Setting* known) {
    SettingMistake mistake = {
        "setting " + quoted(key) + " is " +
            (looks_secret(key, value) ? std::string(kHidden) : quoted(value)) + ", but must be " +
            expected(type, known),
        {}};
    if (type == Type::kInt && !parse_int64(value)) mistake.hint = hint_for_int(value);
    if (type == Type::kBool) mistake.hint = hint_for_bool(value);
    if (known != nullptr && known->type == type && mistake.hint.empty() &&
        !known->default_value.empty()) {
        mistake.hint = "the default is " + std::string(known->default_value);
    }
    return mistake;
}

std::optional<SettingMistake> check_setting(std::string_view key, std::string_view value) {
    const Setting* const known = find_setting(key);
    if (known != nullptr) {
        if (fits(*known, value)) return std::nullopt;
        return wrong_value(key, value, known->type, known);
    }
    if (key.empty()) return SettingMistake{"a setting has an empty key", "write key=value"};
    if (const auto odd = std::find_if(key.begin(), key.end(), is_control); odd != key.end()) {
        std::string shown(key);
        std::replace_if(shown.begin(), shown.end(), is_control, '?');
        return SettingMistake{"setting " + quoted(shown) + " has a control character in its key",
                              "write keys in letters, digits and dots"};
    }
    if (is_reserved(key)) return unknown_key(key);
    return std::nullopt;
}

std::string in_one_line(const SettingMistake& mistake) {
    return mistake.hint.empty() ? mistake.what : mistake.what + "; " + mistake.hint;
}

}  // namespace detail
}  // namespace storm
