// What Nimbus answers: JSON of what it knows. The shapes are in docs/http-api.md.
//
// Threads: pure functions of what is borrowed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cluster/records.h"
#include "net/access.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// Who leads, and who else is there. Owned by the loop's thread.
struct Nimbuses {
    std::map<std::string, cluster::NimbusRecord> live;
    std::optional<cluster::Leadership> leader;
};

std::string topologies_json(const Topologies& topologies, std::int64_t now_ms);
/// Without access to read: not what users wrote or printed, and "withheld" names that.
std::string topology_json(const TopologyView& view, const Topologies& topologies,
                          std::int64_t now_ms, net::Access access);
std::string supervisors_json(const Topologies& topologies, std::int64_t now_ms);
std::string nimbuses_json(const Nimbuses& nimbuses, std::int64_t now_ms);
std::string errors_json(const Topologies& topologies, net::Access access);
/// For Prometheus' http_sd.
std::string targets_json(const Topologies& topologies, const Nimbuses& nimbuses);

/// "host:port", with brackets around an IPv6 address.
std::string address(const std::string& host, std::uint16_t port);

}  // namespace storm::nimbus
