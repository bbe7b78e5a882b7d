#include "worker/run/metrics_server.h"

#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "net/health.h"
#include "net/routes.h"

namespace storm::worker {
namespace {

net::HttpResponse health(const Shared& shared, const std::string& topology) {
    return net::health_response(
        {}, {{"topology", topology}, {"state", shared.state.draining() ? "draining" : "running"}});
}

/// The source of the answers.
struct Running {
    const Shared& shared;
    const MetricsSource& source;
    const std::optional<LeaseState>& lease;
};

struct Route {
    std::string_view method;
    std::string_view path;
    net::HttpResponse (*answer)(const Running&) = nullptr;
};

// Reads only what any thread may: counters, the state, and texts under their tasks' locks. User
// code is never asked.
net::HttpResponse answer(const net::HttpRequest& request, const Running& running) {
    static const net::RouteTable<Route> kTable(
        {{"GET", "/health",
          [](const Running& now) { return health(now.shared, now.source.topology); }},
         {"GET", "/metrics", [](const Running& now) {
              return metrics_response(take_snapshot(now.shared), now.source, now.lease);
          }}});
    auto found = kTable.find(request);
    if (auto* const refused = std::get_if<net::HttpResponse>(&found)) return std::move(*refused);
    return std::get<net::RouteTable<Route>::Found>(found).route->answer(running);
}

}  // namespace

base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(std::uint16_t port,
                                                             const Shared& shared,
                                                             MetricsSource source) {
    return net::HttpServer::listen(
        port, [&shared, source = std::move(source)](const net::HttpRequest& request) {
            return answer(request, {shared, source, std::nullopt});
        });
}

base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(boost::asio::io_context& io,
                                                             const std::string& host,
                                                             const Shared& shared,
                                                             MetricsSource source,
                                                             std::function<LeaseState()> lease) {
    // The worker may listen where its Supervisor may.
    return net::HttpServer::listen(
        io, {.host = host, .port = 0, .beyond_loopback = true},
        {.intake = {},
         .answer = [&shared, source = std::move(source), lease = std::move(lease)](
                       const net::HttpRequest& request, const net::HttpReply& reply) {
             reply(answer(request, {shared, source, lease()}));
         }});
}

}  // namespace storm::worker
