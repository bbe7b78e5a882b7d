// Custom grouping: the user's code chooses; what it chose is checked.
//
// Order:   prepare() once, before the first choose().
// Threads: one instance for each emitting task.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <storm/detail/thrown.h>
#include <storm/errors.h>
#include <storm/grouping.h>

#include "base/check.h"
#include "groupings/direct.h"

namespace storm::groupings {

class Custom {
public:
    /// `component` is the component that the targets belong to. REQUIRES: targets not empty,
    /// strictly ascending.
    Custom(std::unique_ptr<Grouping> grouping, std::string component, std::vector<TaskId> targets)
        : grouping_(std::move(grouping)),
          component_(std::move(component)),
          targets_(std::move(targets)) {
        STORM_CHECK(grouping_ != nullptr, "a custom grouping wraps one");
    }

    void prepare(const TaskContext& context) { grouping_->prepare(context, targets_.targets()); }

    /// The indices of the chosen targets, in the order and as often as the user gave them; valid
    /// until the next call. Throws EmitError if one of them is not a target, or if the user's code
    /// throws.
    std::span<const std::size_t> choose(const Tuple& tuple) {
        tasks_.clear();
        indices_.clear();
        choose_tasks(tuple);
        for (const TaskId task : tasks_) indices_.push_back(index_of(task));
        return indices_;
    }
    /// The result of the last choose().
    std::span<const std::size_t> chosen() const { return indices_; }

private:
    void choose_tasks(const Tuple& tuple) {
        try {
            grouping_->choose(tuple, tasks_);
        } catch (...) {
            throw EmitError("custom grouping to component \"" + component_ +
                            "\" threw: " + detail::what_was_thrown());
        }
    }

    std::size_t index_of(TaskId task) const {
        const auto index = targets_.choose(task);
        if (!index) {
            throw EmitError("custom grouping to component \"" + component_ + "\" chose task " +
                            std::to_string(task) +
                            ", which is none of its tasks; choose among those given to prepare()");
        }
        return *index;
    }

    std::unique_ptr<Grouping> grouping_;
    std::string component_;
    Direct targets_;
    std::vector<TaskId> tasks_;
    std::vector<std::size_t> indices_;
};

}  // namespace storm::groupings
