// Answers a worker whose Supervisor is away: where its topology runs, or that it was removed. The
// answer to a question with a challenge is sealed (cluster/sealed_answer.h), so that the worker can
// believe it.
//
// Threads: the loop's.
// Cost:    a copy of the assignment and, with a challenge, one HMAC of some hundred bytes, because
//          strangers may ask, too. Each assignment is written and hashed once.
#pragma once

#include <optional>
#include <string>

#include "net/http_message.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// 200 with the assignment in ZooKeeper, on any Nimbus; 410 on the leader, if there is the mark of
/// the removal; 400. Nothing: this Nimbus does not know the topology.
std::optional<net::HttpResponse> assignment_answer(const net::HttpRequest& request,
                                                   const std::string& topology,
                                                   Topologies& topologies);

}  // namespace storm::nimbus
