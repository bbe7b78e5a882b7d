#include "nimbus/scheduler/even_scheduler.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "nimbus/scheduler/spread.h"

namespace storm::nimbus {
namespace {

using cluster::Assignment;
using cluster::SupervisorRecord;
using cluster::WorkerSlot;

using SlotName = std::pair<std::string, std::uint16_t>;  // Supervisor and port.

std::vector<int> version_numbers(std::string_view version) {
    std::vector<int> numbers;
    const char* at = version.data();
    const char* const end = at + version.size();
    while (at != end) {
        int number = 0;
        const auto [after, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) break;
        numbers.push_back(number);
        at = after;
        if (at == end || *at != '.') break;
        ++at;
    }
    return numbers;
}

std::string counted(std::size_t count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
    return all;
}

/// Slots of all live Supervisors, less those that are taken.
class FreeSlots {
public:
    explicit FreeSlots(const Supply& supply) : supply_(supply) {
        for (const auto& [id, supervisor] : supply.supervisors) {
            for (const std::uint16_t port : supervisor.slots) free_[id].insert(port);
        }
    }

    /// False: it is not there, or is taken.
    bool take(const WorkerSlot& slot) {
        if (supply_.supervisors.count(slot.supervisor) == 0) {
            return taken_elsewhere_.insert({slot.supervisor, slot.port}).second;
        }
        return free_[slot.supervisor].erase(slot.port) > 0;
    }

    const std::map<std::string, std::set<std::uint16_t>>& by_supervisor() const { return free_; }

private:
    const Supply& supply_;
    std::map<std::string, std::set<std::uint16_t>> free_;
    std::set<SlotName> taken_elsewhere_;  // On Supervisors that are expected back.
};

/// Places one topology.
class Placing {
public:
    Placing(const Demand& demand, const Supply& supply, FreeSlots& free)
        : demand_(demand), supply_(supply), free_(free) {
        for (const auto& [id, supervisor] : supply.supervisors) {
            std::string why = misfit(*demand.description, supervisor);
            if (why.empty()) {
                fitting_.insert(id);
            } else {
                misfits_.push_back("supervisor \"" + id + "\" is excluded: " + std::move(why));
            }
        }
    }

    /// Before any topology gets a slot it did not have.
    void keep() {
        useful_ = useful_workers(*demand_.description);
        wanted_ = std::min(demand_.workers, useful_);
        for (const WorkerSlot& slot : demand_.current.workers) {
            if (kept_.size() == wanted_) break;
            const bool expected = supply_.expected.count(slot.supervisor) > 0;
            if (!expected && fitting_.count(slot.supervisor) == 0) continue;
            if (free_.take(slot)) kept_.emplace(slot.number, slot);
        }
        for (const auto& [number, slot] : kept_) ++on_host_[slot.host];
    }

    Placement complete() {
        add();
        if (kept_.empty()) return without_slots();
        Placement placement;
        placement.assignment = assign();
        placement.changed = placement.assignment != demand_.current;
        if (demand_.workers > useful_) placement.notes.push_back(few_units());
        if (kept_.size() < wanted_) {
            placement.notes.push_back(std::to_string(kept_.size()) + " of " +
                                      counted(wanted_, "worker") + " run all executors");
            for (std::string& why : shortage()) placement.notes.push_back(std::move(why));
        }
        return placement;
    }

private:
    void add() {
        std::uint32_t number = 0;
        while (kept_.size() < wanted_) {
            const auto slot = best_slot();
            if (slot.first.empty()) return;
            while (kept_.count(number) > 0) ++number;
            WorkerSlot made;
            made.number = number;
            made.supervisor = slot.first;
            made.host = supply_.supervisors.at(slot.first).host;
            made.port = slot.second;
            free_.take(made);
            ++on_host_[made.host];
            kept_.emplace(number, std::move(made));
        }
    }

    /// On the host with the fewest of our workers, then the one with the most free slots.
    SlotName best_slot() const {
        std::map<std::string, std::size_t> free_on_host;
        for (const std::string& id : fitting_) {
            const auto free = free_.by_supervisor().find(id);
            if (free == free_.by_supervisor().end()) continue;
            free_on_host[supply_.supervisors.at(id).host] += free->second.size();
        }
        SlotName best;
        std::tuple<std::size_t, std::size_t, std::size_t> best_rank;
        for (const std::string& id : fitting_) {
            const auto free = free_.by_supervisor().find(id);
            if (free == free_.by_supervisor().end() || free->second.empty()) continue;
            const std::string& host = supply_.supervisors.at(id).host;
            const auto ours = on_host_.find(host);
            const std::tuple rank(ours == on_host_.end() ? 0 : ours->second, ~free_on_host.at(host),
                                  ~free->second.size());
            if (!best.first.empty() && rank >= best_rank) continue;
            best = {id, *free->second.begin()};
            best_rank = rank;
        }
        return best;
    }

    Assignment assign() const {
        Assignment made = demand_.current;
        const std::vector<std::uint32_t> index_of_executor =
            spread(*demand_.description, kept_.size());
        std::vector<std::uint32_t> numbers;
        for (const auto& [number, slot] : kept_) numbers.push_back(number);
        made.worker_of_executor.clear();
        for (const std::uint32_t index : index_of_executor) {
            made.worker_of_executor.push_back(numbers[index]);
        }
        const std::uint64_t next = next_epoch();
        made.workers.clear();
        for (const auto& [number, slot] : kept_) {
            made.workers.push_back(slot);
            if (slot.epoch == 0 || !same_executors(number, made)) made.workers.back().epoch = next;
        }
        if (made != demand_.current) made.epoch = next;
        return made;
    }

    std::uint64_t next_epoch() const {
        return std::max(demand_.next_epoch, demand_.current.epoch + 1);
    }

    bool same_executors(std::uint32_t number, const Assignment& made) const {
        const auto& before = demand_.current.worker_of_executor;
        const auto& after = made.worker_of_executor;
        if (before.size() != after.size()) return false;
        for (std::size_t e = 0; e < after.size(); ++e) {
            if ((before[e] == number) != (after[e] == number)) return false;
        }
        return true;
    }

    /// What waits for its Supervisor stays assigned, for there is no better place.
    Placement without_slots() const {
        Placement placement;
        Assignment& made = placement.assignment;
        made = demand_.current;
        made.worker_of_executor.resize(demand_.description->component_of_executor().size(),
                                       cluster::kUnassigned);
        made.workers.clear();
        for (const WorkerSlot& slot : demand_.current.workers) {
            if (supply_.supervisors.count(slot.supervisor) == 0) {
                made.workers.push_back(slot);
                placement.unassigned.push_back("worker " + std::to_string(slot.number) +
                                               " waits for supervisor \"" + slot.supervisor +
                                               "\" on " + slot.host + " to return");
                continue;
            }
            std::replace(made.worker_of_executor.begin(), made.worker_of_executor.end(),
                         slot.number, cluster::kUnassigned);
        }
        placement.changed = made != demand_.current;
        if (placement.changed) made.epoch = next_epoch();
        for (std::string& why : shortage()) placement.unassigned.push_back(std::move(why));
        return placement;
    }

    std::vector<std::string> shortage() const {
        std::vector<std::string> why = misfits_;
        if (supply_.supervisors.empty()) {
            why.emplace_back("no supervisor is connected");
        } else if (!fitting_.empty()) {
            why.push_back("no free slot: " + std::to_string(wanted_) + " wanted, " +
                          std::to_string(kept_.size()) + " free on " +
                          counted(fitting_.size(), "supervisor"));
        }
        return why;
    }

    std::string few_units() const {
        std::string note = counted(demand_.workers, "worker") + " wanted, but there is work for " +
                           std::to_string(useful_) + " only: one for each executor";
        for (const auto& cycle : cycles(*demand_.description)) {
            note += "; the cycle of " + joined(cycle) + " is on one worker";
        }
        return note;
    }

    const Demand& demand_;
    const Supply& supply_;
    FreeSlots& free_;
    std::set<std::string> fitting_;
    std::vector<std::string> misfits_;
    std::size_t useful_ = 0;
    std::size_t wanted_ = 0;
    std::map<std::uint32_t, WorkerSlot> kept_;  // By number; with those that were added.
    std::map<std::string, std::size_t> on_host_;
};

}  // namespace

std::string misfit(const cluster::Description& program, const SupervisorRecord& host) {
    if (!program.machine.empty() && program.machine != host.machine) {
        return "it is " + host.machine + ", the program is built for " + program.machine;
    }
    if (!program.glibc.empty() && version_numbers(host.glibc) < version_numbers(program.glibc)) {
        return "it has glibc " + host.glibc + ", the program needs " + program.glibc;
    }
    std::vector<std::string> missing;
    for (const std::string& feature : program.cpu_features) {
        const auto& has = host.cpu_features;
        if (std::find(has.begin(), has.end(), feature) == has.end()) missing.push_back(feature);
    }
    if (!missing.empty()) {
        return "its processor lacks " + joined(missing) + ", which the program is built for";
    }
    return {};
}

std::vector<Placement> schedule(const std::vector<Demand>& demands, const Supply& supply) {
    FreeSlots free(supply);
    std::vector<Placing> placings;
    placings.reserve(demands.size());
    for (const Demand& demand : demands) {
        if (demand.settled) {
            for (const WorkerSlot& slot : demand.current.workers) free.take(slot);
        } else {
            placings.emplace_back(demand, supply, free).keep();
        }
    }
    std::vector<Placement> placements;
    auto next = placings.begin();
    for (const Demand& demand : demands) {
        if (demand.settled) {
            placements.emplace_back().assignment = demand.current;
        } else {
            placements.push_back((next++)->complete());
        }
    }
    return placements;
}

}  // namespace storm::nimbus
