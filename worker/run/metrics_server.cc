#include "worker/run/metrics_server.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace storm::worker {
namespace {

std::string health_text(const Shared& shared, const std::string& topology) {
    const nlohmann::ordered_json json = {
        {"status", "ok"},
        {"topology", topology},
        {"state", shared.state.draining() ? "draining" : "running"}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

net::HttpResponse answer(const net::HttpRequest& request, const Shared& shared,
                         const MetricsSource& source, const std::optional<LeaseState>& lease) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (request.method != "GET" && request.method != "HEAD")
        return net::HttpResponse::error(405, "only GET is allowed");
    if (path == "/metrics") {
        return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
                .body = metrics_text(take_snapshot(shared), source, lease)};
    }
    if (path == "/health") {
        return {.content_type = "application/json", .body = health_text(shared, source.topology)};
    }
    return net::HttpResponse::error(404, "there are /metrics and /health");
}

}  // namespace

base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(std::uint16_t port,
                                                             const Shared& shared,
                                                             MetricsSource source) {
    return net::HttpServer::listen(
        port, [&shared, source = std::move(source)](const net::HttpRequest& request) {
            return answer(request, shared, source, std::nullopt);
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
             reply(answer(request, shared, source, lease()));
         }});
}

}  // namespace storm::worker
