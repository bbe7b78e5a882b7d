// Reads the data of all nodes of some folders, once.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordination/coordination.h"

namespace storm::coordination {

/// One attempt to read all nodes of some folders.
class ReadAll : public std::enable_shared_from_this<ReadAll> {
public:
    /// Path -> data.
    using Nodes = std::map<std::string, std::string>;

    ReadAll(Coordination& client, std::shared_ptr<Nodes> into, Coordination::Done settled)
        : client_(client), into_(std::move(into)), settled_(std::move(settled)) {
        into_->clear();
    }

    void folders(const std::vector<std::string>& paths) {
        under_way_ = paths.size();
        for (const std::string& path : paths) {
            client_.children(path, {},
                             [self = shared_from_this(), path](
                                 CoordinationError error, const std::vector<std::string>& names) {
                                 for (const std::string& name : names) {
                                     self->read_(std::string(path).append("/").append(name));
                                 }
                                 self->one_done_(error);
                             });
        }
    }

private:
    void read_(const std::string& path) {
        ++under_way_;
        client_.get(path, {},
                    [self = shared_from_this(), path](CoordinationError error, Node node) {
                        if (error == CoordinationError::kNone)
                            (*self->into_)[path] = std::move(node.data);
                        // Removed since its folder was read.
                        if (error == CoordinationError::kNoNode) error = CoordinationError::kNone;
                        self->one_done_(error);
                    });
    }
    void one_done_(CoordinationError error) {
        if (error != CoordinationError::kNone) error_ = error;
        if (--under_way_ == 0) settled_(error_);
    }

    Coordination& client_;
    const std::shared_ptr<Nodes> into_;
    const Coordination::Done settled_;
    std::size_t under_way_ = 0;
    CoordinationError error_ = CoordinationError::kNone;
};

}  // namespace storm::coordination
