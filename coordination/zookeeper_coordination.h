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

#include "base/event_loop.h"
#include "coordination/coordination.h"
#include "coordination/zookeeper_settings.h"

namespace storm::coordination {

/// REQUIRES: the loop outlives the result.
std::unique_ptr<Coordination> connect_zookeeper(base::EventLoop& loop,
                                                const ZookeeperSettings& settings);

}  // namespace storm::coordination
