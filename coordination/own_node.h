// The ephemeral node by which a daemon says that it lives.
//
// Kept there: made again in each new session, or when it is removed. What is there already under
// the name is our own from a session that ends, or an earlier process'; it is replaced. If it is of
// another home, or of a process that came after this one had its own there, two run under one id,
// and this one gives way: it stops. So who is there stays, and is replaced only by its own next
// process. Who came first is what ZooKeeper has shown; no clock is asked, as they are set back.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coordination/node_set.h"
#include "coordination/session.h"

namespace storm::cluster {

class OwnNode {
public:
    struct Owner {
        std::string who;  ///< For people.
        std::string home;
        std::int64_t started_ms = 0;  ///< Tells processes apart.

        friend bool operator==(const Owner&, const Owner&) = default;
    };
    /// From a node's data; nothing: it cannot be read.
    using OwnerOf = std::function<std::optional<Owner>(const std::string& data)>;
    using Replaced = std::function<void(const std::string& who)>;

    OwnNode(Session& session, std::string path, std::string data, OwnerOf owner_of,
            Replaced replaced);
    OwnNode(const OwnNode&) = delete;
    OwnNode& operator=(const OwnNode&) = delete;

    void update(std::string data);

private:
    void saw_(const std::optional<Node>& node);
    void write_(std::vector<Step> steps);

    Session& session_;
    const std::string path_;
    const OwnerOf owner_of_;
    const Replaced replaced_;
    std::string data_;
    bool was_there_ = false;  // By this process.
    bool gave_way_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    WatchedNode there_;
};

}  // namespace storm::cluster
