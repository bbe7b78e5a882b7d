// Which data of ZooKeeper the workers of a Supervisor were assigned in, kept over its restarts.
//
// Threads: any; they block.
#pragma once

#include <optional>

#include "base/files.h"
#include "base/result.h"
#include "cluster/cluster_state.h"
#include "supervisor/places.h"

namespace storm::supervisor {

base::Result<base::Done> write_edition(const Places& places, const cluster::Edition& edition);
/// Nothing: it is not known, and whatever is seen first is taken for it.
std::optional<cluster::Edition> read_edition(const Places& places);

}  // namespace storm::supervisor
