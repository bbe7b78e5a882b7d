// A Nimbus of a simulated cluster: the shipped election, state and decisions; HTTP is Net::call().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cluster/reports.h"
#include "cluster/seal.h"
#include "coordination/cluster_state.h"
#include "coordination/election.h"
#include "coordination/session.h"
#include "net/http_message.h"
#include "nimbus/topology_store/topologies.h"
#include "tests/sim/net.h"

namespace storm::sim {

class Cluster;

class Nimbus final : public Process {
public:
    Nimbus(Cluster& cluster, int host, std::string id);
    ~Nimbus() override;

    const std::string& id() const { return record_.id; }
    bool leads() const { return topologies_->leading(); }
    nimbus::Topologies& topologies() { return *topologies_; }

    // ---- What HTTP would bring, each in its own turn of the loop.
    /// Nothing: taken. Otherwise who leads; empty: it does not know.
    std::optional<std::string> report(const cluster::SupervisorReport& report);
    /// 404 if it knows nothing of the topology.
    net::HttpResponse assignment(const net::HttpRequest& request, const std::string& topology);

private:
    Cluster& cluster_;
    cluster::NimbusRecord record_;
    coordination::Session session_;
    coordination::ClusterState state_;
    const cluster::Seal seal_{"token"};
    std::optional<coordination::Election> election_;
    std::optional<nimbus::Topologies> topologies_;
    std::string leader_;
};

}  // namespace storm::sim
