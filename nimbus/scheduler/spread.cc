#include "nimbus/scheduler/spread.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>

#include "base/check.h"

namespace storm::nimbus {
namespace {

using cluster::DescribedComponent;
using cluster::Description;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Parts {
    std::vector<std::size_t> cycle_of;  // Indexed by component; kNone.
    std::size_t cycles = 0;
};

/// Strongly connected parts (Tarjan 1972, in Boost.Graph) of more than one component, or of one
/// that feeds itself. They are numbered in the order of declaration.
Parts find_cycles(const Description& topology) {
    using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
    const std::size_t count = topology.components.size();
    std::map<std::string_view, std::size_t> index;
    for (std::size_t c = 0; c < count; ++c) index.emplace(topology.components[c].id, c);
    Graph graph(count);
    std::vector<bool> is_cycle(count, false);  // Indexed by part; at first, loops of one component.
    std::vector<bool> feeds_itself(count, false);
    for (std::size_t c = 0; c < count; ++c) {
        for (const cluster::DescribedInput& input : topology.components[c].inputs) {
            const auto source = index.find(input.source);
            if (source == index.end()) continue;
            boost::add_edge(source->second, c, graph);
            if (source->second == c) feeds_itself[c] = true;
        }
    }
    std::vector<std::size_t> part_of(count);
    const std::size_t parts = boost::strong_components(
        graph,
        boost::make_iterator_property_map(part_of.begin(), boost::get(boost::vertex_index, graph)));
    std::vector<std::size_t> members(parts, 0);
    for (const std::size_t part : part_of) ++members[part];
    Parts found;
    found.cycle_of.assign(count, kNone);
    std::vector<std::size_t> number(parts, kNone);
    for (std::size_t c = 0; c < count; ++c) {
        const std::size_t part = part_of[c];
        // A component outside of all cycles is a part of its own, too.
        if (members[part] == 1 && !feeds_itself[c]) continue;
        if (number[part] == kNone) number[part] = found.cycles++;
        found.cycle_of[c] = number[part];
    }
    return found;
}

std::size_t executors_of(const DescribedComponent& component) {
    return static_cast<std::size_t>(component.executors);
}

/// Assigns executors to workers, component by component in order of declaration.
class Spreading {
public:
    Spreading(const Description& topology, std::size_t workers)
        : topology_(topology), parts_(find_cycles(topology)), load_(workers, 0) {
        std::size_t executors = 0;
        for (const DescribedComponent& component : topology.components) {
            executors += executors_of(component);
        }
        room_ = (executors + workers - 1) / workers;
        std::vector<bool> counted(parts_.cycles, false);
        for (std::size_t c = 0; c < topology.components.size(); ++c) {
            units_left_ += units_of(c, counted);
        }
        workers_of_.resize(topology.components.size());
        for (std::size_t c = 0; c < topology.components.size(); ++c) {
            index_.emplace(topology.components[c].id, c);
        }
    }

    std::vector<std::uint32_t> run() {
        for (std::size_t c = 0; c < topology_.components.size(); ++c) {
            if (!workers_of_[c].empty()) continue;  // Placed already, with the rest of its cycle.
            if (parts_.cycle_of[c] != kNone) {
                place_cycle(c);
            } else {
                place(c);
            }
        }
        STORM_CHECK(units_left_ == 0, "each unit is placed once");
        STORM_CHECK(std::count(load_.begin(), load_.end(), std::size_t{0}) == 0,
                    "no worker is left without an executor");
        std::vector<std::uint32_t> worker_of_executor;
        std::vector<std::size_t> next(topology_.components.size(), 0);
        for (const std::size_t c : topology_.component_of_executor()) {
            worker_of_executor.push_back(static_cast<std::uint32_t>(workers_of_[c][next[c]++]));
        }
        return worker_of_executor;
    }

private:
    /// Number of units that are placed separately: single executors, or whole cycles.
    std::size_t units_of(std::size_t c, std::vector<bool>& counted) const {
        const std::size_t cycle = parts_.cycle_of[c];
        if (cycle == kNone) return executors_of(topology_.components[c]);
        if (counted[cycle]) return 0;
        counted[cycle] = true;
        return 1;
    }

    void place_cycle(std::size_t first) {
        const std::size_t worker = choose(near_source(first, 0), {});
        for (std::size_t c = first; c < topology_.components.size(); ++c) {
            if (parts_.cycle_of[c] != parts_.cycle_of[first]) continue;
            workers_of_[c].assign(executors_of(topology_.components[c]), worker);
            load_[worker] += executors_of(topology_.components[c]);
        }
        --units_left_;
    }

    void place(std::size_t c) {
        const std::size_t executors = executors_of(topology_.components[c]);
        for (std::size_t i = 0; i < executors; ++i) {
            // In turn if there is one for each worker: then chains of such components stay in one
            // process. Otherwise behind its source.
            const std::size_t worker = executors >= load_.size()
                                           ? i % load_.size()
                                           : choose(near_source(c, i), workers_of_[c]);
            workers_of_[c].push_back(worker);
            ++load_[worker];
            --units_left_;
        }
    }

    /// Worker of the i-th executor's neighbour in its first source; kNone.
    std::size_t near_source(std::size_t c, std::size_t i) const {
        for (const cluster::DescribedInput& input : topology_.components[c].inputs) {
            const auto source = index_.find(input.source);
            if (source == index_.end() || workers_of_[source->second].empty()) continue;
            const std::vector<std::size_t>& near = workers_of_[source->second];
            return near[i % near.size()];
        }
        return kNone;
    }

    std::size_t choose(std::size_t near, const std::vector<std::size_t>& siblings) const {
        const auto empty =
            static_cast<std::size_t>(std::count(load_.begin(), load_.end(), std::size_t{0}));
        const auto has_sibling = [&](std::size_t worker) {
            return std::find(siblings.begin(), siblings.end(), worker) != siblings.end();
        };
        // Staying near must leave enough for the workers that have nothing yet: units_left_ never
        // falls below `empty`, so the last units fill the last workers.
        if (near != kNone && load_[near] < room_ && units_left_ > empty && !has_sibling(near)) {
            return near;
        }
        std::size_t best = 0;
        for (std::size_t worker = 1; worker < load_.size(); ++worker) {
            const auto rank = [&](std::size_t w) {
                return std::pair(load_[w] > 0 && has_sibling(w), load_[w]);
            };
            if (rank(worker) < rank(best)) best = worker;
        }
        return best;
    }

    const Description& topology_;
    const Parts parts_;
    std::vector<std::size_t> load_;
    std::size_t room_ = 0;        // Most executors that a worker should have.
    std::size_t units_left_ = 0;  // Not yet placed.
    std::vector<std::vector<std::size_t>> workers_of_;
    std::map<std::string_view, std::size_t> index_;
};

}  // namespace

std::size_t useful_workers(const Description& topology) {
    const Parts parts = find_cycles(topology);
    std::size_t units = parts.cycles;
    for (std::size_t c = 0; c < topology.components.size(); ++c) {
        if (parts.cycle_of[c] == kNone) units += executors_of(topology.components[c]);
    }
    return units;
}

std::vector<std::uint32_t> spread(const Description& topology, std::size_t workers) {
    STORM_CHECK(workers > 0 && workers <= useful_workers(topology), "each worker gets something");
    return Spreading(topology, workers).run();
}

std::vector<std::vector<std::string>> cycles(const Description& topology) {
    const Parts parts = find_cycles(topology);
    std::vector<std::vector<std::string>> found(parts.cycles);
    for (std::size_t c = 0; c < topology.components.size(); ++c) {
        if (parts.cycle_of[c] != kNone) {
            found[parts.cycle_of[c]].push_back(topology.components[c].id);
        }
    }
    return found;
}

}  // namespace storm::nimbus
