#include "cluster/settings_layers.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include <storm/detail/secrets.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/settings_file.h"
#include "cluster/settings_references.h"

namespace storm::cluster {
namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

bool is_missing(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::status(path, ignored).type() == std::filesystem::file_type::not_found;
}

bool is_closed(const std::string& path) {
    return ::access(path.c_str(), R_OK) != 0 && errno == EACCES;
}

std::string quoted_in_list(std::string_view item) {
    std::string text = "\"";
    for (const char c : item) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

class Layers {
public:
    void add(const SettingsFile& file) {
        if (file.optional && is_missing(file.path)) return;
        if (file.may_be_closed && is_closed(file.path)) {
            // It may be in the HOME of another user.
            return base::log::warn("a settings file is skipped: no permission to read it",
                                   {{"file", file.path}});
        }
        const auto read = base::read_settings_file(file.path);
        if (!read) return mistake(read.error().message);
        for (const auto& [key, value] : *read) set(key, value, file.path, file.path);
    }

    void add(const std::string& assignment) {
        const std::size_t equals = assignment.find('=');
        if (equals == std::string::npos) {
            return mistake("-c " + assignment + ": not a setting; write -c " + assignment +
                           "=VALUE");
        }
        const std::string key = assignment.substr(0, equals);
        const std::string value = assignment.substr(equals + 1);
        // Messages about it must not show a secret.
        set(key, value, "-c", "-c " + key + '=' + detail::Secrets().shown(key, value));
    }

    base::Result<LayeredSettings> settings() && {
        if (!mistakes_.empty()) return base::Error{std::move(mistakes_)};
        declare_referred();
        return std::move(settings_);
    }

private:
    /// The last one to set a key counts, and where it came from goes with it. All mistakes are
    /// gathered, so that they can be mended at once.
    void set(const std::string& key, const std::string& value, const std::string& origin,
             const std::string& where) {
        const auto resolved = resolve_references(value);
        if (!resolved) return mistake(where + ": " + key + ": " + resolved.error().message);
        try {
            settings_.config.set(key, resolved->value);
            settings_.origins.insert_or_assign(key, origin);
            if (resolved->referred) {
                referred_.insert(key);
            } else {
                referred_.erase(key);
            }
        } catch (const ConfigError& error) {
            mistake(where + ": " + error.what());
        }
    }

    std::vector<std::string> declared_by_user(const std::string& list) const {
        return settings_.config.has(list) ? settings_.config.list(list)
                                          : std::vector<std::string>();
    }

    /// A user who keeps a value elsewhere has a reason.
    /// Declared, so that all who get the settings hide and seal it: they do not know where it came
    /// from.
    void declare_referred() {
        const std::string list(detail::kSecretSettings);
        const detail::Secrets known(settings_.config.entries());
        std::string declared;
        for (const std::string& key : declared_by_user(list)) {
            declared += (declared.empty() ? "" : ", ") + quoted_in_list(key);
        }
        std::string origin;
        for (const std::string& key : referred_) {
            const bool own = std::none_of(known_settings().begin(), known_settings().end(),
                                          [&key](const Setting& each) { return each.key == key; });
            const auto entry = settings_.config.entries().find(key);
            const auto from = settings_.origins.find(key);
            STORM_CHECK(
                entry != settings_.config.entries().end() && from != settings_.origins.end(),
                "a setting that refers to another place is set");
            if (!own || known.has(key, entry->second)) continue;
            declared += (declared.empty() ? "" : ", ") + quoted_in_list(key);
            origin = from->second;
        }
        if (origin.empty()) return;
        settings_.config.set(list, '[' + declared + ']');
        settings_.origins.emplace(list, origin);
    }

    void mistake(const std::string& what) {
        if (!mistakes_.empty()) mistakes_ += '\n';
        mistakes_ += what;
    }

    LayeredSettings settings_;
    std::set<std::string> referred_;  // Keys whose values come from elsewhere.
    std::string mistakes_;
};

}  // namespace

/// From the host's to the user's to what was named: later ones count. Files that were named must be
/// there, the others need not.
std::vector<SettingsFile> settings_files(const std::vector<std::string>& given) {
    std::vector<SettingsFile> files = {{"/etc/storm/storm.yaml", true, true}};
    const std::string home = environment("HOME");
    if (!home.empty()) files.push_back({home + "/.storm/storm.yaml", true, true});
    const std::string named = environment("STORM_CONFIG");
    if (!named.empty()) files.push_back({named});
    for (const std::string& path : given) files.push_back({path});
    return files;
}

base::Result<LayeredSettings> layer_settings(const std::vector<SettingsFile>& files,
                                             const std::vector<std::string>& assignments) {
    Layers layers;
    for (const SettingsFile& file : files) layers.add(file);
    for (const std::string& assignment : assignments) layers.add(assignment);
    return std::move(layers).settings();
}

}  // namespace storm::cluster
