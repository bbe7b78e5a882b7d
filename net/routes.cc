#include "net/routes.h"

#include <algorithm>

namespace storm::net {
namespace {

/// Takes the first part off "/a/b": "a" is returned, "/b" is left.
std::string_view next_part(std::string_view& path) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    return part;
}

/// Nothing: the path does not fit the pattern.
std::optional<RouteArguments> arguments_of(std::string_view pattern, std::string_view path) {
    RouteArguments arguments;
    while (pattern.starts_with('/') && path.starts_with('/')) {
        const std::string_view wanted = next_part(pattern);
        const std::string_view given = next_part(path);
        if (!wanted.starts_with('{')) {
            if (given != wanted) return std::nullopt;
        } else {
            if (given.empty()) return std::nullopt;
            arguments.emplace_back(given);
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return arguments;
}

HttpResponse not_allowed(const std::string& allowed) {
    HttpResponse refused =
        HttpResponse::error(405, "the method is not allowed here; allowed: " + allowed);
    refused.headers["Allow"] = allowed;
    return refused;
}

}  // namespace

/// Paths are compared as they were sent, without decoding %: names and ids of topologies, and
/// hashes, have nothing to encode.
std::variant<RouteFound, HttpResponse> find_route(const std::vector<RoutePattern>& routes,
                                                  const HttpRequest& head, std::string_view hint) {
    const std::string_view target = head.target;
    const std::string_view path = target.substr(0, target.find('?'));
    std::string allowed;
    const auto allow = [&allowed](std::string_view method) {
        if (allowed.find(method) != std::string::npos) return;
        allowed += (allowed.empty() ? "" : ", ") + std::string(method);
    };
    for (std::size_t i = 0; i < routes.size(); ++i) {
        const std::optional<RouteArguments> arguments = arguments_of(routes[i].path, path);
        if (!arguments) continue;
        const bool is_get = routes[i].method == "GET";
        if (routes[i].method == head.method || (is_get && head.method == "HEAD")) {
            return RouteFound{i, *arguments};
        }
        allow(routes[i].method);
        if (is_get) allow("HEAD");
    }
    if (allowed.empty()) return HttpResponse::error(404, "no such page", hint);
    return not_allowed(allowed);
}

std::vector<std::pair<std::string_view, std::string_view>> query_of(std::string_view target) {
    std::vector<std::pair<std::string_view, std::string_view>> query;
    target.remove_prefix(std::min(target.find('?'), target.size()));
    while (!target.empty()) {
        target.remove_prefix(1);  // '?' or '&'
        const std::string_view part = target.substr(0, target.find('&'));
        target.remove_prefix(part.size());
        const std::size_t equals = std::min(part.find('='), part.size());
        if (part.empty()) continue;
        query.emplace_back(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())));
    }
    return query;
}

std::string list_of_paths(const std::vector<RoutePattern>& routes) {
    std::vector<std::string_view> paths;
    for (const RoutePattern& route : routes) {
        if (std::find(paths.begin(), paths.end(), route.path) == paths.end()) {
            paths.push_back(route.path);
        }
    }
    std::string list = "there are ";
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (i > 0) list += i + 1 == paths.size() ? " and " : ", ";
        list += paths[i];
    }
    return list;
}

}  // namespace storm::net
