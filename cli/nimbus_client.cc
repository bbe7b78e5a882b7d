#include "cli/nimbus_client.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include <storm/detail/suggest.h>
#include <sys/stat.h>

#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/package.h"
#include "cli/terminal.h"

namespace storm::cli {
namespace {

std::string where_they_are() {
    return "its addresses are nimbus.seeds and nimbus.port (-c, --config, $STORM_CONFIG); " +
           cluster_script_for(this_executable()) + " up starts a cluster here";
}

/// Read from the settings, so a mistake in it is the user's.
std::vector<net::Address> seeds_of(const Config& config) {
    const auto port = static_cast<std::uint16_t>(config.int64("nimbus.port"));
    std::vector<net::Address> seeds;
    for (const std::string& seed : config.list("nimbus.seeds")) {
        seeds.push_back(address_of(seed, port));
        if (seeds.back().port == 0) {
            throw Failure(ExitCode::kUsage,
                          "nimbus.seeds: " + detail::quoted(seed) + " has no port",
                          "nimbus.port is 0, so that each seed must be host:port");
        }
    }
    if (seeds.empty()) {
        throw Failure(ExitCode::kUsage, "nimbus.seeds is empty",
                      "it lists where a Nimbus may be found: -c nimbus.seeds=HOST:PORT");
    }
    return seeds;
}

/// So that a file which was named by mistake is noticed here, and not refused by each Nimbus.
bool is_token(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// Empty if the file cannot be read; errno says why.
std::string token_in(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(kTokenBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.pop_back();
    }
    return text;
}

bool is_for(const std::string& path, mode_t others) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && (found.st_mode & others) != 0;
}

Token token_named(const std::string& path, const std::string& by,
                  mode_t forbidden = S_IRWXG | S_IRWXO) {
    const std::string text = token_in(path);
    if (text.empty()) {
        throw Failure(ExitCode::kDenied,
                      "cannot read the token in " + detail::quoted(path) + ", which " + by +
                          " names: " + (errno == 0 ? "it is empty" : std::strerror(errno)),
                      "Nimbus keeps it in <storm.local.dir>/token, for its own user to read");
    }
    if (text.size() > kTokenBytesMax || !is_token(text)) {
        throw Failure(ExitCode::kDenied,
                      detail::quoted(path) + ", which " + by + " names, does not hold a token");
    }
    if (is_for(path, forbidden)) {
        throw Failure(ExitCode::kDenied,
                      "the token in " + detail::quoted(path) + ", which " + by +
                          " names, can be read by others",
                      "anybody who reads it can act as you; chmod " +
                          std::string((forbidden & S_IRGRP) != 0 ? "600 " : "640 ") + path);
    }
    return {text, "the token in " + detail::quoted(path) + " (" + by + ")"};
}

/// Nimbus' error and hint, or that it gave none.
struct Said {
    std::string error;
    std::string hint;
    std::string leader;
    bool still_runs = false;
};
Said said_in(const net::HttpResponse& response) {
    const Json json = Json::parse(response.body, nullptr, false);
    if (json.is_object()) {
        return {printable(text_at(json, "error")), printable(text_at(json, "hint")),
                text_at(json, "leader"), !text_at(json, "may_still_run").empty()};
    }
    return {printable(fitted(response.body, 200)), "", "", false};
}

ExitCode code_of(int status) {
    switch (status) {
        case 401:
        case 403:
            return ExitCode::kDenied;
        case 404:
            return ExitCode::kNotFound;
        case 409:
            return ExitCode::kConflict;
        case 421:
        case 503:
            return ExitCode::kUnreachable;
        default:
            return ExitCode::kFailed;
    }
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

net::HttpCall call_of(const char* method, const std::string& target) {
    net::HttpCall call;
    call.method = method;
    call.target = target;
    call.connect_timeout = kConnectTimeout;
    call.timeout = kResponseTimeout;
    return call;
}

/// All answers of Nimbus are JSON, and its errors have a text.
bool is_nimbus(const net::HttpCall& call, const net::HttpResponse& response) {
    if (call.method == "HEAD") return true;
    if (is_success(response.status) && response.body.empty()) return true;
    const Json json = Json::parse(response.body, nullptr, false);
    if (!json.is_object()) return false;
    // An unhealthy Nimbus answers 503 with its health.
    return is_success(response.status) || response.status == 503 || json.contains("error");
}

}  // namespace

net::Address address_of(const std::string& text, std::uint16_t default_port) {
    auto address = net::parse_address(text, default_port);
    if (!address) throw Failure(ExitCode::kUsage, address.error().message, net::kAddressHint);
    return std::move(address).value();
}

Location location_of(const std::string& url) {
    constexpr std::string_view kScheme = "http://";
    const std::size_t slash = url.find('/', kScheme.size());
    if (!url.starts_with(kScheme) || slash == std::string::npos) {
        throw Failure(ExitCode::kFailed,
                      detail::quoted(printable(url)) + " is not an http:// address");
    }
    return {address_of(url.substr(kScheme.size(), slash - kScheme.size()), 80), url.substr(slash)};
}

/// No name that there can be needs this: it keeps the request's line whole, so that a wrong one is
/// answered with 404.
std::string escaped(std::string_view name) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string text;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            text += c;
        } else {
            text += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return text;
}

/// The first place that is named counts, and must hold a token that nobody else can read: to go on
/// with another one would hide the mistake. The local folder is no such place, it is merely tried.
Token read_token(const Config& config) {
    const char* const named = std::getenv("STORM_TOKEN_FILE");
    if (named != nullptr && *named != '\0') return token_named(named, "$STORM_TOKEN_FILE");
    const std::string readonly = config.string("storm.readonly.token.file", "");
    const auto for_reading = [&readonly] {
        return token_named(readonly, "storm.readonly.token.file", S_IWGRP | S_IRWXO);
    };
    const std::string set = config.string("storm.token.file", "");
    if (!set.empty()) {
        // The settings of a host are for all its users, some of whom may only read.
        if (!readonly.empty() && token_in(set).empty() && errno == EACCES) return for_reading();
        return token_named(set, "storm.token.file");
    }
    const std::string local = config.string("storm.local.dir") + "/token";
    const std::string text = token_in(local);
    const bool closed = !is_for(local, S_IRWXG | S_IRWXO);
    if (is_token(text) && text.size() <= kTokenBytesMax && closed) {
        return {text, "the token in " + detail::quoted(local) + " (storm.local.dir)"};
    }
    if (!readonly.empty()) return for_reading();
    return {"", "$STORM_TOKEN_FILE and storm.token.file are not set, and " + detail::quoted(local) +
                    (closed ? " cannot be read" : " can be read by others, and is not used")};
}

NimbusClient::NimbusClient(const Config& config)
    : seeds_(seeds_of(config)), token_(read_token(config)) {}

net::TokenClient::Answer NimbusClient::call(const net::HttpCall& wanted) {
    net::TokenClient::Answer answer = client_.call(wanted, token_.text);
    if (answer.outcome == Outcome::kAnswered && !is_nimbus(wanted, answer.response)) {
        answer.outcome = Outcome::kStranger;
        answer.why = to_string(net::Address{wanted.host, wanted.port}) +
                     " is not a Nimbus: it answers " + wanted.target +
                     " with something other than a Nimbus' JSON";
    }
    return answer;
}

Json NimbusClient::get(const std::string& target) {
    net::HttpCall call = call_of("GET", target);
    const net::HttpResponse response = ask(call);
    const auto leader = response.headers.find("x-storm-leader");
    if (leader == response.headers.end()) return Json::parse(response.body, nullptr, false);
    // The leader knows more; but while it is away, this answer will do.
    net::HttpCall again = call;
    const net::Address address = address_of(leader->second, 0);
    again.host = address.host;
    again.port = address.port;
    again.connect_timeout = again.timeout = 2 * kFirstTryTimeout;
    const auto fuller = this->call(again);
    const bool is_answer =
        fuller.outcome == Outcome::kAnswered && is_success(fuller.response.status);
    if (is_answer) seeds_.insert(seeds_.begin(), address);
    return Json::parse(is_answer ? fuller.response.body : response.body, nullptr, false);
}

Json NimbusClient::post(const std::string& target, const Json& body) {
    net::HttpCall call = call_of("POST", target);
    call.headers["Content-Type"] = "application/json";
    call.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    const net::HttpResponse response = ask(call);
    return response.body.empty() ? Json::object() : Json::parse(response.body, nullptr, false);
}

Json NimbusClient::health() {
    std::optional<Json> unwell;
    for (const net::Address& seed : seeds_) {
        auto said = health_of(seed, seeds_.size() > 1);
        if (!said) continue;
        if (said->well) return of_its_leader(std::move(said->health));
        if (!unwell) unwell = std::move(said->health);
    }
    return unwell ? *unwell : get("/health");  // It says why nobody answers.
}

std::optional<NimbusClient::Health> NimbusClient::health_of(const net::Address& nimbus,
                                                            bool quickly) {
    net::HttpCall call = call_of("GET", "/health");
    call.host = nimbus.host;
    call.port = nimbus.port;
    if (quickly) call.connect_timeout = call.timeout = kFirstTryTimeout;
    const auto answer = this->call(call);
    if (answer.outcome != Outcome::kAnswered) return std::nullopt;
    Json said = Json::parse(answer.response.body, nullptr, false);
    if (text_at(said, "zookeeper").empty()) return std::nullopt;
    return Health{std::move(said), is_success(answer.response.status)};
}

/// A standby lacks what only the leader knows, such as missing topologies.
Json NimbusClient::of_its_leader(Json health) {
    const std::string leader = text_at(health, "leader");
    if (leader.empty() || flag_at(health, "is_leader")) return health;
    auto said = health_of(address_of(leader, 0), true);
    return said ? std::move(said->health) : health;
}

void NimbusClient::stay_with_leader(const Patience& patience) {
    const base::Micros deadline =
        patience.clock.now() + std::chrono::microseconds(kElectionPatience).count();
    Json said = health();
    // A leader that died is replaced within seconds.
    while (text_at(said, "zookeeper") == "connected" && text_at(said, "leader").empty() &&
           patience.clock.now() < deadline) {
        patience.pause(kLookPauseMax);
        said = health();
    }
    const std::string leader = text_at(said, "leader");
    if (text_at(said, "zookeeper") != "connected") {
        throw Failure(ExitCode::kUnreachable,
                      "Nimbus has no connection to ZooKeeper (" +
                          printable(text_at(said, "zookeeper")) + "), so nothing can be changed",
                      "check storm.zookeeper.servers, and that ZooKeeper runs; workers run on");
    }
    if (leader.empty()) {
        throw Failure(ExitCode::kUnreachable, "no Nimbus leads at the moment",
                      "one is elected within seconds; try again");
    }
    seeds_ = {address_of(leader, 0)};
}

bool NimbusClient::has_blob(const std::string& sha256) {
    net::HttpCall call = call_of("HEAD", "/api/v1/blobs/" + sha256);
    const net::HttpResponse response = ask_any(call);
    if (response.status == 404) return false;
    if (!is_success(response.status)) refuse(call, response);
    return true;
}

void NimbusClient::put_blob(const std::string& sha256, const std::string& path,
                            std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
    net::HttpCall call = call_of("PUT", "/api/v1/blobs/" + sha256);
    call.headers["Content-Type"] = "application/octet-stream";
    call.headers[net::kContentHashHeader] = sha256;
    call.body_file = path;
    call.progress = std::move(progress);
    ask(std::move(call));
}

std::string NimbusClient::withheld_text(const Json& answer) const {
    std::string fields;
    for (const Json& field : list_at(answer, "withheld")) {
        if (!field.is_string()) continue;
        fields += (fields.empty() ? "" : ", ") + printable(field.get<std::string>());
    }
    if (fields.empty()) return "";
    return "not shown: " + fields + ": no token was shown: " + token_.where;
}

net::HttpResponse NimbusClient::get_log(const Location& location) {
    net::HttpCall call = call_of("GET", location.target);
    call.host = location.address.host;
    call.port = location.address.port;
    auto answer = client_.call(call, token_.text);
    if (answer.outcome == Outcome::kStranger) {
        throw Failure(ExitCode::kDenied,
                      "cannot read the log at the Supervisor: " + printable(answer.why),
                      "if it is one, it has another token than " + token_.where +
                          ", or none: set storm.token.file for it");
    }
    if (answer.outcome != Outcome::kAnswered) {
        throw Failure(ExitCode::kUnreachable,
                      "cannot reach the Supervisor at " + to_string(location.address) + ": " +
                          printable(answer.why),
                      "logs are kept by the worker's Supervisor; see storm supervisors");
    }
    if (!is_success(answer.response.status)) refuse(call, answer.response);
    return std::move(answer.response);
}

/// A short time for each, so that a seed that is dead costs little; who answers comes first from
/// now on. If nobody does, ask_any() asks again with all its patience.
std::optional<net::HttpResponse> NimbusClient::ask_quickly(net::HttpCall call) {
    call.connect_timeout = call.timeout = kFirstTryTimeout;
    for (std::size_t i = 0; i < seeds_.size(); ++i) {
        call.host = seeds_[i].host;
        call.port = seeds_[i].port;
        auto answer = this->call(call);
        if (answer.outcome != Outcome::kAnswered || answer.response.status == 503) continue;
        std::rotate(seeds_.begin(), seeds_.begin() + static_cast<std::ptrdiff_t>(i),
                    seeds_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        return std::move(answer.response);
    }
    return std::nullopt;
}

/// A change that may have been done is not asked for again. One that was not sent, or that a Nimbus
/// answers with 503, is asked of the next.
net::HttpResponse NimbusClient::ask_any(net::HttpCall& call) {
    if (seeds_.size() > 1 && call.method != "PUT") {
        // A change is sent once, so first find out who answers.
        const bool reads = call.method != "POST";
        auto response = ask_quickly(reads ? call : call_of("GET", "/health"));
        if (response && reads) {
            call.host = seeds_.front().host;
            call.port = seeds_.front().port;
            return *std::move(response);
        }
    }
    std::string troubles;
    bool is_denied = false;
    for (const net::Address& seed : seeds_) {
        call.host = seed.host;
        call.port = seed.port;
        const auto answer = this->call(call);
        const bool is_answer = answer.outcome == Outcome::kAnswered;
        if (is_answer && (answer.response.status != 503 || seeds_.size() == 1)) {
            return answer.response;
        }
        // Not asked of another one: it may have been done.
        if (answer.outcome == Outcome::kLost && call.method == "POST") {
            throw Failure(ExitCode::kUnreachable,
                          "it is not known whether that was done: " + printable(answer.why),
                          "it may still be; storm list and storm status tell");
        }
        is_denied =
            is_denied || (answer.outcome == Outcome::kStranger && answer.response.status == 401);
        if (!troubles.empty()) troubles += "; ";
        troubles += is_answer ? to_string(seed) + ": " + said_in(answer.response).error
                              : printable(answer.why);
    }
    if (is_denied) {
        throw Failure(ExitCode::kDenied, troubles,
                      token_.where + " is not the one of this cluster, or that is not a Nimbus");
    }
    throw Failure(ExitCode::kUnreachable, "no Nimbus answers: " + troubles, where_they_are());
}

net::HttpResponse NimbusClient::ask(net::HttpCall call) {
    net::HttpResponse response = ask_any(call);
    for (int redirects = 0; response.status == 421 && redirects < kRedirectsMax; ++redirects) {
        const std::string leader = said_in(response).leader;
        if (leader.empty()) break;
        // It is asked first from now on; the others stay, for when it ends.
        seeds_.insert(seeds_.begin(), address_of(leader, 0));
        response = ask_any(call);
    }
    if (!is_success(response.status)) refuse(call, response);
    return response;
}

void NimbusClient::refuse(const net::HttpCall& call, const net::HttpResponse& response) const {
    Said said = said_in(response);
    if (said.error.empty()) {
        said.error = call.method + ' ' + call.target + " is answered with status " +
                     std::to_string(response.status);
    }
    if (response.status == 401) said.hint = "no token was shown: " + token_.where;
    if (response.status == 403 && !token_.text.empty()) said.hint = token_.where + ": " + said.hint;
    if (said.still_runs) throw StillRuns(code_of(response.status), said.error, said.hint);
    throw Failure(code_of(response.status), said.error, said.hint);
}

}  // namespace storm::cli
