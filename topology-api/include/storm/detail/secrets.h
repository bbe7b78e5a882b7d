// Which settings are secrets: the one rule for all that shows settings.
//
// A key of the user's own is one if its name says so (a password, a token, an API key …), if
// topology.secret.settings lists it, or if its value carries one: a URL or a connection string with
// a password in it, say. Storm's own settings hold no secrets, only paths of files that do.
//
// Threads: immutable.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace storm::detail {

/// The setting that lists more of them.
inline constexpr std::string_view kSecretSettings = "topology.secret.settings";
/// Stands for a secret where settings are shown.
inline constexpr std::string_view kHidden = "<secret>";

/// By its name or its value alone.
bool looks_secret(std::string_view key, std::string_view value);

class Secrets {
public:
    Secrets() = default;
    /// `settings`: all of a program's or topology's, by key.
    template <typename Settings>
    explicit Secrets(const Settings& settings) {
        const auto declared = settings.find(std::string(kSecretSettings));
        if (declared != settings.end()) declare(declared->second);
    }

    bool has(std::string_view key, std::string_view value) const;
    /// The value, or what stands for it.
    std::string shown(std::string_view key, std::string_view value) const;

private:
    void declare(std::string_view list);

    std::set<std::string, std::less<>> declared_;
};

}  // namespace storm::detail
