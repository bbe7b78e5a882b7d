#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/log.h"
#include "cluster/plan.h"
#include "nimbus/topology_store/topologies_impl.h"

namespace storm::nimbus {
namespace {

using coordination::Write;

/// The setting by which its workers come to the numbers that its description has.
std::string executors_setting(const cluster::Description& description) {
    std::string text;
    for (const cluster::DescribedComponent& component : description.components) {
        text += text.empty() ? "[\"" : ", \"";
        text += component.id + '=' + std::to_string(std::min(component.executors, component.tasks));
        text += '"';
    }
    return text + ']';
}

}  // namespace

/// Its workers are gone, or have had their time: it gets new ones, in new places.
void Topologies::Impl::spread_anew(Led& known) {
    STORM_CHECK(!is_left_alone(known), "nothing can be placed without a description");
    cluster::TopologyRecord& record = known.record;
    if (too_large.count(record.id) > 0) {
        record.rebalance.workers = 0;
        record.rebalance.executors.clear();
    }
    // Its new spouts may emit again whatever failed while it drained.
    book.forget_unreplayed(record.id);
    if (record.rebalance.workers > 0)
        record.settings["topology.workers"] = std::to_string(record.rebalance.workers);
    if (!record.rebalance.executors.empty()) {
        record.description =
            cluster::with_executors(record.description, record.rebalance.executors);
        auto description = cluster::read_description(record.description);
        STORM_CHECK(description, "only numbers of executors have changed, to others that are good");
        known.description = std::move(description).value();
        record.settings[std::string(cluster::kExecutorsSetting)] =
            executors_setting(known.description);
    }
    set_fate(record, rebalanced(fate_of(record)));
    note_wishes(known);
    // As at a submission: nothing keeps its place. Were the old slots kept, their workers would be
    // taken for running ones, and executors might have more or fewer numbers than there are.
    known.assignment.workers.clear();
    known.assignment.worker_of_executor.clear();
    set_status(known.assignment, fate_of(record));
    known.well = false;
    // Also if there is no slot for any of its workers: one epoch has one content.
    known.assignment.epoch = next_epoch(known);
    place(known);
    ++counters.assignments_written;
    base::log::info("spread anew",
                    {{"topology", record.id},
                     {"epoch", static_cast<std::int64_t>(known.assignment.epoch)},
                     {"workers", static_cast<std::int64_t>(known.assignment.workers.size())}});
    writing(known);
    state.update(*term, record, known.assignment,
                 in_term([id = record.id](Impl& self, Write outcome) {
                     if (outcome == Write::kTooLarge) self.cannot_rebalance(id);
                     if (outcome == Write::kDone) self.too_large.erase(id);
                     self.written(id, outcome);
                 }));
}

/// It has drained already, so it must run again: with the numbers of before, which fitted.
void Topologies::Impl::cannot_rebalance(const std::string& id) {
    if (!too_large.insert(id).second) return;
    add_errors({{id,
                 {"",
                  "it runs with the numbers of before its rebalance: the new assignment is too "
                  "large for ZooKeeper",
                  wall.now_ms()}}});
}

}  // namespace storm::nimbus
