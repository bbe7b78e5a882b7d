#include "supervisor/reporter.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/limits.h"

namespace storm::supervisor {

namespace {

using Outcome = ReportOutcome;

std::string token_in(const std::string& path) {
    if (path.empty()) return {};
    const auto token = base::read_secret(path, kSmallFileBytesMax);
    return token ? *token : std::string();
}

std::optional<net::Address> leader_in(const std::string& body) {
    const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object() || !json.contains("leader") || !json["leader"].is_string()) {
        return std::nullopt;
    }
    const auto leader = net::parse_address(json["leader"].get<std::string>(), 0);
    if (!leader || leader->port == 0) return std::nullopt;
    return *leader;
}

struct Report {
    std::string id;
    std::string body;
    std::string token_file;
};

Outcome post_to(const net::Address& nimbus, const Report& report, net::TokenClient& client) {
    net::HttpCall call;
    call.host = nimbus.host;
    call.port = nimbus.port;
    call.method = "POST";
    call.target = "/api/v1/supervisors/" + report.id + "/report";
    call.headers = {{"Content-Type", "application/json"}};
    call.timeout = call.deadline = kReportDeadline;
    const std::string token = token_in(report.token_file);
    call.body = report.body;
    const auto answer = client.call(call, token);
    Outcome outcome;
    const std::string name = to_string(nimbus);
    const bool is_answer = answer.outcome == net::TokenClient::Outcome::kAnswered;
    const bool is_stranger = answer.outcome == net::TokenClient::Outcome::kStranger;
    if (!is_answer && !is_stranger) {
        outcome.why = name + ": " + answer.why;
        return outcome;
    }
    const int status = answer.response.status;
    outcome.ok = is_answer && status / 100 == 2;
    if (outcome.ok) return outcome;
    outcome.why = is_answer ? name + " answers " + std::to_string(status) : answer.why;
    if (is_answer && status == 421) outcome.leader = leader_in(answer.response.body);
    outcome.refused = status == 401 || status == 403;
    outcome.proved = is_answer && !token.empty();
    if (outcome.refused) {
        const std::string named = ": the token in \"" + report.token_file + '"';
        outcome.why += token.empty() ? ": it wants a token; set storm.token.file to Nimbus' token"
                       : outcome.proved ? named + " is not the one that changes something"
                                        : named + " is not Nimbus', or that is not a Nimbus";
    }
    return outcome;
}

/// A Nimbus that does not lead names the one that does, which is then tried next, and first with
/// the next report.
Outcome post(std::vector<net::Address> nimbuses, const Report& report, net::TokenClient& client) {
    Outcome outcome;
    outcome.why = "no Nimbus is known; set nimbus.seeds";
    std::string all;
    bool all_refuse = true;
    bool is_proved = false;
    for (std::size_t i = 0; i < std::min(nimbuses.size(), kNimbusTries); ++i) {
        outcome = post_to(nimbuses[i], report, client);
        if (outcome.ok) {
            outcome.leader = nimbuses[i];
            return outcome;
        }
        all_refuse = all_refuse && outcome.refused;
        is_proved = is_proved || (outcome.refused && outcome.proved);
        all += (all.empty() ? "" : "; ") + outcome.why;
        if (outcome.leader)
            nimbuses.insert(nimbuses.begin() + std::ptrdiff_t(i) + 1, *outcome.leader);
    }
    // Anybody at the address of a Nimbus that has ended can refuse.
    outcome.refused = is_proved || (all_refuse && !all.empty());
    if (!all.empty()) outcome.why = all;
    return outcome;
}

/// Bytes of a report that has this worker only, so that shares of a report add up to at most it.
std::size_t bytes_of(const cluster::WorkerStatus& worker) {
    cluster::SupervisorReport alone;
    alone.workers = {worker};
    return cluster::to_json(alone).size();
}

/// States stay whatever they take: by these Nimbus finishes and removes topologies.
void shorten(cluster::WorkerStatus& worker, std::size_t share) {
    if (bytes_of(worker) <= share) return;
    constexpr std::size_t kShort = 500;
    if (worker.report.failure.size() > kShort) worker.report.failure.resize(kShort);
    worker.last_stderr.clear();
    cluster::clear_texts(worker.report);
    if (bytes_of(worker) <= share) return;
    base::log::warn("the report of a worker is too long; it goes to nimbus without its counts",
                    {{"topology", worker.topology}, {"worker", worker.number}});
    worker.report.components.clear();
}

}  // namespace

std::string fitting_json(cluster::SupervisorReport report, std::size_t bytes_max) {
    std::string json = cluster::to_json(report);
    if (json.size() <= bytes_max || report.workers.empty()) return json;
    for (cluster::WorkerStatus& worker : report.workers) {
        shorten(worker, bytes_max / report.workers.size());
    }
    return cluster::to_json(report);
}

Reporter::Reporter(base::EventLoop& loop, daemon::Errands& errands, Sources sources)
    : loop_(loop), errands_(errands), sources_(std::move(sources)) {}

Reporter::~Reporter() {
    lifetime_.end();
}

void Reporter::begin() {
    begun_ = true;
    send_at_(loop_.now());
}

void Reporter::changed(bool urgent) {
    if (!begun_) return;
    const Micros now = loop_.now();
    send_at_(urgent ? now + kReportCoalesce : std::max(now, last_sent_ + kReportBusy));
}

void Reporter::send_at_(Micros due) {
    // One report at a time; a change meanwhile makes the next one due.
    if (sending_) {
        next_due_ = std::min(due, next_due_.value_or(due));
        return;
    }
    if (due_ && *due_ <= due) return;
    due_ = due;
    const Micros now = loop_.now();
    loop_.after(std::max<Micros>(0, due - now), lifetime_.guard([this, due] {
        if (sending_ || due_ != due) return;
        due_.reset();
        send_();
    }));
}

void Reporter::send_() {
    STORM_CHECK(!sending_, "one report is sent at a time, and has the client");
    const cluster::SupervisorReport report = sources_.report();
    std::vector<net::Address> nimbuses = sources_.nimbuses();
    if (leader_) {
        // A try at one that is silent costs kReportDeadline.
        std::erase(nimbuses, *leader_);
        nimbuses.insert(nimbuses.begin(), *leader_);
    }
    // After the report was made: a change from here on is not in it, and makes the next one due.
    sending_ = true;
    last_sent_ = loop_.now();
    const bool taken = errands_.run(
        [nimbuses, client = std::exchange(client_, {}),
         sent = Report{report.supervisor, fitting_json(report, net::kHttpBodyBytesMax),
                       sources_.token_file}]() mutable {
            Outcome outcome = post(nimbuses, sent, client);
            outcome.client = std::move(client);
            return outcome;
        },
        lifetime_.guard([this](Outcome outcome) { sent_(std::move(outcome)); }));
    if (taken) return;
    ReportOutcome outcome;
    outcome.why = "too many reports wait";
    sent_(std::move(outcome));
}

void Reporter::sent_(ReportOutcome outcome) {
    STORM_CHECK(sending_, "this is the end of the one report under way");
    sending_ = false;
    client_ = std::move(outcome.client);
    leader_ = outcome.leader;
    refused_ = outcome.refused ? outcome.why : "";
    const Micros now = loop_.now();
    Micros due = now + kReportIdle;
    if (outcome.ok) {
        if (!complained_.empty()) base::log::info("reports reach nimbus again");
        complained_.clear();
        retry_ = kReportRetryMin;
        if (next_due_) due = std::min(due, std::max(now, *next_due_));
    } else {
        // Changes meanwhile do not shorten the pause: the next report has them.
        if (complained_ != outcome.why)
            base::log::warn("cannot report to nimbus", {{"why", outcome.why}});
        complained_ = outcome.why;
        due = now + retry_;
        retry_ = std::min(2 * retry_, kReportRetryMax);
    }
    next_due_.reset();
    send_at_(due);
}

}  // namespace storm::supervisor
