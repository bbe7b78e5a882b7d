#include "coordination/own_node.h"

#include <utility>

#include "base/log.h"

namespace storm::coordination {

OwnNode::OwnNode(Session& session, std::string path, std::string data, OwnerOf owner_of,
                 Replaced replaced)
    : session_(session),
      path_(std::move(path)),
      owner_of_(std::move(owner_of)),
      replaced_(std::move(replaced)),
      data_(std::move(data)),
      there_(session, path_, [this](const std::optional<Node>& node) { saw_(node); }) {}

void OwnNode::update(std::string data) {
    data_ = std::move(data);
    // Not written at once: the look decides whether the node is still ours to write.
    there_.refresh();
}

/// All that happens to the node comes here, as what is there now: nothing is remembered of what was
/// written, but that it was there once.
void OwnNode::saw_(const std::optional<Node>& node) {
    if (gave_way_) return;
    if (!node) return write_({Create{path_, data_, true}});
    const std::optional<Owner> owner = owner_of_(node->data);
    const std::optional<Owner> self = owner_of_(data_);
    const bool is_ours = node->data == data_ || (owner && self && *owner == *self);
    // Also if an attempt to write it seemed to fail: from now on whoever replaces it came later.
    if (is_ours) was_there_ = true;
    if (node->data == data_) return;
    // A node of another home belongs to a different daemon. One of our home that replaced ours
    // belongs to a process that came later; one that was there first is our predecessor's.
    if (owner && self && !is_ours && (owner->home != self->home || was_there_)) {
        // For good: two daemons that each take the node back would never end.
        gave_way_ = true;
        base::log::error("another daemon runs under the id of this one",
                         {{"path", path_}, {"who", owner->who}});
        return replaced_(owner->who);
    }
    // Removed and created, not set: an ephemeral node dies with the session that created it.
    write_({Remove{path_, node->version}, Create{path_, data_, true}});
}

void OwnNode::write_(std::vector<Step> steps) {
    session_.client().multi(std::move(steps), lifetime_.guard([this](CoordinationError error) {
        switch (error) {
            case CoordinationError::kNone:
                was_there_ = true;
                return;
            case CoordinationError::kNodeExists:
            case CoordinationError::kNoNode:
            case CoordinationError::kBadVersion:
                return;  // It has changed, so its watch triggers another look.
            case CoordinationError::kConnectionLoss:
            case CoordinationError::kSessionExpired:
                return there_.refresh();  // When there is a connection again.
            default:
                base::log::error("cannot write the own record to zookeeper, trying again",
                                 {{"path", path_}, {"error", to_string(error)}});
                session_.loop().after(kCoordinationRetry,
                                      lifetime_.guard([this] { there_.refresh(); }));
        }
    }));
}

}  // namespace storm::coordination
