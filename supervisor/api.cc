#include "supervisor/api.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "base/secret.h"
#include "cluster/reports.h"
#include "net/health.h"
#include "net/limits.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"
#include "supervisor/metrics.h"

namespace storm::supervisor {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::uint64_t kLogBytesUnasked = 64 * 1024;

HttpResponse health(const Overview& now) {
    net::Health health;
    if (now.zookeeper != "connected") health.problems.push_back("ZooKeeper: " + now.zookeeper);
    if (!now.refused.empty()) health.problems.push_back("reports: " + now.refused);
    if (!now.disk.empty()) health.problems.push_back("the disk of storm.local.dir " + now.disk);
    health.available = health.problems.empty();
    return net::health_response(health, {{"supervisor", now.report.supervisor},
                                         {"zookeeper", now.zookeeper},
                                         {"reports", now.refused.empty() ? "ok" : now.refused},
                                         {"disk", now.disk.empty() ? "ok" : now.disk},
                                         {"in_doubt", now.in_doubt},
                                         {"slots", now.slots},
                                         {"used_slots", now.slots_used}});
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

/// `path`: topology's id, worker's number, stream; `target` may end with "?offset=N&bytes=M".
/// Nothing if malformed.
std::optional<LogRequest> log_request(const net::RouteArguments& path, std::string_view target) {
    LogRequest wanted;
    wanted.bytes = kLogBytesUnasked;
    const auto number = number_in<std::uint32_t>(path.at(1));
    if (!number) return std::nullopt;
    wanted.topology = path.at(0);
    wanted.number = *number;
    wanted.stream = path.at(2);
    for (const auto& [key, value] : net::query_of(target)) {
        if (key == "offset") {
            const auto offset = number_in<std::int64_t>(value);
            if (!offset) return std::nullopt;
            wanted.offset = *offset;
        } else if (key == "bytes") {
            const auto bytes = number_in<std::uint64_t>(value);
            if (!bytes) return std::nullopt;
            wanted.bytes = *bytes;
        } else {
            return std::nullopt;
        }
    }
    return wanted;
}

/// Whether only a Nimbus could have such a page.
bool is_of_nimbus(std::string_view target) {
    return target.starts_with("/api/") && !target.starts_with("/api/v1/logs/");
}

/// A token file that cannot be read lets nobody in.
std::string token_or_none(base::SecretFile& file) {
    const auto& token = file.read();
    return token ? *token : std::string();
}

/// Removes everything that users' programs have printed or thrown.
cluster::SupervisorReport without_texts(cluster::SupervisorReport report) {
    for (cluster::WorkerStatus& worker : report.workers) {
        worker.last_stderr.clear();
        worker.report.failure.clear();
        cluster::clear_texts(worker.report);
    }
    return report;
}

}  // namespace

Api::Api(daemon::Errands& files, Sources sources)
    : files_(files),
      sources_(std::move(sources)),
      token_(sources_.token_file, kSmallFileBytesMax),
      readonly_token_(sources_.readonly_token_file, kSmallFileBytesMax, base::Readers::kGroup),
      door_(
          [this] {
              return net::Tokens{token_or_none(token_), token_or_none(readonly_token_)};
          },
          clock_, base::random_bytes(net::kNonceSecretBytes)) {}

struct Api::Call {
    const HttpRequest& request;
    const net::RouteArguments& arguments;
    const net::HttpReply& reply;
};

struct Api::Route {
    std::string_view method;
    std::string_view path;
    void (Api::*answer)(const Call&) = nullptr;
};

const net::RouteTable<Api::Route>& Api::table_() {
    static const net::RouteTable<Route> kTable(
        {{"GET", "/health", &Api::health_},
         {"GET", "/metrics", &Api::metrics_},
         {"GET", "/api/v1/workers", &Api::workers_},
         {"GET", "/api/v1/logs/{topology}/{number}/{stream}", &Api::log_}});
    return kTable;
}

void Api::answer(const HttpRequest& request, const net::HttpReply& reply) {
    auto found = table_().find(request);
    if (auto* const refused = std::get_if<HttpResponse>(&found)) {
        if (refused->status == 404 && is_of_nimbus(request.target)) {
            return reply(HttpResponse::error(
                421,
                "this is Supervisor \"" + sources_.overview().report.supervisor + "\", no Nimbus",
                "nimbus.seeds and nimbus.port name Nimbus; its port is 6627 unless it is set"));
        }
        return reply(std::move(*refused));
    }
    const auto& [route, arguments] = std::get<net::RouteTable<Route>::Found>(found);
    (this->*route->answer)({request, arguments, reply});
}

void Api::health_(const Call& call) {
    call.reply(health(sources_.overview()));
}

void Api::metrics_(const Call& call) {
    call.reply(metrics_response(sources_.overview()));
}

void Api::workers_(const Call& call) {
    cluster::SupervisorReport report = sources_.overview().report;
    if (call.request.caller.access == net::Access::kOpen) report = without_texts(std::move(report));
    call.reply(HttpResponse::json(cluster::to_json(report)));
}

/// Logs are what users' programs print, so they need a token, and a Supervisor that has none shows
/// none.
std::optional<HttpResponse> Api::refusal_(const HttpRequest& request) {
    if (sources_.token_file.empty() && sources_.readonly_token_file.empty()) {
        return HttpResponse::error(403, "logs need the token, and this Supervisor has none",
                                   "set storm.token.file to Nimbus' token for the supervisor");
    }
    auto refused = door_.refuse_without(net::Access::kRead, request,
                                        "the token is in Nimbus' storm.token.file, or in the file "
                                        "named token in its storm.local.dir");
    if (!refused) return refused;
    const auto& token = token_.read();
    if (token) return refused;
    return HttpResponse::error(403,
                               "the supervisor cannot read its token: " + token.error().message);
}

void Api::log_(const Call& call) {
    if (auto refused = refusal_(call.request)) return call.reply(*std::move(refused));
    const std::optional<LogRequest> wanted = log_request(call.arguments, call.request.target);
    if (!wanted) {
        return call.reply(HttpResponse::error(
            400, "no such log",
            "/api/v1/logs/TOPOLOGY_ID/NUMBER/stdout or …/stderr, ?offset=N&bytes=M"));
    }
    const bool taken = files_.run(
        [places = sources_.places, wanted = *wanted] { return read_log(places, wanted); },
        [reply = call.reply](base::Result<LogPart> part) {
            if (!part) return reply(HttpResponse::error(404, part.error().message));
            HttpResponse response;
            response.headers["X-Storm-Offset"] = std::to_string(part->offset);
            response.headers["X-Storm-Size"] = std::to_string(part->size);
            response.body = std::move(part).value().bytes;
            reply(std::move(response));
        });
    if (!taken)
        call.reply(HttpResponse::error(503, "too many log requests are waiting", "try again"));
}

}  // namespace storm::supervisor
