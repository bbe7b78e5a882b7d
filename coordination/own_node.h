// The ephemeral node by which a daemon shows that it lives.
//
// It is made again in each new session, and when it was removed. A node that already has the name
// is our own, from a session that is ending, or an earlier process's; it is replaced. If it
// belongs to another home, or to a process that came after our node was there, two daemons run
// under one id, and this one gives way and stops. So a running daemon stays, and only its own next
// process replaces it. Which one came first follows from what ZooKeeper has shown; clocks are not
// compared, because they are set back.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/lifetime.h"
#include "coordination/node_set.h"
#include "coordination/session.h"

namespace storm::coordination {

class OwnNode {
public:
    struct Owner {
        std::string who;  ///< For people.
        std::string home;
        std::int64_t started_ms = 0;  ///< Distinguishes processes.

        friend bool operator==(const Owner&, const Owner&) = default;
    };
    /// Reads the owner from a node's data; nothing: unreadable.
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
    bool was_there_ = false;  // This process has made the node once.
    bool gave_way_ = false;
    base::Lifetime lifetime_;
    WatchedNode there_;
};

}  // namespace storm::coordination
