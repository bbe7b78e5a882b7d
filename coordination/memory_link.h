// The messages between a client in memory and its MemoryServer: each sees of the other only its end
// of the link.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/lifetime.h"
#include "coordination/coordination.h"

namespace storm::coordination {

struct MemoryRequest {
    enum class Kind : std::uint8_t { kGet, kChildren, kMulti };
    Kind kind = Kind::kGet;
    std::string path;
    std::vector<Step> steps;
    std::uint64_t watch = 0;  ///< Number of the watch that a read leaves; 0: none.
};
struct MemoryAnswer {
    CoordinationError error = CoordinationError::kNone;
    Node node;
    std::vector<std::string> names;
};

/// The client, called on its own loop.
class MemoryClientEnd {
public:
    virtual void connected() = 0;
    virtual void answered(std::uint64_t number, MemoryAnswer answer) = 0;
    virtual void pinged() = 0;
    virtual void fired(std::uint64_t watch) = 0;
    virtual void lost() = 0;
    virtual void expired() = 0;
    /// Over when the client is gone.
    virtual base::Lifetime::Watch watch() const = 0;

protected:
    ~MemoryClientEnd() = default;
};

/// The server; `id` is the client's.
class MemoryServerEnd {
public:
    virtual void hello(std::uint64_t id) = 0;
    virtual void request(std::uint64_t id, const MemoryRequest& request, std::uint64_t number) = 0;
    virtual void ping(std::uint64_t id) = 0;
    /// The client has noticed that the connection is lost.
    virtual void lose(std::uint64_t id) = 0;
    virtual void end_session(std::uint64_t id) = 0;
    /// The client is being destroyed.
    virtual void close(std::uint64_t id) = 0;
    virtual base::Micros session_timeout() const = 0;

protected:
    ~MemoryServerEnd() = default;
};

}  // namespace storm::coordination
