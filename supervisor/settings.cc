#include "supervisor/settings.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

#include <unistd.h>

#include "cluster/limits.h"
#include "cluster/names.h"
#include "supervisor/host.h"
#include "supervisor/isolation/user_ids.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

bool is_plain(std::string_view id) {
    return std::all_of(id.begin(), id.end(), [](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
    });
}

std::string absolute(const std::string& path) {
    std::error_code error;
    const auto made = std::filesystem::absolute(path, error).lexically_normal();
    std::string text = error ? path : made.string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
}

Micros seconds(const Config& config, const char* key) {
    return config.int64(key) * kMicrosPerSecond;
}

base::Result<std::vector<std::uint16_t>> read_slots(const Config& config) {
    std::vector<std::uint16_t> slots;
    std::set<std::uint16_t> seen;
    for (const std::string& text : config.list("supervisor.slots.ports")) {
        const auto port = static_cast<std::uint16_t>(std::stoul(text));  // Config has checked it.
        if (port != 0 && !seen.insert(port).second) {
            return base::Error{"setting \"supervisor.slots.ports\" has port " + text +
                               " twice; give each slot a port of its own"};
        }
        slots.push_back(port);
    }
    if (slots.size() > cluster::kSlotsMax) {
        return base::Error{"setting \"supervisor.slots.ports\" has " +
                           std::to_string(slots.size()) + " ports; at most " +
                           std::to_string(cluster::kSlotsMax) + " are possible"};
    }
    return slots;
}

IsolationSettings read_isolation(const Config& config, const Settings& settings) {
    IsolationSettings isolation;
    const std::string level = config.string("supervisor.worker.isolation");
    isolation.level = level == "off"      ? IsolationLevel::kOff
                      : level == "strict" ? IsolationLevel::kStrict
                                          : IsolationLevel::kBasic;
    isolation.writable = config.list("supervisor.worker.writable.paths");
    isolation.secret = {settings.places.local_dir, settings.places.log_dir};
    for (const std::string& file : {settings.token_file, settings.readonly_token_file,
                                    config.string("storm.zookeeper.auth.file", "")}) {
        if (!file.empty()) isolation.secret.push_back(absolute(file));
    }
    isolation.processes_max =
        static_cast<std::uint64_t>(config.int64("supervisor.worker.max.processes"));
    isolation.memory_max =
        static_cast<std::uint64_t>(config.int64("supervisor.worker.max.memory.mb", 0)) << 20;
    return isolation;
}

}  // namespace

base::Result<Settings> read_settings(const Config& config) {
    Settings settings;
    settings.places.local_dir = absolute(config.string("storm.local.dir"));
    const std::string log_dir = config.string("storm.log.dir", "");
    settings.places.log_dir = log_dir.empty() ? settings.places.local_dir + "/logs"
                                              : absolute(log_dir) + "/workers-artifacts";
    if (settings.places.socket().size() > kSocketPathMax) {
        return base::Error{
            "setting \"storm.local.dir\" is too long: the path of a socket has at most " +
            std::to_string(kSocketPathMax) + " bytes, and \"" + settings.places.socket() +
            "\" has " + std::to_string(settings.places.socket().size()) + "; choose a shorter one"};
    }
    settings.host = config.string("storm.local.hostname");
    settings.beyond_loopback = !is_loopback(settings.host);
    if (settings.beyond_loopback && !config.boolean("storm.insecure")) {
        return base::Error{"setting \"storm.local.hostname\" is \"" + settings.host +
                           "\", which others can reach, or which is not known: whoever reaches it "
                           "could run programs here; set storm.insecure to true to accept that, or "
                           "use 127.0.0.1"};
    }
    settings.http_port = static_cast<std::uint16_t>(config.int64("supervisor.port"));
    settings.id = config.string("supervisor.id", "");
    if (!settings.id.empty() && !(cluster::is_id(settings.id) && is_plain(settings.id))) {
        return base::Error{"setting \"supervisor.id\" is \"" + settings.id +
                           "\", which is not an id; it stands in addresses, so use up to 255 "
                           "letters, digits, and \"-\", \"_\", \".\" and \":\""};
    }
    const auto slots = read_slots(config);
    if (!slots) return slots.error();
    settings.slots = *slots;
    settings.times.start_timeout = seconds(config, "supervisor.worker.start.timeout.secs");
    settings.times.worker_timeout = seconds(config, "supervisor.worker.timeout.secs");
    settings.times.shutdown_sleep = seconds(config, "supervisor.worker.shutdown.sleep.secs");
    const auto nimbus_port = static_cast<std::uint16_t>(config.int64("nimbus.port"));
    for (const std::string& seed : config.list("nimbus.seeds")) {
        const auto address = net::parse_address(seed, nimbus_port);
        if (!address) {
            return base::Error{"setting \"nimbus.seeds\": " + address.error().message + "; " +
                               net::kAddressHint};
        }
        if (address->port != 0) settings.nimbus_seeds.push_back(*address);
    }
    const char* const token_file = std::getenv("STORM_TOKEN_FILE");
    settings.token_file = token_file != nullptr && *token_file != '\0'
                              ? token_file
                              : config.string("storm.token.file", "");
    settings.readonly_token_file = config.string("storm.readonly.token.file", "");
    if (::geteuid() == 0 && config.boolean("supervisor.run.worker.as.user")) {
        const auto users = parse_user_ids(config.string("supervisor.worker.user.ids"));
        if (!users) {
            return base::Error{"setting \"supervisor.worker.user.ids\" is " +
                               users.error().message};
        }
        settings.places.users = *users;
    }
    settings.isolation = read_isolation(config, settings);
    return settings;
}

}  // namespace storm::supervisor
