#include "worker/routing/route.h"

#include <algorithm>
#include <string>

#include "wire/hash.h"

namespace storm::worker {
namespace {

// Goes by the placement, which is fixed. An executor that is in an annex for a while keeps its
// distance.
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
      grouping_(make_grouping(source, random)),
      targets_(std::move(targets)) {
    credit_.targets = static_cast<int>(targets_.size());
    credit_.may_choose = groupings::skips_exhausted(grouping_);
    // Positions instead of names, since hash() runs for each row. build() has checked that the
    // stream declares these fields.
    const std::vector<Field>& fields = source.schema.fields;
    for (const std::string& key : input.fields) {
        const auto found = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& field) { return field.name == key; });
        key_fields_.push_back(static_cast<std::uint16_t>(found - fields.begin()));
    }
}

// Only custom groupings are the user's objects, with state that must not outlive that of the task.
void Route::renew(const RouteSource& source, base::Random& random) {
    if (is_custom()) grouping_ = make_grouping(source, random);
}

groupings::AnyGrouping Route::make_grouping(const RouteSource& source, base::Random& random) const {
    return groupings::make_grouping(
        {input_, source.wiring.topology.components()[component_].id,
         source.wiring.tasks_of(component_), source.context,
         [&source](TaskId to) { return distance(source.wiring, source.task, to); }, random});
}

Target* Route::direct(TaskId task) {
    auto* const chooser = std::get_if<groupings::Direct>(&grouping_);
    const auto index = chooser == nullptr ? std::nullopt : chooser->choose(task);
    return index ? &targets_[*index] : nullptr;
}

std::uint64_t Route::hash(const std::byte* row) const {
    return wire::key_hash(row, detail::row_offsets_at(row), key_fields_);
}

}  // namespace storm::worker
