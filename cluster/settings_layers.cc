#include "cluster/settings_layers.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/settings_file.h"

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

class Layers {
public:
    void add(const SettingsFile& file) {
        if (file.optional && is_missing(file.path)) return;
        const auto read = base::read_settings_file(file.path);
        if (!read) return mistake(read.error().message);
        for (const auto& [key, value] : *read) set(key, value, file.path, file.path);
    }

    void add(const std::string& assignment) {
        const std::size_t equals = assignment.find('=');
        const std::string where = "-c " + assignment;
        if (equals == std::string::npos) {
            return mistake(where + ": not a setting; write -c " + assignment + "=VALUE");
        }
        set(assignment.substr(0, equals), assignment.substr(equals + 1), "-c", where);
    }

    base::Result<LayeredSettings> settings() && {
        if (!mistakes_.empty()) return base::Error{std::move(mistakes_)};
        return std::move(settings_);
    }

private:
    void set(const std::string& key, const std::string& value, const std::string& origin,
             const std::string& where) {
        try {
            settings_.config.set(key, value);
            settings_.origins.insert_or_assign(key, origin);
        } catch (const ConfigError& error) {
            mistake(where + ": " + error.what());
        }
    }

    void mistake(const std::string& what) {
        if (!mistakes_.empty()) mistakes_ += '\n';
        mistakes_ += what;
    }

    LayeredSettings settings_;
    std::string mistakes_;
};

}  // namespace

std::vector<SettingsFile> settings_files(const std::vector<std::string>& given) {
    std::vector<SettingsFile> files = {{"/etc/storm/storm.yaml", true}};
    const std::string home = environment("HOME");
    if (!home.empty()) files.push_back({home + "/.storm/storm.yaml", true});
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
