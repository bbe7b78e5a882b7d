#include "worker/routing/route.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "wire/hash.h"

namespace storm::worker {
namespace {

// Runs user code before anything else runs, so the only one to report an error to is the starter.
groupings::Custom custom_grouping(const Subscription& input, std::size_t component,
                                  const RouteSource& source) {
    const std::string& target = source.wiring.topology.components()[component].id;
    const std::string named =
        "the custom grouping of " + detail::quoted(target) + " for " + detail::quoted(input.source);
    std::unique_ptr<Grouping> made;
    try {
        made = input.custom();
        if (made != nullptr) {
            groupings::Custom custom(std::move(made), target, source.wiring.tasks_of(component));
            custom.prepare(source.context);
            return custom;
        }
    } catch (...) {
        throw std::runtime_error(named + " cannot be made: " + detail::what_was_thrown());
    }
    throw std::runtime_error(named + " is null: its function returned no grouping");
}

groupings::Distance distance(const Wiring& wiring, TaskId from, TaskId to) {
    if (wiring.destination_of(to) == wiring.destination_of(from))
        return groupings::Distance::kSameLoop;
    return wiring.is_here(to) ? groupings::Distance::kSameWorker : groupings::Distance::kElsewhere;
}

}  // namespace

Route::Route(const Subscription& input, std::size_t component, std::vector<Target> targets,
             const RouteSource& source, base::Random& random)
    : input_(input),
      component_(component),
      chooser_(make_chooser(input, component, targets, source, random)),
      targets_(std::move(targets)) {
    credit_.targets = static_cast<int>(targets_.size());
    credit_.may_choose = std::holds_alternative<groupings::Shuffle>(chooser_) ||
                         std::holds_alternative<groupings::LocalOrShuffle>(chooser_);
    const std::vector<Field>& fields = source.schema.fields;
    for (const std::string& key : input.fields) {
        const auto found = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& field) { return field.name == key; });
        key_fields_.push_back(static_cast<std::uint16_t>(found - fields.begin()));
    }
}

Route::Chooser Route::make_chooser(const Subscription& input, std::size_t component,
                                   const std::vector<Target>& targets, const RouteSource& source,
                                   base::Random& random) {
    const std::size_t n = targets.size();
    switch (input.grouping) {
        case GroupingKind::kShuffle:
            return groupings::Shuffle(n, random.next());
        case GroupingKind::kFields:
            return groupings::Fields(n);
        case GroupingKind::kPartialKey:
            return groupings::PartialKey(n);
        case GroupingKind::kAll:
            return groupings::All(n);
        case GroupingKind::kGlobal:
            return groupings::Global();
        case GroupingKind::kNone:
            return groupings::None(n);
        case GroupingKind::kDirect:
            return groupings::Direct(source.wiring.tasks_of(component));
        case GroupingKind::kLocalOrShuffle: {
            std::vector<groupings::Distance> distances;
            for (const Target& target : targets)
                distances.push_back(distance(source.wiring, source.task, target.task));
            return groupings::LocalOrShuffle(distances, random.next());
        }
        case GroupingKind::kCustom:
            return custom_grouping(input, component, source);
    }
    return groupings::Shuffle(n, random.next());
}

void Route::renew(const RouteSource& source) {
    if (is_custom()) chooser_ = custom_grouping(input_, component_, source);
}

Target* Route::direct(TaskId task) {
    auto* const chooser = std::get_if<groupings::Direct>(&chooser_);
    const auto index = chooser == nullptr ? std::nullopt : chooser->choose(task);
    return index ? &targets_[*index] : nullptr;
}

std::uint64_t Route::hash(const std::byte* row) const {
    return wire::key_hash(row, detail::row_offsets_at(row), key_fields_);
}

}  // namespace storm::worker
