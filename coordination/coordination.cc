#include "coordination/coordination.h"

#include <utility>

namespace storm::coordination {

std::string_view to_string(CoordinationError error) {
    switch (error) {
        case CoordinationError::kNone:
            return "no error";
        case CoordinationError::kNoNode:
            return "no such node";
        case CoordinationError::kNodeExists:
            return "the node exists";
        case CoordinationError::kBadVersion:
            return "the node has another version";
        case CoordinationError::kNotEmpty:
            return "the node has children";
        case CoordinationError::kNoChildrenForEphemerals:
            return "ephemeral nodes have no children";
        case CoordinationError::kConnectionLoss:
            return "the connection was lost";
        case CoordinationError::kSessionExpired:
            return "the session has expired";
        case CoordinationError::kTooLarge:
            return "too large";
        case CoordinationError::kOther:
            return "refused by the service";
    }
    return "unknown error";
}

std::string_view to_string(SessionState state) {
    switch (state) {
        case SessionState::kConnecting:
            return "connecting";
        case SessionState::kConnected:
            return "connected";
        case SessionState::kSuspended:
            return "suspended";
        case SessionState::kExpired:
            return "expired";
    }
    return "unknown";
}

std::size_t bytes_of(const std::vector<Step>& steps) {
    std::size_t bytes = 0;
    for (const Step& step : steps) {
        if (const Create* const create = std::get_if<Create>(&step)) bytes += create->data.size();
        if (const SetData* const set = std::get_if<SetData>(&step)) bytes += set->data.size();
    }
    return bytes;
}

void Coordination::create(std::string path, std::string data, bool ephemeral, Done done) {
    multi({Create{std::move(path), std::move(data), ephemeral}}, std::move(done));
}

void Coordination::set(std::string path, std::string data, std::int32_t version, Done done) {
    multi({SetData{std::move(path), std::move(data), version}}, std::move(done));
}

void Coordination::remove(std::string path, std::int32_t version, Done done) {
    multi({Remove{std::move(path), version}}, std::move(done));
}

}  // namespace storm::coordination
