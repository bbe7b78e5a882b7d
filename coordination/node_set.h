// Keeps reading nodes, so that the owner always knows their current data.
//
// Level-triggered: a watch that fires only says that something must be read again. Reading goes in
// rounds; what changes during a round is read in the next one, so that constant change delays no
// news. After a lost connection what failed is read again, after an expired session everything.
//
// Threads: the loop's.
// Cost:    a read and a watch for each node, a read for each change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "coordination/session.h"

namespace storm::cluster {

/// The children of one node, with their data.
class NodeSet {
public:
    /// A child's data; nothing: the child is gone.
    using OnNode = std::function<void(const std::string& name, const std::string* data)>;
    /// After the first round of each session, and after each one with changes.
    using OnRound = std::function<void()>;

    NodeSet(Session& session, std::string folder, OnNode on_node, OnRound on_round);
    NodeSet(const NodeSet&) = delete;
    NodeSet& operator=(const NodeSet&) = delete;

    /// That what was told last was read in.
    std::uint64_t session() const { return number_; }

private:
    void begin_(std::uint64_t session);
    void next_round_();
    void list_();
    void listed_(CoordinationError error, const std::vector<std::string>& names);
    void fetch_stale_();
    void fetch_(const std::string& name);
    void fetched_(const std::string& name, CoordinationError error, const Node& node);
    void failed_once_(CoordinationError error);
    void one_done_();
    template <typename Call>
    auto current_(Call call);

    Session& session_;
    const std::string folder_;
    const OnNode on_node_;
    const OnRound on_round_;
    std::uint64_t number_ = 0;  // Of the session that all below belongs to.
    std::set<std::string> names_;
    std::set<std::string> stale_;  // Of names_.
    bool list_stale_ = true;
    std::size_t under_way_ = 0;
    bool failed_ = false;
    bool changed_ = true;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// One node, which may be there or not.
class WatchedNode {
public:
    /// Nothing: it is not there. At first and after each change.
    using OnData = std::function<void(const std::optional<Node>&)>;

    WatchedNode(Session& session, std::string path, OnData on_data);
    WatchedNode(const WatchedNode&) = delete;
    WatchedNode& operator=(const WatchedNode&) = delete;

    /// Reads it again, as after its watch.
    void refresh();

private:
    void got_(CoordinationError error, Node node);

    Session& session_;
    const std::string path_;
    const OnData on_data_;
    std::uint64_t number_ = 0;
    bool stale_ = true;
    bool reading_ = false;
    bool watching_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::cluster
