// The table of an HTTP interface: which route answers a request, and what the others get.
//
//     struct Route { std::string_view method, path; HttpResponse (*answer)(…); };
//     const RouteTable<Route> table({{"GET", "/logs/{topology}", answer_log}, …});
//     auto found = table.find(request);    // The route with its arguments, or a 404 or 405.
//
// A part in braces stands for one part of the path, which is not empty. HEAD is allowed wherever
// GET is. A query belongs to no path.
//
// Threads: immutable.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "net/http_message.h"

namespace storm::net {

struct RoutePattern {
    std::string_view method;  ///< "GET"
    std::string_view path;    ///< "/api/v1/topologies/{name}/kill"
};

/// One for each part in braces.
using RouteArguments = std::vector<std::string>;

struct RouteFound {
    std::size_t route = 0;  ///< Index of the pattern.
    RouteArguments arguments;
};

/// The first route for the path and the method; otherwise 404 with `hint`, or 405 with the methods
/// that are allowed.
std::variant<RouteFound, HttpResponse> find_route(const std::vector<RoutePattern>& routes,
                                                  const HttpRequest& head, std::string_view hint);

/// The query of a target, by key: "?offset=1&bytes" gives {"offset", "1"} and {"bytes", ""}.
/// Nothing is decoded.
std::vector<std::pair<std::string_view, std::string_view>> query_of(std::string_view target);

/// For errors: "there are /health and /metrics".
std::string list_of_paths(const std::vector<RoutePattern>& routes);

/// `Route` has the members of RoutePattern, and what the program needs besides.
template <typename Route>
class RouteTable {
public:
    struct Found {
        const Route* route = nullptr;
        RouteArguments arguments;
    };

    /// An empty `hint`: a 404 lists all paths.
    explicit RouteTable(std::vector<Route> routes, std::string_view hint = {})
        : routes_(std::move(routes)) {
        for (const Route& route : routes_) patterns_.push_back({route.method, route.path});
        hint_ = hint.empty() ? list_of_paths(patterns_) : std::string(hint);
    }

    std::variant<Found, HttpResponse> find(const HttpRequest& head) const {
        auto found = find_route(patterns_, head, hint_);
        if (auto* const refused = std::get_if<HttpResponse>(&found)) return std::move(*refused);
        auto& at = std::get<RouteFound>(found);
        return Found{&routes_[at.route], std::move(at.arguments)};
    }
    const std::vector<RoutePattern>& patterns() const { return patterns_; }

private:
    std::vector<Route> routes_;
    std::vector<RoutePattern> patterns_;
    std::string hint_;
};

}  // namespace storm::net
