// A running Nimbus: its parts on one event loop.
//
//     signals ──┐
//     HTTP    ──┼──► io_context, one thread: Api, Topologies, Session, Election
//     ZooKeeper ┘        ▲                   │ hashing, disks, copies
//     (2 threads) ───────┘ posts             ▼
//                                      BlobThread (1 thread)
//
// It serves HTTP before it is connected to ZooKeeper, and without it; /health says so.
//
// Threads: run() occupies the caller's.
#pragma once

#include <string>

#include <storm/config.h>

#include "base/result.h"
#include "coordination/zookeeper_settings.h"

namespace storm::nimbus {

/// Runs until SIGTERM or SIGINT. An error if it could not start.
base::Result<base::Done> run(const Config& config,
                             const coordination::ZookeeperSettings& zookeeper);

}  // namespace storm::nimbus
