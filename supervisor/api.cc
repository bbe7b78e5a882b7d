#include "supervisor/api.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <nlohmann/json.hpp>

#include "base/secret.h"
#include "net/limits.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"

namespace storm::supervisor {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kLogs = "/api/v1/logs/";
constexpr std::uint64_t kLogBytesUnasked = 64 * 1024;

HttpResponse health(const Overview& now) {
    const bool is_well = now.zookeeper == "connected" && now.refused.empty() && now.disk.empty();
    const nlohmann::json json = {{"status", is_well ? "ok" : "degraded"},
                                 {"supervisor", now.report.supervisor},
                                 {"zookeeper", now.zookeeper},
                                 {"reports", now.refused.empty() ? "ok" : now.refused},
                                 {"disk", now.disk.empty() ? "ok" : now.disk},
                                 {"in_doubt", now.in_doubt},
                                 {"slots", now.slots},
                                 {"used_slots", now.slots_used}};
    return HttpResponse::json(json.dump(), is_well ? 200 : 503);
}

MetricFamily family(const char* name, const char* help, MetricType type) {
    MetricFamily made;
    made.name = name;
    made.help = help;
    made.type = type;
    return made;
}

void add(MetricFamily& to, std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    metric.counter.value = value;
    to.metric.push_back(std::move(metric));
}

HttpResponse metrics(const Overview& now) {
    std::vector<MetricFamily> families;
    families.push_back(family("storm_supervisor_slots", "Usable slots", MetricType::Gauge));
    add(families.back(), {}, static_cast<double>(now.slots));
    families.push_back(
        family("storm_supervisor_slots_used", "Slots with a worker", MetricType::Gauge));
    add(families.back(), {}, static_cast<double>(now.slots_used));
    families.push_back(family("storm_supervisor_restarts_total",
                              "Workers that ended without being told to, by reason",
                              MetricType::Counter));
    for (std::size_t i = 0; i < kEndReasons; ++i) {
        add(families.back(), {{"reason", std::string(to_string(static_cast<EndReason>(i)))}},
            static_cast<double>(now.restarts[i]));
    }
    families.push_back(
        family("storm_supervisor_workers", "Workers, by their state", MetricType::Gauge));
    using cluster::WorkerState;
    for (const WorkerState state :
         {WorkerState::kStarting, WorkerState::kRunning, WorkerState::kFinished,
          WorkerState::kFailed, WorkerState::kBackOff, WorkerState::kCrashLoop}) {
        const auto& workers = now.report.workers;
        const auto count = std::count_if(workers.begin(), workers.end(), [state](const auto& each) {
            return each.report.state == state;
        });
        add(families.back(), {{"state", std::string(cluster::to_string(state))}},
            static_cast<double>(count));
    }
    families.push_back(family("storm_supervisor_topologies_in_doubt",
                              "Topologies that run on though their assignment is not known",
                              MetricType::Gauge));
    add(families.back(), {}, static_cast<double>(now.in_doubt));
    families.push_back(family("storm_supervisor_zookeeper_connected",
                              "1 while it has a session with ZooKeeper", MetricType::Gauge));
    add(families.back(), {}, now.zookeeper == "connected" ? 1 : 0);
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = prometheus::TextSerializer().Serialize(families);
    return response;
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

/// Parses "/api/v1/logs/TOPOLOGY_ID/NUMBER/STREAM?offset=N&bytes=M". Nothing if malformed.
std::optional<LogRequest> log_request(std::string_view target) {
    LogRequest wanted;
    wanted.bytes = kLogBytesUnasked;
    const std::size_t question = std::min(target.find('?'), target.size());
    std::string_view query = target.substr(std::min(question + 1, target.size()));
    std::string_view path = target.substr(0, question);
    path.remove_prefix(kLogs.size());
    const std::size_t first = path.find('/');
    const std::size_t last = path.rfind('/');
    if (first == std::string_view::npos || first == last) return std::nullopt;
    wanted.topology = path.substr(0, first);
    const auto number = number_in<std::uint32_t>(path.substr(first + 1, last - first - 1));
    if (!number) return std::nullopt;
    wanted.number = *number;
    wanted.stream = path.substr(last + 1);
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const std::size_t equals = std::min(part.find('='), part.size());
        const std::string_view value = part.substr(std::min(equals + 1, part.size()));
        if (part.substr(0, equals) == "offset") {
            const auto offset = number_in<std::int64_t>(value);
            if (!offset) return std::nullopt;
            wanted.offset = *offset;
        } else if (part.substr(0, equals) == "bytes") {
            const auto bytes = number_in<std::uint64_t>(value);
            if (!bytes) return std::nullopt;
            wanted.bytes = *bytes;
        } else {
            return std::nullopt;
        }
    }
    return wanted;
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
      readonly_token_(sources_.readonly_token_file, kSmallFileBytesMax),
      door_(
          [this] {
              return net::Tokens{token_or_none(token_), token_or_none(readonly_token_)};
          },
          clock_, base::random_bytes(net::kNonceSecretBytes)) {}

void Api::answer(const HttpRequest& request, const net::HttpReply& reply) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const bool is_ours = path.starts_with(kLogs) || path == "/api/v1/workers";
    if (path.starts_with("/api/") && !is_ours) {
        return reply(HttpResponse::error(
            421, "this is Supervisor \"" + sources_.overview().report.supervisor + "\", no Nimbus",
            "nimbus.seeds and nimbus.port name Nimbus; its port is 6627 unless it is set"));
    }
    if (request.method != "GET" && request.method != "HEAD") {
        return reply(HttpResponse::error(405, "only GET and HEAD are allowed"));
    }
    if (path.starts_with(kLogs)) return answer_log_(request, reply);
    if (path == "/health") return reply(health(sources_.overview()));
    if (path == "/metrics") return reply(metrics(sources_.overview()));
    if (path == "/api/v1/workers") {
        cluster::SupervisorReport report = sources_.overview().report;
        if (request.caller.access == net::Access::kOpen) {
            report = without_texts(std::move(report));
        }
        return reply(HttpResponse::json(cluster::to_json(report)));
    }
    reply(HttpResponse::error(404, "no such page",
                              "there are /health, /metrics, /api/v1/workers and /api/v1/logs/…"));
}

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

void Api::answer_log_(const HttpRequest& request, const net::HttpReply& reply) {
    if (auto refused = refusal_(request)) return reply(*std::move(refused));
    const std::optional<LogRequest> wanted = log_request(request.target);
    if (!wanted) {
        return reply(HttpResponse::error(
            400, "no such log",
            "/api/v1/logs/TOPOLOGY_ID/NUMBER/stdout or …/stderr, ?offset=N&bytes=M"));
    }
    const bool taken = files_.run(
        [places = sources_.places, wanted = *wanted] { return read_log(places, wanted); },
        [reply](base::Result<LogPart> part) {
            if (!part) return reply(HttpResponse::error(404, part.error().message));
            HttpResponse response;
            response.headers["X-Storm-Offset"] = std::to_string(part->offset);
            response.headers["X-Storm-Size"] = std::to_string(part->size);
            response.body = std::move(part).value().bytes;
            reply(std::move(response));
        });
    if (!taken) reply(HttpResponse::error(503, "too many log requests are waiting", "try again"));
}

}  // namespace storm::supervisor
