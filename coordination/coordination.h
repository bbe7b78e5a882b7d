// What we need of a coordination service: a small tree of versioned nodes with watches and
// sessions.
//
// ZookeeperCoordination is the real one; MemoryCoordination its twin for tests and simulation. Both
// pass tests/coordination/coordination_contract.h.
//
// Semantics are ZooKeeper's: nodes have data and a version that starts at 0 and grows by one with
// each set; ephemeral nodes go with the session that made them; a watch fires once, after the
// change that it waited for; an operation that was under way when the connection broke may have
// happened or not (kConnectionLoss). Operations of one client are done in order.
//
// The session:
//
//     connecting ──► connected ◄──► suspended   the connection is lost; the session may live on
//                                       │
//                                       ▼
//                                    expired    final: ephemeral nodes are gone; make a new client
//
// The client of ZooKeeper never tells of an expiry while no server can be reached. So a leader,
// which must not outlive its session, measures by its own clock how long it has been suspended.
//
// Order:   after the destructor no callback comes. It ends the session, if it can tell the service
//          in a moment.
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

namespace storm::cluster {

enum class CoordinationError : std::uint8_t {
    kNone,
    kNoNode,
    kNodeExists,
    kBadVersion,
    kNotEmpty,
    kNoChildrenForEphemerals,
    kConnectionLoss,  ///< It may have happened.
    kSessionExpired,
    kTooLarge,  ///< Refused here: more than kRecordBytesMax in one multi().
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

/// One step of multi(). All steps happen, or none.
struct Create {
    std::string path;
    std::string data = {};
    bool ephemeral = false;
};
struct SetData {
    std::string path;
    std::string data;
    std::int32_t version = -1;  ///< That it must have; -1: any.
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
/// Of their data; multi() refuses more than kRecordBytesMax in all.
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

    /// Ends the session for a process that ends at once: on any thread, and nothing here may be
    /// used after it. To be called when the loop's thread does not come back.
    virtual void abandon() = 0;

    virtual SessionState session() const = 0;
    /// As agreed with the service; REQUIRES: has been connected.
    virtual base::Micros session_timeout() const = 0;
    /// Called at each change of the session's state.
    virtual void on_session(OnSession changed) = 0;

    /// `watch` may be empty. get() of a node that is not there watches for its creation. No watch
    /// is set when `done` gets another error than kNone and kNoNode. Watches outlive a lost
    /// connection: what changed meanwhile is told when it is back.
    virtual void get(std::string path, Changed watch, GotNode done) = 0;
    /// Names, not paths, in no order.
    virtual void children(std::string path, Changed watch, GotChildren done) = 0;
    virtual void multi(std::vector<Step> steps, Done done) = 0;

    // One step each, of multi().
    void create(std::string path, std::string data, bool ephemeral, Done done);
    void set(std::string path, std::string data, std::int32_t version, Done done);
    void remove(std::string path, std::int32_t version, Done done);
};

}  // namespace storm::cluster
