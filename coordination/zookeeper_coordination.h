// Coordination by a real ZooKeeper, through its C client.
//
// The client has two threads of its own; what they learn is only posted to the owner's loop. It
// connects in the background, for ever: a service that is not there yet, or a name that does not
// resolve, is a warning and another try.
//
// Threads: the loop's; the client's own threads only call EventLoop::post().
// Cost:    two threads. Idle: a ping each third of the session's timeout.
#pragma once

#include <memory>
#include <string>

#include <storm/config.h>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "coordination/coordination.h"

namespace storm::cluster {

struct ZookeeperSettings {
    std::string servers;  ///< "host:port,host:port"
    base::Micros session_timeout = 0;
    std::string root;  ///< "/storm"
    /// "user:password": what it makes can be read and written with this alone, and what is open
    /// from before gets so with its next write. Empty: all is open.
    std::string auth = {};
};

/// From storm.zookeeper.*, and the file that storm.zookeeper.auth.file names; the error names the
/// setting.
base::Result<ZookeeperSettings> zookeeper_settings(const Config& config);

/// REQUIRES: the loop outlives it.
std::unique_ptr<Coordination> connect_zookeeper(EventLoop& loop, const ZookeeperSettings& settings);

}  // namespace storm::cluster
