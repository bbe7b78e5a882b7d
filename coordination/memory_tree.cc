#include "coordination/memory_tree.h"

#include <utility>

#include "base/check.h"

namespace storm::coordination {
namespace {

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string prefix_of(const std::string& folder) {
    return folder == "/" ? "/" : folder + "/";
}

template <typename Nodes>
bool has_children(const Nodes& nodes, const std::string& path) {
    const auto next = nodes.upper_bound(prefix_of(path));
    return next != nodes.end() && next->first.starts_with(prefix_of(path));
}

bool fits(const Node& node, std::int32_t version) {
    return version == -1 || node.version == version;
}

void note(MemoryTree::Changes& changes, const Step& step) {
    if (const auto* const create = std::get_if<Create>(&step)) {
        changes.nodes.push_back(create->path);
        changes.folders.push_back(parent_of(create->path));
    } else if (const auto* const set = std::get_if<SetData>(&step)) {
        changes.nodes.push_back(set->path);
    } else if (const auto* const remove = std::get_if<Remove>(&step)) {
        changes.nodes.push_back(remove->path);
        changes.folders.push_back(remove->path);
        changes.folders.push_back(parent_of(remove->path));
    }
}

}  // namespace

CoordinationError MemoryTree::apply_(Nodes& nodes, const Create& step, std::uint64_t session) {
    const auto parent = nodes.find(parent_of(step.path));
    if (parent == nodes.end()) return CoordinationError::kNoNode;
    if (nodes.contains(step.path)) return CoordinationError::kNodeExists;
    if (parent->second.owner != 0) return CoordinationError::kNoChildrenForEphemerals;
    nodes[step.path] = {{step.data, 0}, step.ephemeral ? session : 0};
    return CoordinationError::kNone;
}

CoordinationError MemoryTree::apply_(Nodes& nodes, const SetData& step, std::uint64_t) {
    const auto at = nodes.find(step.path);
    if (at == nodes.end()) return CoordinationError::kNoNode;
    Node& node = at->second.node;
    if (!fits(node, step.version)) return CoordinationError::kBadVersion;
    node.data = step.data;
    ++node.version;
    return CoordinationError::kNone;
}

CoordinationError MemoryTree::apply_(Nodes& nodes, const Remove& step, std::uint64_t) {
    const auto at = nodes.find(step.path);
    if (at == nodes.end()) return CoordinationError::kNoNode;
    if (!fits(at->second.node, step.version)) return CoordinationError::kBadVersion;
    if (has_children(nodes, step.path)) return CoordinationError::kNotEmpty;
    nodes.erase(at);
    return CoordinationError::kNone;
}

CoordinationError MemoryTree::apply_(Nodes& nodes, const Check& step, std::uint64_t) {
    const auto at = nodes.find(step.path);
    if (at == nodes.end()) return CoordinationError::kNoNode;
    return fits(at->second.node, step.version) ? CoordinationError::kNone
                                               : CoordinationError::kBadVersion;
}

MemoryTree::Changes MemoryTree::multi(const std::vector<Step>& steps, std::uint64_t session) {
    // On a copy, which takes the tree's place only if no step fails; each step sees those before.
    Nodes nodes = nodes_;
    Changes changes;
    for (const Step& step : steps) {
        const CoordinationError error =
            std::visit([&](const auto& kind) { return apply_(nodes, kind, session); }, step);
        if (error != CoordinationError::kNone) return {error, {}, {}};
        note(changes, step);
    }
    nodes_ = std::move(nodes);
    return changes;
}

MemoryTree::Changes MemoryTree::remove_ephemerals(std::uint64_t session) {
    Changes changes;
    for (auto at = nodes_.begin(); at != nodes_.end();) {
        if (at->second.owner != session || session == 0) {
            ++at;
            continue;
        }
        STORM_CHECK(!has_children(nodes_, at->first), "an ephemeral node has no children");
        note(changes, Remove{at->first});
        at = nodes_.erase(at);
    }
    return changes;
}

const Node* MemoryTree::find(const std::string& path) const {
    const auto at = nodes_.find(path);
    return at == nodes_.end() ? nullptr : &at->second.node;
}

std::vector<std::string> MemoryTree::children(const std::string& path) const {
    const std::string prefix = prefix_of(path);
    std::vector<std::string> names;
    for (auto at = nodes_.upper_bound(prefix); at != nodes_.end() && at->first.starts_with(prefix);
         ++at) {
        std::string name = at->first.substr(prefix.size());
        if (name.find('/') == std::string::npos) names.push_back(std::move(name));
    }
    return names;
}

}  // namespace storm::coordination
