#include "tests/sim/nimbus.h"

#include <utility>

#include "nimbus/api/assignment_answer.h"
#include "tests/sim/cluster.h"

namespace storm::sim {

Nimbus::Nimbus(Cluster& cluster, int host, std::string id)
    : Process(cluster.time(), host),
      cluster_(cluster),
      session_(
          loop(), [this] { return cluster_.zookeeper().connect(loop()); }, "/storm"),
      state_(session_) {
    record_.id = std::move(id);
    record_.host = Cluster::host_name(host);
    record_.port = Cluster::kNimbusPort;
    record_.started_ms = cluster.wall().now_ms();
    topologies_.emplace(
        state_, loop(), cluster.wall(), Cluster::kTaskTimeout,
        [this] { return election_ ? election_->term() : std::optional<coordination::Term>(); },
        seal_);
    state_.publish(record_, [this](const std::string&) {
        cluster_.book().fault("a Nimbus was replaced though its id is its own: " + record_.id);
    });
    state_.follow_nimbuses([](const std::map<std::string, cluster::NimbusRecord>&) {});
    state_.follow_leader([this](const std::optional<cluster::Leadership>& leader) {
        leader_ = leader ? leader->nimbus : "";
        if (leader) topologies_->saw_leader(*leader);
    });
    session_.on_state([this](coordination::SessionState state) {
        if (state != coordination::SessionState::kConnected) topologies_->connection_lost();
    });
    session_.on_ready([this](std::uint64_t) { topologies_->connection_lost(); });
    election_.emplace(session_, record_.id, record_.started_ms,
                      [this](const std::optional<coordination::Term>& term) {
                          if (!term) return topologies_->end_term();
                          cluster_.book().leads(record_.id, term->epoch);
                          topologies_->begin_term(*term);
                      });
}

Nimbus::~Nimbus() {
    end();
}

std::optional<std::string> Nimbus::report(const cluster::SupervisorReport& report) {
    if (topologies_->report(report)) return leader_;
    return std::nullopt;
}

net::HttpResponse Nimbus::assignment(const net::HttpRequest& request, const std::string& topology) {
    if (auto found = nimbus::assignment_answer(request, topology, *topologies_))
        return *std::move(found);
    return net::HttpResponse::error(404, "unknown");
}

}  // namespace storm::sim
