// A route: takes the rows of one stream of one task to the tasks of one subscription.
//
// Threads: the emitting executor's.
// Cost:    one indirect jump to the grouping; none if there is a single target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <storm/context.h>
#include <storm/topology.h>

#include "base/random.h"
#include "groupings/any_grouping.h"
#include "groupings/credit.h"
#include "groupings/custom.h"
#include "worker/queue/outbox.h"
#include "worker/queue/route_credit.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

struct Target {
    TaskId task;
    Lane* lane;
    std::uint64_t run;
    Sender* sender;
};

/// The task and the stream that a route serves.
struct RouteSource {
    const Wiring& wiring;
    TaskId task;
    const TaskContext& context;  // Context of that task.
    const detail::StreamSchema& schema;
};

class Route {
public:
    /// `targets`: the tasks of `component`, whose subscription is `input`, in ascending order.
    /// Makes and prepares a custom grouping; throws std::runtime_error if that fails.
    Route(const Subscription& input, std::size_t component, std::vector<Target> targets,
          const RouteSource& source, base::Random& random);

    /// The task begins again: makes a new custom grouping. Throws as the constructor.
    void renew(const RouteSource& source, base::Random& random);

    /// Calls each(target) once per copy of the row. Returns whether all calls returned true. Calls
    /// nothing for a direct grouping; for a custom one, the targets that ask() has chosen.
    template <typename Each>
    bool choose(const std::byte* row, base::Random& random, Each&& each) {
        const Row as_seen{*this, row, random};
        const auto to = [&](std::size_t i) { return each(targets_[i]); };
        return std::visit([&](auto& grouping) { return grouping.send(as_seen, to); }, grouping_);
    }
    /// The target for a row emitted to `task`; null unless this is a direct grouping with that
    /// task.
    Target* direct(TaskId task);
    /// Lets a custom grouping choose, before choose(). May throw.
    void ask(const Tuple& tuple) {
        if (auto* const custom = std::get_if<groupings::Custom>(&grouping_)) custom->choose(tuple);
    }

    bool is_custom() const { return std::holds_alternative<groupings::Custom>(grouping_); }
    std::vector<Target>& targets() { return targets_; }
    RouteCredit& credit() { return credit_; }

private:
    /// A row, as groupings see it.
    struct Row {
        const Route& route;
        const std::byte* bytes;
        base::Random& generator;

        std::uint64_t hash() const { return route.hash(bytes); }
        std::uint64_t random() const { return generator.next(); }
        groupings::Credit credit(std::size_t i) const {
            const CreditSender& credit = route.targets_[i].sender->credit;
            if (!credit.exhausted()) [[likely]]
                return groupings::Credit::kSome;
            return credit.is_there() ? groupings::Credit::kNone : groupings::Credit::kGone;
        }
    };

    groupings::AnyGrouping make_grouping(const RouteSource& source, base::Random& random) const;
    std::uint64_t hash(const std::byte* row) const;

    const Subscription& input_;
    const std::size_t component_;
    groupings::AnyGrouping grouping_;
    std::vector<Target> targets_;
    std::vector<std::uint16_t> key_fields_;  // Used by groupings by key.
    RouteCredit credit_;
};

}  // namespace storm::worker
