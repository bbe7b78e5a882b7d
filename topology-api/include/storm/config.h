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

/// What Storm knows about one of its own settings. `description` says unit and effect.
struct Setting {
    enum class Type : std::uint8_t { kString, kInt, kReal, kBool, kList };

    std::string_view key;
    Type type;
    std::string_view default_value;  ///< Empty: no default; has() is false until it is set.
    std::int64_t min = 0;  ///< For kInt, and for the items of a kList that holds numbers (max > 0).
    std::int64_t max = 0;
    std::string_view description;
    std::string_view choices =
        {};  ///< For kString: the words it takes, as in "loop|dedicated". Empty: any text.
};

/// Every setting that Storm knows, by key.
std::span<const Setting> known_settings();

namespace detail {
class KeysRead;
}

/// Keys and values. Values are text; the typed accessors parse them. A known setting that is not
/// set has its default. Throws ConfigError: no such key, or not of that type.
///
///     const std::string input = config.string("input");
///     const std::int64_t repeat = config.int64("repeat", 1);
class Config {
public:
    Config();

    /// Throws ConfigError for an unknown key with one of Storm's prefixes (topology. storm. nimbus.
    /// supervisor. worker.), with a suggestion, and for a known one whose value does not parse.
    void set(std::string_view key, std::string_view value);

    bool has(std::string_view key) const;
    std::string string(std::string_view key) const;
    std::int64_t int64(std::string_view key) const;
    double real(std::string_view key) const;
    bool boolean(std::string_view key) const;
    /// From a JSON array of texts and numbers (`["a", "b"]`, `[6700, 6701]`), or plainly: `a,b`.
    std::vector<std::string> list(std::string_view key) const;
    std::string string(std::string_view key, std::string_view fallback) const;
    std::int64_t int64(std::string_view key, std::int64_t fallback) const;
    double real(std::string_view key, double fallback) const;
    bool boolean(std::string_view key, bool fallback) const;

    /// What was set, without defaults.
    const std::map<std::string, std::string, std::less<>>& entries() const { return entries_; }

    /// Keys of the user's own that are set, and that nobody has asked this or a copy for yet; each
    /// with what was asked for and is close to it, or nothing.
    std::vector<std::pair<std::string, std::string>> never_read() const;

private:
    void note(std::string_view key) const;

    std::map<std::string, std::string, std::less<>> entries_;
    std::shared_ptr<detail::KeysRead> read_;  // Owners: this and its copies.
};

}  // namespace storm
