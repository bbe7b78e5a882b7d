// Settings and the user's own keys, as a component sees them.
//
// Threads: immutable once built; read from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/errors.h>

namespace storm {

/// One of Storm's own settings. `description` says its unit and effect.
struct Setting {
    enum class Type : std::uint8_t { kString, kInt, kReal, kBool, kList };
    /// The components whose set() of it has an effect, over the topology's value.
    enum class SetBy : std::uint8_t { kNoComponent, kSpouts, kBolts, kComponents };

    std::string_view key;
    Type type;
    std::string_view default_value;  ///< Empty: no default; Config::has() is false until it is set.
    std::int64_t min = 0;  ///< For kInt, and for the items of a kList of numbers (max > 0).
    std::int64_t max = 0;
    std::string_view description;
    /// For kString: the accepted words, as in "loop|dedicated". Empty: any text.
    std::string_view choices = {};
    SetBy set_by = SetBy::kNoComponent;
};

/// All settings of Storm, sorted by key.
std::span<const Setting> known_settings();

namespace detail {
class KeysRead;
}

/// Keys and values: Storm's settings and the user's own keys, as set in settings files, by `-c
/// key=value` and by set() of a component. Values are text, and each look-up parses it; so read
/// what every tuple needs once, in open() or prepare().
///
///     const std::string input = config.string("input");             // Must be set.
///     const std::int64_t repeat = config.int64("repeat", 1);        // 1, if it is not set.
///     const bool tracked = config.int64("topology.acker.executors") != 0;  // Has a default.
///
/// Without a fallback an accessor throws ConfigError if the key is not set; a setting of Storm's
/// then has its default, if there is one. With or without, it throws ConfigError if the value is
/// not of the type that is asked for. The messages say what to do.
class Config {
public:
    Config();

    /// Sets a value, over the former one. Throws ConfigError, with a suggestion, for an unknown key
    /// with one of Storm's prefixes (topology. storm. nimbus. supervisor. worker.), and for a known
    /// one whose value does not parse. Keys without these prefixes are the user's own.
    void set(std::string_view key, std::string_view value);

    /// Whether the key is set or has a default.
    bool has(std::string_view key) const;
    /// The text as it is.
    std::string string(std::string_view key) const;
    /// A decimal number, as in `-17`.
    std::int64_t int64(std::string_view key) const;
    /// A finite number, as in `0.5` or `1e-3`.
    double real(std::string_view key) const;
    /// `true` or `false`.
    bool boolean(std::string_view key) const;
    /// The items of a JSON array of texts and numbers (`["a", "b"]`, `[6700, 6701]`), or of a plain
    /// `a,b`.
    std::vector<std::string> list(std::string_view key) const;

    /// The same with a fallback, for a key that is neither set nor has a default.
    std::string string(std::string_view key, std::string_view fallback) const;
    std::int64_t int64(std::string_view key, std::int64_t fallback) const;
    double real(std::string_view key, double fallback) const;
    bool boolean(std::string_view key, bool fallback) const;

    /// Everything that was set, without defaults.
    const std::map<std::string, std::string, std::less<>>& entries() const { return entries_; }

    /// Keys of the user's own that are set, but that nobody has asked this or a copy of it for yet:
    /// probably misspelt. Each comes with the closest key that was asked for, or with nothing.
    std::vector<std::pair<std::string, std::string>> never_read() const;

private:
    void note(std::string_view key) const;

    std::map<std::string, std::string, std::less<>> entries_;
    std::shared_ptr<detail::KeysRead> read_;  // Owners: this and its copies.
};

}  // namespace storm
