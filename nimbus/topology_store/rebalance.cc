#include <algorithm>
#include <string_view>

#include <storm/detail/suggest.h>

#include "base/check.h"
#include "base/log.h"
#include "nimbus/topology_store/topologies_impl.h"

namespace storm::nimbus {
namespace {

using coordination::Write;

/// The setting by which its workers come to the numbers of executors that its description has.
std::string executors_setting(const cluster::TopologyRecord& record) {
    std::map<std::string, std::uint32_t> all;
    const std::string key(cluster::kExecutorsSetting);
    if (const auto before = record.settings.find(key); before != record.settings.end()) {
        Config config;
        config.set(key, before->second);
        for (const std::string& item : config.list(key)) {
            const std::size_t equals = item.rfind('=');
            all[item.substr(0, equals)] =
                static_cast<std::uint32_t>(std::stoul(item.substr(equals + 1)));
        }
    }
    for (const auto& [component, executors] : record.rebalance.executors)
        all[component] = executors;
    std::string text;
    for (const auto& [component, executors] : all)
        text += (text.empty() ? "[\"" : ", \"") + component + '=' + std::to_string(executors) + '"';
    return text + ']';
}

}  // namespace

std::string fault_of(const cluster::Rebalance& asked, const cluster::Description& description) {
    for (const auto& [id, executors] : asked.executors) {
        const auto& components = description.components;
        const auto component = std::find_if(components.begin(), components.end(),
                                            [&id = id](const auto& each) { return each.id == id; });
        if (component == components.end()) {
            std::vector<std::string_view> ids;
            for (const auto& each : components) ids.push_back(each.id);
            return "there is no component " + detail::quoted(id) + "; there are " +
                   detail::list_of(ids);
        }
        if (executors < 1 || executors > static_cast<std::uint32_t>(component->tasks)) {
            return "component " + detail::quoted(id) + " can have 1 to " +
                   std::to_string(component->tasks) + " executors, one for each of its tasks";
        }
    }
    return {};
}

/// Its workers are gone, or have had their time: it gets new ones, in new places.
void Topologies::Impl::spread_anew(Led& known) {
    cluster::TopologyRecord& record = known.record;
    if (record.rebalance.workers > 0)
        record.settings["topology.workers"] = std::to_string(record.rebalance.workers);
    if (!record.rebalance.executors.empty()) {
        record.settings[std::string(cluster::kExecutorsSetting)] = executors_setting(record);
        record.description =
            cluster::with_executors(record.description, record.rebalance.executors);
        auto description = cluster::read_description(record.description);
        STORM_CHECK(description, "only numbers of executors have changed, to others that are good");
        known.description = std::move(description).value();
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
    const std::vector<Led*> order = wanting();
    const std::vector<Placement> placements = schedule(demands_of(order), supply);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i] == &known) take(known, placements[i]);
    }
    known.epoch_given = known.assignment.epoch;
    ++counters.assignments_written;
    base::log::info("spread anew",
                    {{"topology", record.id},
                     {"epoch", static_cast<std::int64_t>(known.assignment.epoch)},
                     {"workers", static_cast<std::int64_t>(known.assignment.workers.size())}});
    writing(known);
    state.update(
        *term, record, known.assignment,
        in_term([id = record.id](Impl& self, Write outcome) { self.written(id, outcome); }));
}

}  // namespace storm::nimbus
