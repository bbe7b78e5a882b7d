#include "nimbus/entry/daemon.h"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cluster/seal.h"
#include "coordination/cluster_state.h"
#include "coordination/election.h"
#include "coordination/session.h"
#include "coordination/zookeeper_coordination.h"
#include "daemon/asio_loop.h"
#include "daemon/ending.h"
#include "daemon/local_dir.h"
#include "daemon/watchdog.h"
#include "net/access.h"
#include "net/address.h"
#include "net/http_server.h"
#include "nimbus/api/api.h"
#include "nimbus/blobs/blob_store.h"
#include "nimbus/blobs/blob_thread.h"
#include "nimbus/limits.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {
namespace {

std::string token_file(const Config& config) {
    const char* const from_environment = std::getenv("STORM_TOKEN_FILE");
    if (from_environment != nullptr && *from_environment != '\0') return from_environment;
    return config.string("storm.token.file", config.string("storm.local.dir") + "/token");
}

base::Result<net::Tokens> read_tokens(const Config& config) {
    net::Tokens tokens;
    auto full = daemon::read_or_make_token(token_file(config));
    if (!full) return full.error();
    tokens.full = std::move(full).value();
    const std::string readonly = config.string("storm.readonly.token.file", "");
    if (readonly.empty()) return tokens;
    auto read = daemon::read_or_make_token(readonly, daemon::TokenKind::kReadonly);
    if (!read) return read.error();
    tokens.readonly = std::move(read).value();
    if (tokens.readonly == tokens.full) {
        return base::Error{"storm.readonly.token.file \"" + readonly +
                           "\" has the token that may change everything; give it another one"};
    }
    return tokens;
}

class Daemon {
public:
    Daemon(daemon::LocalDir dir, BlobStore blobs, net::Tokens tokens,
           const coordination::ZookeeperSettings& zookeeper, base::Micros task_timeout)
        : dir_(std::move(dir)),
          blobs_(std::move(blobs)),
          tokens_(std::move(tokens)),
          session_timeout_(zookeeper.session_timeout),
          session_(
              loop_, [this, zookeeper] { return connect_zookeeper(loop_, zookeeper); },
              zookeeper.root),
          state_(session_),
          topologies_(
              state_, loop_, wall_, task_timeout,
              [this] {
                  return election_ ? election_->term() : std::optional<coordination::Term>();
              },
              seal_),
          api_({topologies_, nimbuses_, blobs_, blob_thread_, wall_,
                [this] { return zookeeper_text(); }, tokens_, clock_}) {}

    base::Result<base::Done> start(const Config& config) {
        net::HttpAddress address;
        address.host = config.string("storm.local.hostname");
        address.port = static_cast<std::uint16_t>(config.int64("nimbus.port"));
        address.beyond_loopback = config.boolean("storm.insecure");
        net::HttpService service;
        service.recognize = [this](const net::HttpRequest& head) { return api_.recognize(head); };
        service.intake = [this](const net::HttpRequest& head) { return api_.intake(head); };
        service.answer = [this](const net::HttpRequest& request, const net::HttpReply& reply) {
            api_.answer(request, reply);
        };
        auto server = net::HttpServer::listen(io_, address, std::move(service));
        if (!server) return base::Error{server.error().message + " (nimbus.port)"};
        server_ = std::move(server).value();
        record_.host = address.host;
        record_.port = server_->port();
        record_.id = net::to_string({record_.host, record_.port});
        record_.storm_version = STORM_VERSION;
        record_.started_ms = started_ms_;
        // It listens before it stands for election: a leader must be reachable under its id, which
        // has the port.
        api_.set_own_id(record_.id);
        follow();
        dir_.ready({{"port", record_.port}, {"host", record_.host}, {"version", STORM_VERSION}});
        return base::Done{};
    }

    /// False: another process has this one's id.
    bool run() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (!error) stop();
        });
        base::log::info("nimbus is ready", {{"address", record_.id}});
        daemon::run_watched(io_, session_, session_timeout_,
                            [this] { return blob_thread_.problem(); });
        // This also sends the message of resign() to ZooKeeper.
        daemon::begin_ending(session_, replaced_ ? daemon::kDaemonFailed : daemon::kDaemonDone);
        return !replaced_;
    }

private:
    void follow() {
        state_.publish(record_, [this](const std::string& host) {
            base::log::error("another Nimbus has the same address",
                             {{"address", record_.id}, {"host", host}});
            replaced_ = true;
            stop();
        });
        state_.follow_nimbuses([this](const std::map<std::string, cluster::NimbusRecord>& live) {
            nimbuses_.live = live;
            fetch_blobs();
        });
        state_.follow_leader([this](const std::optional<cluster::Leadership>& leader) {
            nimbuses_.leader = leader;
            if (leader) topologies_.saw_leader(*leader);
        });
        session_.on_state([this](coordination::SessionState state) {
            base::log::info("zookeeper", {{"session", to_string(state)}});
            if (state != coordination::SessionState::kConnected) topologies_.connection_lost();
        });
        session_.on_ready([this](std::uint64_t) { topologies_.connection_lost(); });
        election_.emplace(session_, record_.id, started_ms_,
                          [this](std::optional<coordination::Term> term) {
                              if (!term) return topologies_.end_term();
                              topologies_.begin_term(*term);
                              fetch_blobs();
                          });
        sweep_blobs();
        blob_thread_.verify_all();
        fetch_blobs_regularly();
    }

    std::string zookeeper_text() const {
        if (session_.ready()) return "connected";
        // Connected, but the layout has not been checked yet.
        const coordination::SessionState state = session_.state();
        return std::string(to_string(state == coordination::SessionState::kConnected
                                         ? coordination::SessionState::kConnecting
                                         : state));
    }

    /// Fetches blobs that topologies need but that are not here; another Nimbus may have them.
    void fetch_blobs() {
        const auto used = topologies_.blobs_in_use();
        std::vector<cluster::NimbusRecord> peers;
        for (const auto& [id, record] : nimbuses_.live) {
            if (id != record_.id) peers.push_back(record);
        }
        if (!used) return;
        // Noted even where the blob is missing: the thread notes only what is there, so once it was
        // fetched the next sweep does.
        if (*used != blobs_noted_) blob_thread_.note_users(*used);
        blobs_noted_ = *used;
        std::vector<std::string> missing;
        for (const auto& [blob, topologies] : *used) {
            if (!blobs_.size(blob)) missing.push_back(blob);
        }
        api_.set_blobs_missing(missing.size());
        if (!missing.empty() && !peers.empty())
            blob_thread_.fetch(std::move(missing), std::move(peers));
    }

    void fetch_blobs_regularly() {
        fetch_blobs();
        loop_.after(kBlobFetchInterval, [this] { fetch_blobs_regularly(); });
    }

    void sweep_blobs() {
        state_.read_removals([this](const base::Result<std::set<std::string>>& removed) {
            // Blobs of a topology that cannot be read look unused.
            const auto used = topologies_.blobs_in_use();
            if (!removed || !used || !topologies_.all_can_be_read()) return;
            blob_thread_.sweep(*used, *removed,
                               [this](BlobStore::Stock stock) { api_.set_blob_stock(stock); });
        });
        loop_.after(std::chrono::microseconds(kBlobSweepInterval).count(),
                    [this] { sweep_blobs(); });
    }

    void stop() {
        base::log::info("nimbus ends");
        // Resigned before the loop stops: the next Nimbus leads at once, and not only when the
        // session of this one has expired.
        if (election_) election_->resign();
        io_.stop();
    }

    // Destroyed from the end: who answers requests goes before what it answers from, and that
    // before the session and the threads that it uses.
    const base::SteadyClock clock_;
    const base::SystemWallClock wall_;
    const std::int64_t started_ms_ = wall_.now_ms();
    daemon::LocalDir dir_;
    BlobStore blobs_;
    BlobUsers blobs_noted_;  // The last that were.
    const net::Tokens tokens_;
    const cluster::Seal seal_{tokens_.full};
    const base::Micros session_timeout_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGTERM, SIGINT};
    daemon::AsioLoop loop_{io_};
    BlobThread blob_thread_{blobs_, loop_, wall_, tokens_.full};
    coordination::Session session_;
    coordination::ClusterState state_;
    cluster::NimbusRecord record_;
    Nimbuses nimbuses_;
    std::optional<coordination::Election> election_;
    Topologies topologies_;
    Api api_;
    std::unique_ptr<net::HttpServer> server_;
    bool replaced_ = false;
};

}  // namespace

base::Result<base::Done> run(const Config& config,
                             const coordination::ZookeeperSettings& zookeeper) {
    // The lock first: whatever comes next may remove what a former process has left.
    auto dir = daemon::LocalDir::open(config.string("storm.local.dir"), "nimbus");
    if (!dir) return dir.error();
    auto tokens = read_tokens(config);
    if (!tokens) return tokens.error();
    auto blobs = BlobStore::open(dir.value().path() + "/blobs");
    if (!blobs) return blobs.error();
    Daemon daemon(std::move(dir).value(), std::move(blobs).value(), std::move(tokens).value(),
                  zookeeper, config.int64("nimbus.task.timeout.secs") * base::kMicrosPerSecond);
    const auto started = daemon.start(config);
    if (!started) return started.error();
    if (!daemon.run()) return base::Error{"another Nimbus has the same address"};
    return base::Done{};
}

}  // namespace storm::nimbus
