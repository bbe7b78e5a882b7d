#include "nimbus/api/api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/lifetime.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "cluster/reports.h"
#include "net/health.h"
#include "net/limits.h"
#include "nimbus/api/assignment_answer.h"
#include "nimbus/api/metrics.h"
#include "nimbus/api/openapi.h"
#include "nimbus/api/requests.h"
#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using net::HttpResponse;
using Kind = Refusal::Kind;

constexpr std::string_view kTokenHint =
    "the token is in storm.token.file, or in the file named token in Nimbus' storm.local.dir";

int status_of(Kind kind) {
    switch (kind) {
        case Kind::kNotLeader:
            return 421;
        case Kind::kNotFound:
            return 404;
        case Kind::kConflict:
            return 409;
        case Kind::kInvalid:
            return 422;
        case Kind::kUnavailable:
            return 503;
    }
    return 500;
}

}  // namespace

struct Api::Call {
    const net::HttpRequest& request;
    std::string argument;
    net::HttpReply reply;
};

struct Api::Route {
    enum Flags : unsigned { kOpen = 0, kToken = 1, kLeader = 2, kUpload = 4, kZookeeper = 8 };

    std::string_view method;
    std::string_view path;
    unsigned flags;
    void (Api::*answer)(const Call&);
};

const net::RouteTable<Api::Route>& Api::table_() {
    constexpr unsigned kChange = Route::kToken | Route::kLeader | Route::kZookeeper;
    static const net::RouteTable<Route> kTable(
        {{"GET", "/health", Route::kOpen, &Api::health_},
         {"GET", "/metrics", Route::kOpen, &Api::metrics_},
         {"GET", "/api/v1/openapi.json", Route::kOpen, &Api::openapi_},
         {"GET", "/api/v1/topologies", Route::kOpen, &Api::list_},
         {"POST", "/api/v1/topologies", kChange, &Api::submit_},
         {"GET", "/api/v1/topologies/{name}", Route::kOpen, &Api::topology_},
         {"POST", "/api/v1/topologies/{name}/kill", kChange, &Api::kill_},
         {"POST", "/api/v1/topologies/{name}/rebalance", kChange, &Api::rebalance_},
         {"POST", "/api/v1/topologies/{name}/activate", kChange, &Api::activate_},
         {"POST", "/api/v1/topologies/{name}/deactivate", kChange, &Api::deactivate_},
         {"GET", "/api/v1/assignments/{id}", Route::kZookeeper, &Api::assignment_},
         {"HEAD", "/api/v1/blobs/{sha256}", Route::kOpen, &Api::blob_},
         {"GET", "/api/v1/blobs/{sha256}", Route::kOpen, &Api::blob_},
         {"PUT", "/api/v1/blobs/{sha256}", Route::kToken | Route::kUpload, nullptr},
         {"GET", "/api/v1/supervisors", Route::kOpen, &Api::supervisors_},
         {"POST", "/api/v1/supervisors/{id}/report", Route::kToken | Route::kLeader, &Api::report_},
         {"GET", "/api/v1/nimbuses", Route::kOpen, &Api::nimbuses_},
         {"GET", "/api/v1/errors", Route::kOpen, &Api::errors_},
         {"GET", "/api/v1/prometheus/targets", Route::kOpen, &Api::targets_}},
        "GET /api/v1/openapi.json lists all");
    return kTable;
}

const std::vector<net::RoutePattern>& Api::routes() {
    return table_().patterns();
}

/// A blob that is being uploaded.
class Api::Upload final : public net::HttpUpload {
public:
    Upload(Api& api, std::unique_ptr<NewBlob> blob, bool was_there)
        : api_(api), blob_(std::move(blob)), was_there_(was_there) {
        ++api_.uploads_;
    }
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;
    ~Upload() override {
        if (api_watch_.is_over()) return;
        STORM_CHECK(api_.uploads_ > 0, "each upload was counted when it began");
        --api_.uploads_;
    }

    std::optional<HttpResponse> write(std::string_view piece) override {
        bytes_ += piece.size();
        const auto written = blob_->write(piece);
        if (written) return std::nullopt;
        return HttpResponse::error(507, written.error().message, "make room on Nimbus' disk");
    }

    void finish(net::HttpReply reply) override {
        // An upload does not pass through answer(), which counts the others.
        reply = api_.counted_(std::move(reply));
        if (!blob_->hash_is_right()) {
            return reply(HttpResponse::error(422, "the bytes have another hash than the path says",
                                             "the path ends with the SHA-256 of the body"));
        }
        api_.parts_.blob_thread.publish(
            std::move(blob_), [&api = api_, watch = api_watch_, reply, was_there = was_there_,
                               bytes = bytes_](const base::Result<base::Done>& published) {
                if (!published) return reply(HttpResponse::error(507, published.error().message));
                if (!watch.is_over() && !was_there) {
                    ++api.blob_stock_.blobs;
                    api.blob_stock_.bytes += bytes;
                }
                reply(HttpResponse::json("{}\n", was_there ? 200 : 201));
            });
    }

private:
    Api& api_;
    const base::Lifetime::Watch api_watch_ = api_.lifetime_.watch();
    std::unique_ptr<NewBlob> blob_;
    const bool was_there_;
    std::uint64_t bytes_ = 0;
};

Api::Api(ApiParts parts)
    : parts_(std::move(parts)),
      door_([tokens = parts_.tokens] { return tokens; }, parts_.clock,
            base::random_bytes(net::kNonceSecretBytes)) {}

/// Comes before intake(), for every request: a wrong proof is refused even where none is needed, so
/// that whoever has another token learns it.
net::HttpRecognized Api::recognize(const net::HttpRequest& head) {
    auto found = door_.recognize(head);
    if (const auto* refused = std::get_if<HttpResponse>(&found)) {
        // Refused here, it never reaches answer(), which counts the others.
        ++requests_by_status_[refused->status];
    }
    return found;
}

/// Decides by the head alone, before a byte of the body is kept: without a token nobody makes this
/// process hold a megabyte, or open a file.
net::HttpIntake Api::intake(const net::HttpRequest& head) {
    std::string argument;
    HttpResponse refused;
    const Route* const route = route_(head, argument, refused);
    if (route == nullptr) {
        ++requests_by_status_[refused.status];
        return refused;
    }
    if ((route->flags & Route::kUpload) == 0) return net::HttpIntoMemory{};
    if (!base::is_sha256(argument)) {
        return HttpResponse::error(422, "the path does not end with 64 hex digits in lower case");
    }
    if (uploads_ >= kUploadsMax) {
        return HttpResponse::error(503, "too many uploads are under way", "try again");
    }
    auto blob = parts_.blobs.create(argument);
    if (!blob) return HttpResponse::error(507, blob.error().message);
    return std::make_unique<Upload>(*this, std::move(blob).value(),
                                    parts_.blobs.size(argument).has_value());
}

void Api::answer(const net::HttpRequest& request, const net::HttpReply& reply) {
    std::string argument;
    HttpResponse refused;
    const net::HttpReply counting = counted_(reply);
    const Route* const route = route_(request, argument, refused);
    if (route == nullptr) return counting(std::move(refused));
    STORM_CHECK(route->answer != nullptr, "intake() makes an Upload of what has no answer");
    (this->*route->answer)({request, std::move(argument), counting});
}

net::HttpReply Api::counted_(net::HttpReply reply) {
    return [this, watch = lifetime_.watch(), reply = std::move(reply)](HttpResponse made) {
        if (!watch.is_over()) ++requests_by_status_[made.status];
        reply(std::move(made));
    };
}

const Api::Route* Api::route_(const net::HttpRequest& head, std::string& argument,
                              HttpResponse& refused) {
    auto at = table_().find(head);
    if (auto* const none = std::get_if<HttpResponse>(&at)) {
        refused = std::move(*none);
        return nullptr;
    }
    const auto& [found, arguments] = std::get<net::RouteTable<Route>::Found>(at);
    if (!arguments.empty()) argument = arguments.front();
    if ((found->flags & Route::kToken) != 0) {
        auto without = door_.refuse_without(net::Access::kChange, head, kTokenHint);
        if (without) {
            refused = *std::move(without);
            return nullptr;
        }
    }
    if ((found->flags & Route::kLeader) != 0 && !parts_.topologies.leading()) {
        refused = refusal_({Kind::kNotLeader, "this Nimbus does not lead"});
        return nullptr;
    }
    // Otherwise it would wait, and be done when nobody expects it any more.
    if ((found->flags & Route::kZookeeper) != 0 && parts_.zookeeper() != "connected") {
        refused = HttpResponse::error(
            503, "Nimbus has no connection to ZooKeeper, so nothing can be changed",
            "check storm.zookeeper.servers, and that ZooKeeper runs; workers run on");
        return nullptr;
    }
    return found;
}

std::string Api::leader_() const {
    return parts_.nimbuses.leader ? parts_.nimbuses.leader->nimbus : std::string();
}

std::string Api::other_leader_() const {
    const std::string leader = leader_();
    return leader == own_id_ ? std::string() : leader;
}

/// Only the leader has the Supervisors' reports; other Nimbuses name the leader.
HttpResponse Api::told_(std::string body) const {
    HttpResponse made = HttpResponse::json(std::move(body));
    const std::string leader = other_leader_();
    if (!leader.empty()) made.headers["X-Storm-Leader"] = leader;
    return made;
}

HttpResponse Api::refusal_(const Refusal& refusal) const {
    if (refusal.kind != Kind::kNotLeader) {
        return HttpResponse::error(status_of(refusal.kind), refusal.why, refusal.hint);
    }
    const std::string leader = other_leader_();
    if (leader.empty()) {
        return HttpResponse::error(503, "no Nimbus leads at the moment",
                                   parts_.zookeeper() == "connected"
                                       ? "try again in some seconds"
                                       : "Nimbus has no connection to ZooKeeper: look at "
                                         "storm.zookeeper.servers, and whether it runs");
    }
    const nlohmann::ordered_json body = {{"error", refusal.why + "; " + leader + " does"},
                                         {"leader", leader}};
    // The refusal quotes the request, which may not be UTF-8.
    return HttpResponse::json(
        body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n', 421);
}

std::vector<cluster::NimbusRecord> Api::peers_() const {
    std::vector<cluster::NimbusRecord> peers;
    for (const auto& [id, record] : parts_.nimbuses.live) {
        if (id != own_id_) peers.push_back(record);
    }
    return peers;
}

void Api::health_(const Call& call) {
    const std::string zookeeper = parts_.zookeeper();
    const std::string leader = leader_();
    net::Health health = {.available = zookeeper == "connected",
                          .problems = parts_.topologies.problems()};
    if (!health.available) health.problems.push_back("ZooKeeper: " + zookeeper);
    if (blobs_missing_ > 0) {
        health.problems.push_back(
            std::to_string(blobs_missing_) +
            " programs or files of topologies are missing here; it fetches them if another Nimbus "
            "has them");
    }
    call.reply(net::health_response(
        health,
        {{"leader", leader.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(leader)},
         {"is_leader", parts_.topologies.leading()},
         {"zookeeper", zookeeper},
         {"blobs_missing", blobs_missing_}}));
}

void Api::metrics_(const Call& call) {
    call.reply(
        metrics_response({parts_.topologies, parts_.nimbuses, parts_.zookeeper() == "connected",
                          blob_stock_, blobs_missing_, copies_lacking_, requests_by_status_}));
}

void Api::openapi_(const Call& call) {
    call.reply(HttpResponse::json(std::string(kOpenApi)));
}

void Api::list_(const Call& call) {
    call.reply(told_(topologies_json(parts_.topologies, parts_.wall.now_ms())));
}

void Api::topology_(const Call& call) {
    if (const auto view = parts_.topologies.topology(call.argument)) {
        return call.reply(told_(topology_json(*view, parts_.topologies, parts_.wall.now_ms(),
                                              call.request.caller.access)));
    }
    if (!parts_.topologies.leading()) {
        // A topology submitted a moment ago may be unknown here; and a Nimbus that was stopped for
        // a while does not know yet that another one leads.
        return call.reply(
            refusal_({Kind::kNotLeader, "this Nimbus knows no topology \"" + call.argument +
                                            "\", and does not lead"}));
    }
    const std::string running = parts_.topologies.may_still_run(call.argument);
    if (!running.empty()) {
        const nlohmann::ordered_json body = {
            {"error", "there is no topology \"" + call.argument + "\" any more, but " + running +
                          " may still run"},
            {"hint", "it ends by itself if it reaches a Nimbus, else when its Supervisor is back"},
            {"may_still_run", running}};
        return call.reply(HttpResponse::json(body.dump() + '\n', 404));
    }
    call.reply(refusal_({Kind::kNotFound, "there is no topology \"" + call.argument + '"',
                         "`storm list` has them all"}));
}

/// For workers whose Supervisor is away. Any Nimbus with a connection knows the assignments in
/// ZooKeeper; only the leader says that there is none any more.
void Api::assignment_(const Call& call) {
    auto known = assignment_answer(call.request, call.argument, parts_.topologies);
    if (known) return call.reply(*std::move(known));
    const std::string why = "the topology with the id \"" + call.argument + "\" is not known";
    if (!parts_.topologies.leading()) return call.reply(refusal_({Kind::kNotLeader, why}));
    call.reply(refusal_({Kind::kNotFound, why + ", and nobody has removed it"}));
}

void Api::submit_(const Call& call) {
    auto read = read_submission(call.request.body);
    if (!read) return call.reply(HttpResponse::error(422, read.error().message));
    auto submission = std::make_shared<Submission>(std::move(read).value());
    // First: from here on memory, ZooKeeper and answers have only sealed values.
    auto sealed = seal_.sealed(std::move(submission->record));
    if (!sealed) return call.reply(HttpResponse::error(422, sealed.error().message));
    submission->record = std::move(sealed).value();
    std::vector<std::string> blobs;
    for (const cluster::Artifact& artifact : submission->record.artifacts) {
        // Asking also marks the blob as used just now, so it outlives the waiting below.
        const auto size = parts_.blobs.size(artifact.sha256);
        if (!size || *size != artifact.bytes) {
            return call.reply(HttpResponse::error(
                422,
                size ? "artifact \"" + artifact.name + "\" has " + std::to_string(*size) +
                           " bytes, not " + std::to_string(artifact.bytes)
                     : "artifact \"" + artifact.name + "\" is missing: there is no blob " +
                           artifact.sha256,
                size ? "" : "upload it first: PUT /api/v1/blobs/" + artifact.sha256));
        }
        blobs.push_back(artifact.sha256);
    }
    const auto submit = [this, submission, name = submission->record.name, blobs,
                         reply = call.reply](const std::string& lacking) {
        if (!lacking.empty()) ++copies_lacking_;
        parts_.topologies.submit(
            std::move(*submission),
            lifetime_.guard([this, name, blobs, reply, lacking](
                                const std::string& id, const std::optional<Refusal>& refused) {
                if (refused) return reply(refusal_(*refused));
                BlobUsers users;
                for (const std::string& blob : blobs) users[blob].insert(id);
                parts_.blob_thread.note_users(std::move(users));
                nlohmann::ordered_json body = {{"name", name}, {"id", id}};
                if (!lacking.empty()) {
                    body["warning"] = "not all Nimbuses have its files yet: " + lacking;
                }
                reply(HttpResponse::json(
                    // `lacking` quotes other Nimbuses: it may not be UTF-8.
                    body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                        '\n',
                    201));
            }));
    };
    const auto peers = peers_();
    if (peers.empty()) return submit("");
    // More Nimbuses are for more availability: one that takes no copy must not hold up the others.
    parts_.blob_thread.replicate(std::move(blobs), peers, submit);
}

Answered Api::answered_(const net::HttpReply& reply, int status) const {
    return lifetime_.guard([this, reply, status](const std::optional<Refusal>& refused) {
        reply(refused ? refusal_(*refused) : HttpResponse::json("{}\n", status));
    });
}

void Api::kill_(const Call& call) {
    const auto wait_ms = read_kill_wait(call.request.body);
    if (!wait_ms) return call.reply(HttpResponse::error(422, wait_ms.error().message));
    parts_.topologies.kill(call.argument, *wait_ms, answered_(call.reply, 202));
}

void Api::rebalance_(const Call& call) {
    auto asked = read_rebalance(call.request.body);
    if (!asked) return call.reply(HttpResponse::error(422, asked.error().message));
    parts_.topologies.rebalance(call.argument, asked->wait_ms, asked->change,
                                answered_(call.reply, 202));
}

void Api::activate_(const Call& call) {
    parts_.topologies.activate(call.argument, answered_(call.reply, 200));
}

void Api::deactivate_(const Call& call) {
    parts_.topologies.deactivate(call.argument, answered_(call.reply, 200));
}

/// Without a token: only somebody who has had the file knows its hash.
void Api::blob_(const Call& call) {
    if (!parts_.blobs.size(call.argument)) {
        return call.reply(HttpResponse::error(404, "there is no blob \"" + call.argument + '"'));
    }
    HttpResponse found;
    found.content_type = "application/octet-stream";
    found.file = parts_.blobs.path(call.argument);
    call.reply(std::move(found));
}

void Api::supervisors_(const Call& call) {
    call.reply(told_(supervisors_json(parts_.topologies, parts_.wall.now_ms())));
}

void Api::report_(const Call& call) {
    auto report = cluster::supervisor_report(call.request.body);
    if (!report) return call.reply(HttpResponse::error(422, report.error().message));
    if (report->supervisor != call.argument) {
        return call.reply(HttpResponse::error(
            422,
            "the report is from supervisor \"" + report->supervisor + "\", the path says another"));
    }
    const auto refused = parts_.topologies.report(std::move(report).value());
    if (refused) return call.reply(refusal_(*refused));
    HttpResponse taken;
    taken.status = 204;
    call.reply(std::move(taken));
}

void Api::nimbuses_(const Call& call) {
    call.reply(HttpResponse::json(nimbuses_json(parts_.nimbuses, parts_.wall.now_ms())));
}

void Api::errors_(const Call& call) {
    call.reply(told_(errors_json(parts_.topologies, call.request.caller.access)));
}

void Api::targets_(const Call& call) {
    call.reply(HttpResponse::json(targets_json(parts_.topologies, parts_.nimbuses)));
}

}  // namespace storm::nimbus
