// Coordination by a real ZooKeeper, through its C client.
//
// The client has two threads of its own, which only post to the owner's loop. It connects in the
// background, endlessly: a service that is not there yet, or a name that does not resolve, causes a
// warning and another attempt.
//
// Threads: the loop's; the client's own threads only call EventLoop::post().
// Cost:    two threads. When idle, a ping every third of the session's timeout.
#pragma once

#include <memory>
#include <string>

#include <storm/config.h>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "coordination/coordination.h"

namespace storm::coordination {

struct ZookeeperSettings {
    std::string servers;  ///< Such as "host:port,host:port".
    base::Micros session_timeout = 0;
    std::string root;  ///< Such as "/storm".
    /// "user:password": nodes can be read and written only with it; nodes that were open before are
    /// closed at their next write. Empty: all nodes are open.
    std::string auth = {};
};

/// Reads storm.zookeeper.*, and the file in storm.zookeeper.auth.file. An error names the setting.
base::Result<ZookeeperSettings> zookeeper_settings(const Config& config);

/// REQUIRES: the loop outlives the result.
std::unique_ptr<Coordination> connect_zookeeper(base::EventLoop& loop,
                                                const ZookeeperSettings& settings);

}  // namespace storm::coordination
