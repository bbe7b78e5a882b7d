#include "coordination/zookeeper_settings.h"

#include <cstddef>

#include <sys/stat.h>

#include "base/secret.h"

namespace storm::coordination {
namespace {

/// Reads "user:password"; "" if there is no file.
base::Result<std::string> read_auth(const std::string& path) {
    if (path.empty()) return std::string();
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return base::Error{path + " can be read by others; chmod 600 " + path};
    }
    constexpr std::size_t kAuthBytesMax = 1024;
    auto auth = base::read_secret(path, kAuthBytesMax);
    if (!auth) return auth;
    const std::size_t colon = auth->find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == auth->size()) {
        return base::Error{path + " does not hold USER:PASSWORD"};
    }
    return auth;
}

std::string with_port(const std::string& server, const std::string& port) {
    // Accepts "host", "host:port", "[::1]:port" and "[::1]".
    const std::size_t colon = server.rfind(':');
    const bool has_port = colon != std::string::npos && colon > 0 &&
                          (server[0] == '[' ? server[colon - 1] == ']' : server.find(':') == colon);
    return has_port ? server : server + ":" + port;
}

}  // namespace

base::Result<ZookeeperSettings> zookeeper_settings(const Config& config) {
    ZookeeperSettings settings;
    const std::string port = std::to_string(config.int64("storm.zookeeper.port"));
    for (const std::string& server : config.list("storm.zookeeper.servers")) {
        if (server.empty() || server.find_first_of(", /") != std::string::npos) {
            return base::Error{"storm.zookeeper.servers: \"" + server +
                               "\" is not a host; give HOST or HOST:PORT for each server"};
        }
        if (!settings.servers.empty()) settings.servers += ',';
        settings.servers += with_port(server, port);
    }
    if (settings.servers.empty()) {
        return base::Error{"storm.zookeeper.servers: it names no server; give HOST or HOST:PORT"};
    }
    settings.session_timeout =
        config.int64("storm.zookeeper.session.timeout") * base::kMicrosPerMilli;
    const auto auth = read_auth(config.string("storm.zookeeper.auth.file", ""));
    if (!auth) return base::Error{"storm.zookeeper.auth.file: " + auth.error().message};
    settings.auth = *auth;
    settings.root = config.string("storm.zookeeper.root");
    const std::string& root = settings.root;
    const bool is_path = root.size() > 1 && root[0] == '/' && root.back() != '/' &&
                         root.find("//") == std::string::npos;
    if (!is_path) {
        return base::Error{"storm.zookeeper.root: \"" + root +
                           "\" is not a path below the root; write it like /storm"};
    }
    return settings;
}

}  // namespace storm::coordination
