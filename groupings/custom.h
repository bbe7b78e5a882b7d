// Custom grouping: the user's code chooses; what it chose is checked.
//
// Order:   prepare() once, before the first choose().
// Threads: one instance for each emitting task.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>
#include <storm/errors.h>
#include <storm/grouping.h>

#include "base/check.h"
#include "groupings/direct.h"
#include "groupings/setup.h"

namespace storm::groupings {

class Custom {
public:
    static constexpr GroupingKind kKind = GroupingKind::kCustom;
    /// Makes and prepares the user's grouping. Throws std::runtime_error if that fails: it runs
    /// before anything else does, so the only one to report an error to is the starter.
    static Custom make(const Setup& setup) {
        const std::string named = "the custom grouping of " + detail::quoted(setup.component) +
                                  " for " + detail::quoted(setup.input.source);
        std::unique_ptr<Grouping> made;
        try {
            made = setup.input.custom();
            if (made != nullptr) {
                Custom custom(std::move(made), setup.component, setup.tasks);
                custom.prepare(setup.emitter);
                return custom;
            }
        } catch (...) {
            throw std::runtime_error(named + " cannot be made: " + detail::what_was_thrown());
        }
        throw std::runtime_error(named + " is null: its function returned no grouping");
    }

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

    /// To the targets of the last choose().
    template <typename Row, typename To>
    bool send(const Row&, const To& to) const {
        bool sent = true;
        for (const std::size_t i : indices_) sent = to(i) && sent;
        return sent;
    }

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
