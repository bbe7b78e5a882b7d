// Decides which settings are secrets. Everything that shows settings uses this rule.
//
// A key of the user's own is secret if its name says so (password, token, API key …), if
// topology.secret.settings lists it, or if its value carries a secret: a URL or a connection
// string with a password in it, say. Storm's own settings hold no secrets, only paths of files
// that do.
//
// Threads: immutable.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace storm::detail {

/// The setting that lists additional secret keys.
inline constexpr std::string_view kSecretSettings = "topology.secret.settings";
/// Shown in place of a secret.
inline constexpr std::string_view kHidden = "<secret>";

/// Judges by the key and the value alone.
bool looks_secret(std::string_view key, std::string_view value);

class Secrets {
public:
    Secrets() = default;
    /// `settings` are all of a program's or topology's, by key.
    template <typename Settings>
    explicit Secrets(const Settings& settings) {
        const auto declared = settings.find(std::string(kSecretSettings));
        if (declared != settings.end()) declare(declared->second);
    }

    bool has(std::string_view key, std::string_view value) const;
    /// The value, or kHidden.
    std::string shown(std::string_view key, std::string_view value) const;

private:
    void declare(std::string_view list);

    std::set<std::string, std::less<>> declared_;
};

}  // namespace storm::detail
