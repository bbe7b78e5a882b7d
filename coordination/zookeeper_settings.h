// Where ZooKeeper is, and how to talk to it, from the settings storm.zookeeper.*.
//
// Threads: pure functions; a file is read.
#pragma once

#include <string>

#include <storm/config.h>

#include "base/clock.h"
#include "base/result.h"

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

}  // namespace storm::coordination
