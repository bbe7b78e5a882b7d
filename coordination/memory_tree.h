// The tree of nodes in a MemoryServer: ZooKeeper's rules without sessions, watches and time.
//
// Threads: one.
// Cost:    multi() copies the tree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordination/coordination.h"

namespace storm::coordination {

class MemoryTree {
public:
    struct Changes {
        CoordinationError error = CoordinationError::kNone;
        std::vector<std::string> nodes;  ///< Created, set or removed.
        /// Folders whose children changed, or that were removed.
        std::vector<std::string> folders;
    };

    /// Does all steps or none. `session` owns ephemeral nodes.
    Changes multi(const std::vector<Step>& steps, std::uint64_t session);
    /// Removes all nodes that the session owned.
    Changes remove_ephemerals(std::uint64_t session);

    const Node* find(const std::string& path) const;
    std::vector<std::string> children(const std::string& path) const;

private:
    struct Stored {
        Node node;
        std::uint64_t owner = 0;  // 0: not ephemeral.
    };
    using Nodes = std::map<std::string, Stored>;

    static CoordinationError apply_(Nodes& nodes, const Create& step, std::uint64_t session);
    static CoordinationError apply_(Nodes& nodes, const SetData& step, std::uint64_t session);
    static CoordinationError apply_(Nodes& nodes, const Remove& step, std::uint64_t session);
    static CoordinationError apply_(Nodes& nodes, const Check& step, std::uint64_t session);

    Nodes nodes_ = {{"/", {}}};
};

}  // namespace storm::coordination
