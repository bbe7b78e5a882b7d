// Nimbus' answers in JSON. docs/http-api.md has the shapes.
//
// Threads: pure functions of borrowed data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cluster/records.h"
#include "net/access.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// The leader and all live Nimbuses. Owned by the loop's thread.
struct Nimbuses {
    std::map<std::string, cluster::NimbusRecord> live;
    std::optional<cluster::Leadership> leader;
};

std::string topologies_json(const Topologies& topologies, std::int64_t now_ms);
/// Without access to read, omits what users wrote or printed, and lists the omissions in
/// "withheld".
std::string topology_json(const TopologyView& view, const Topologies& topologies,
                          std::int64_t now_ms, net::Access access);
std::string supervisors_json(const Topologies& topologies, std::int64_t now_ms);
std::string nimbuses_json(const Nimbuses& nimbuses, std::int64_t now_ms);
std::string errors_json(const Topologies& topologies, net::Access access);
/// In the format of Prometheus' http_sd.
std::string targets_json(const Topologies& topologies, const Nimbuses& nimbuses);

}  // namespace storm::nimbus
