// The Coordination of a client in memory; MemoryServer::connect() makes it.
//
// Threads: one, that of its loop.
#pragma once

#include <cstdint>
#include <memory>

#include "base/event_loop.h"
#include "coordination/coordination.h"
#include "coordination/memory_link.h"

namespace storm::coordination {

struct MemoryClientAndEnd {
    std::unique_ptr<Coordination> client;
    MemoryClientEnd* end = nullptr;  ///< The same object, as its server sees it.
};
MemoryClientAndEnd make_memory_client(std::shared_ptr<MemoryServerEnd> server,
                                      base::EventLoop& loop, std::uint64_t id);

}  // namespace storm::coordination
