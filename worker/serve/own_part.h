// The part of an assignment that is one worker's: its slot, its share, where the others are, and
// whether it must make room for a new life.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cluster/records.h"
#include "worker/transport/peers.h"
#include "worker/wiring/share.h"

namespace storm::worker {

/// Null: the worker has none. Valid as long as the assignment.
const cluster::WorkerSlot* slot_of(const cluster::Assignment& assignment, std::uint32_t number);
/// Executors without a worker count as elsewhere: rows for them wait.
Share share_of(const cluster::Assignment& assignment, std::uint32_t number,
               std::uint64_t incarnation);
/// For the numbers below `workers`; empty: that worker has no slot now.
std::vector<std::optional<PeerPlace>> places_of(const cluster::Assignment& assignment,
                                                std::uint32_t workers);
/// Why a life that runs by the assignment `present` must end because of `next`; empty: it goes on.
std::string_view why_it_ends(const cluster::Assignment& present, const cluster::Assignment& next,
                             std::uint32_t number, std::uint64_t incarnation);

}  // namespace storm::worker
