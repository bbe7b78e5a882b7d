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
#include "groupings/all.h"
#include "groupings/credit.h"
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
    void renew(const RouteSource& source);

    /// Calls each(target) once per copy of the row. Returns whether all calls returned true. Calls
    /// nothing for a direct grouping; for a custom one, the targets that ask() has chosen.
    template <typename Each>
    bool choose(const std::byte* row, base::Random& random, Each&& each) {
        const auto credit_of = [this](std::size_t i) {
            const CreditSender& credit = targets_[i].sender->credit;
            if (!credit.exhausted()) [[likely]]
                return groupings::Credit::kSome;
            return credit.is_there() ? groupings::Credit::kNone : groupings::Credit::kGone;
        };
        const auto to = [&](std::size_t i) { return each(targets_[i]); };
        struct Visit {
            Route& route;
            const std::byte* row;
            base::Random& random;
            const decltype(credit_of)& credit;
            const decltype(to)& copy;

            bool operator()(groupings::Fields& fields) const {
                return copy(fields.choose(route.hash(row)));
            }
            bool operator()(groupings::Shuffle& any) const { return copy(any.choose(credit)); }
            bool operator()(groupings::LocalOrShuffle& near) const {
                return copy(near.choose(credit));
            }
            bool operator()(groupings::PartialKey& keys) const {
                return copy(keys.choose(route.hash(row), credit));
            }
            bool operator()(groupings::Global&) const { return copy(groupings::Global::choose()); }
            bool operator()(groupings::None& none) const {
                return copy(none.choose([this] { return random.next(); }, credit));
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
        return std::visit(Visit{*this, row, random, credit_of, to}, chooser_);
    }
    /// The target for a row emitted to `task`; null unless this is a direct grouping with that
    /// task.
    Target* direct(TaskId task);
    /// Lets a custom grouping choose, before choose(). May throw.
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

    const Subscription& input_;
    const std::size_t component_;
    Chooser chooser_;
    std::vector<Target> targets_;
    std::vector<std::uint16_t> key_fields_;  // Used by Fields and PartialKey.
    RouteCredit credit_;
};

}  // namespace storm::worker
