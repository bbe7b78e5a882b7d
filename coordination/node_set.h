// Keeps reading nodes, so that the owner always has their current data.
//
// Level-triggered: a watch that fires only says that something must be read again. Reading goes in
// rounds; changes during a round are read in the next one, so constant change delays no news.
// After a lost connection the reads that failed are repeated, after an expired session all reads.
//
// Threads: the loop's.
// Cost:    one read and one watch per node, one read per change.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/lifetime.h"
#include "coordination/session.h"

namespace storm::coordination {

/// The children of one node, with their data.
class NodeSet {
public:
    /// Data of a child; null: the child is gone.
    using OnNode = std::function<void(const std::string& name, const std::string* data)>;
    /// Called after the first round of each session, and after each round with changes.
    using OnRound = std::function<void()>;

    NodeSet(Session& session, std::string folder, OnNode on_node, OnRound on_round);
    NodeSet(const NodeSet&) = delete;
    NodeSet& operator=(const NodeSet&) = delete;

    /// The session in which the last told data was read.
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
    std::uint64_t number_ = 0;  // Session that everything below belongs to.
    std::set<std::string> names_;
    std::set<std::string> stale_;  // Subset of names_.
    bool list_stale_ = true;
    std::size_t under_way_ = 0;
    bool failed_ = false;
    bool changed_ = true;
    base::Lifetime lifetime_;
};

/// One node, which may be there or not.
class WatchedNode {
public:
    /// Nothing: the node does not exist. Called at first, and after each change.
    using OnData = std::function<void(const std::optional<Node>&)>;

    WatchedNode(Session& session, std::string path, OnData on_data);
    WatchedNode(const WatchedNode&) = delete;
    WatchedNode& operator=(const WatchedNode&) = delete;

    /// Reads the node again, as after its watch.
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
    base::Lifetime lifetime_;
};

}  // namespace storm::coordination
