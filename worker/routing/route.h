// A route: where the rows of one stream of one task go on behalf of one subscription.
//
// Threads: the emitting executor's.
// Cost:    one indirect jump to the grouping; none with a single target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <storm/context.h>
#include <storm/topology.h>

#include "base/random.h"
#include "groupings/all.h"
#include "groupings/custom.h"
#include "groupings/direct.h"
#include "groupings/fields.h"
#include "groupings/global.h"
#include "groupings/local_or_shuffle.h"
#include "groupings/none.h"
#include "groupings/partial_key.h"
#include "groupings/shuffle.h"
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

/// Whose rows a route takes.
struct RouteSource {
    const Wiring& wiring;
    TaskId task;
    const TaskContext& context;  // Of that task.
    const detail::StreamSchema& schema;
};

class Route {
public:
    /// `targets`: the tasks of `component`, which subscribes with `input`, in their order. A custom
    /// grouping is made and prepared: throws std::runtime_error when that fails.
    Route(const Subscription& input, std::size_t component, std::vector<Target> targets,
          const RouteSource& source, base::Random& random);

    /// Calls each(target) for every target that gets the row, as often as it does; returns whether
    /// all of them returned true. None with a direct grouping; those of ask() with a custom one.
    template <typename Each>
    bool choose(const std::byte* row, base::Random& random, Each&& each) {
        const auto has_credit = [this](std::size_t i) {
            return !targets_[i].sender->credit.exhausted();
        };
        const auto to = [&](std::size_t i) { return each(targets_[i]); };
        struct Visit {
            Route& route;
            const std::byte* row;
            base::Random& random;
            const decltype(has_credit)& credit;
            const decltype(to)& copy;

            bool operator()(groupings::Fields& fields) const {
                return copy(fields.choose(route.hash(row)));
            }
            bool operator()(groupings::Shuffle& any) const { return copy(any.choose(credit)); }
            bool operator()(groupings::LocalOrShuffle& near) const {
                return copy(near.choose(credit));
            }
            bool operator()(groupings::PartialKey& keys) const {
                return copy(keys.choose(route.hash(row)));
            }
            bool operator()(groupings::Global&) const { return copy(groupings::Global::choose()); }
            bool operator()(groupings::None& none) const {
                return copy(none.choose([this] { return random.next(); }));
            }
            bool operator()(groupings::All& all) const {
                bool sent = true;
                all.each([&](std::size_t i) { sent = copy(i) && sent; });
                return sent;
            }
            bool operator()(groupings::Direct&) const { return true; }
            bool operator()(groupings::Custom& custom) const {
                bool sent = true;
                for (const std::size_t i : custom.chosen()) sent = copy(i) && sent;
                return sent;
            }
        };
        return std::visit(Visit{*this, row, random, has_credit, to}, chooser_);
    }
    /// The target of a row that is emitted to `task`, if this is a direct grouping and it is one.
    Target* direct(TaskId task);
    /// Before choose(): lets a custom grouping choose, which may throw.
    void ask(const Tuple& tuple) {
        if (auto* const custom = std::get_if<groupings::Custom>(&chooser_)) custom->choose(tuple);
    }

    bool is_custom() const { return std::holds_alternative<groupings::Custom>(chooser_); }
    std::vector<Target>& targets() { return targets_; }
    RouteCredit& credit() { return credit_; }

private:
    using Chooser = std::variant<groupings::Shuffle, groupings::Fields, groupings::PartialKey,
                                 groupings::All, groupings::Global, groupings::None,
                                 groupings::Direct, groupings::LocalOrShuffle, groupings::Custom>;

    static Chooser make_chooser(const Subscription& input, std::size_t component,
                                const std::vector<Target>& targets, const RouteSource& source,
                                base::Random& random);
    std::uint64_t hash(const std::byte* row) const;

    Chooser chooser_;
    std::vector<Target> targets_;
    std::vector<std::uint16_t> key_fields_;  // For Fields and PartialKey.
    RouteCredit credit_;
};

}  // namespace storm::worker
