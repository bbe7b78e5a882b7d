// The interface to a coordination service: a small tree of versioned nodes, with watches and
// sessions.
//
// ZookeeperCoordination is the real one; MemoryCoordination is its twin for tests and simulation.
// Both pass tests/coordination/coordination_contract.h.
//
// The semantics are ZooKeeper's. Nodes have data and a version that starts at 0 and grows by one
// with each set. Ephemeral nodes vanish with the session that made them. A watch fires once, after
// the change that it waited for. An operation that was under way when the connection broke may
// have happened or not (kConnectionLoss). Operations of one client are done in order.
//
// The session:
//
//     connecting ──► connected ◄──► suspended   the connection is lost; the session may live on
//                                       │
//                                       ▼
//                                    expired    final: ephemeral nodes are gone; make a new client
//
// ZooKeeper's client never reports an expiry while no server can be reached. So a leader, which
// must not outlive its session, measures with its own clock how long it has been suspended.
//
// Order:   no callback comes after the destructor, which ends the session if it can tell the
//          service within a moment.
// Threads: all calls from, and all callbacks on, the thread of the EventLoop given to the factory;
//          no callback comes from inside a call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace storm::coordination {

enum class CoordinationError : std::uint8_t {
    kNone,
    kNoNode,
    kNodeExists,
    kBadVersion,
    kNotEmpty,
    kNoChildrenForEphemerals,
    kConnectionLoss,  ///< It may have happened.
    kSessionExpired,
    kTooLarge,  ///< Refused by us: more than kRecordBytesMax in one multi().
    kOther,
};
std::string_view to_string(CoordinationError error);

enum class SessionState : std::uint8_t { kConnecting, kConnected, kSuspended, kExpired };
/// "connecting", "connected", "suspended", "expired".
std::string_view to_string(SessionState state);

struct Node {
    std::string data;
    std::int32_t version = 0;
};

/// One step of multi(). Either all steps happen, or none.
struct Create {
    std::string path;
    std::string data = {};
    bool ephemeral = false;
};
struct SetData {
    std::string path;
    std::string data;
    std::int32_t version = -1;  ///< Required version; -1: any.
};
struct Remove {
    std::string path;
    std::int32_t version = -1;
};
struct Check {
    std::string path;
    std::int32_t version = 0;
};
using Step = std::variant<Create, SetData, Remove, Check>;
/// Bytes of their data; multi() refuses more than kRecordBytesMax in total.
std::size_t bytes_of(const std::vector<Step>& steps);

class Coordination {
public:
    using Done = std::function<void(CoordinationError)>;
    using GotNode = std::function<void(CoordinationError, Node)>;
    using GotChildren = std::function<void(CoordinationError, std::vector<std::string>)>;
    /// The node, or the set of children, has changed, or the session has ended. Comes at most once;
    /// not after kNoNode from children().
    using Changed = std::function<void()>;
    using OnSession = std::function<void(SessionState)>;

    Coordination() = default;
    Coordination(const Coordination&) = delete;
    Coordination& operator=(const Coordination&) = delete;
    virtual ~Coordination() = default;

    /// Ends the session, for a process that ends at once. May be called on any thread; afterwards
    /// nothing here may be used. Meant for a loop thread that hangs.
    virtual void abandon() = 0;

    virtual SessionState session() const = 0;
    /// As negotiated with the service. REQUIRES: it has been connected.
    virtual base::Micros session_timeout() const = 0;
    /// `changed` is called at each change of the session's state.
    virtual void on_session(OnSession changed) = 0;

    /// `watch` may be empty. get() of a missing node watches for its creation. No watch is set if
    /// `done` gets another error than kNone and kNoNode. Watches survive a lost connection: changes
    /// meanwhile are told when it is back.
    virtual void get(std::string path, Changed watch, GotNode done) = 0;
    /// Names, not paths, in no particular order.
    virtual void children(std::string path, Changed watch, GotChildren done) = 0;
    virtual void multi(std::vector<Step> steps, Done done) = 0;

    // A multi() of one step each.
    void create(std::string path, std::string data, bool ephemeral, Done done);
    void set(std::string path, std::string data, std::int32_t version, Done done);
    void remove(std::string path, std::int32_t version, Done done);
};

}  // namespace storm::coordination
