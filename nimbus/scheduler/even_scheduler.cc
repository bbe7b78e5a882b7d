#include "nimbus/scheduler/even_scheduler.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "nimbus/limits.h"
#include "nimbus/scheduler/spread.h"

namespace storm::nimbus {
namespace {

using cluster::Assignment;
using cluster::SupervisorRecord;
using cluster::WorkerSlot;

using SlotName = std::pair<std::string, std::uint16_t>;  // Supervisor and port.

/// Numbers, because as texts "2.9" would come after "2.31". Ends at the first other character.
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

/// Live Supervisors in the order of their ids, and their free slots.
class FreeSlots {
public:
    struct Place {
        const std::string* id = nullptr;
        const SupervisorRecord* record = nullptr;
        std::size_t host = 0;
        std::size_t kind = 0;  // A program fits all Supervisors of a kind, or none.
        bool unsteady = false;
        std::vector<std::uint16_t> free;  // Ascending.
    };

    explicit FreeSlots(const Supply& supply) {
        places_.reserve(supply.supervisors.size());
        for (const auto& [id, record] : supply.supervisors) {
            Place place;
            place.id = &id;
            place.record = &record;
            place.host = hosts_.try_emplace(record.host, hosts_.size()).first->second;
            place.kind = kind_of_(record);
            place.unsteady = supply.unsteady.count(id) > 0;
            place.free = record.slots;
            std::sort(place.free.begin(), place.free.end());
            free_on_host_.resize(hosts_.size(), 0);
            free_on_host_[place.host] += place.free.size();
            free_ += place.free.size();
            index_.emplace(id, places_.size());
            places_.push_back(std::move(place));
        }
        for (const WorkerSlot* const slot : supply.taken) take(*slot);
    }

    /// False if the slot does not exist or is taken.
    bool take(const WorkerSlot& slot) {
        const auto at = index_.find(slot.supervisor);
        if (at == index_.end()) {
            // Its slots are not known, only that nobody else has this one.
            return taken_elsewhere_.insert({slot.supervisor, slot.port}).second;
        }
        Place& place = places_[at->second];
        const auto port = std::lower_bound(place.free.begin(), place.free.end(), slot.port);
        if (port == place.free.end() || *port != slot.port) return false;
        place.free.erase(port);
        STORM_CHECK(free_ > 0 && free_on_host_[place.host] > 0, "a free slot is counted as free");
        --free_on_host_[place.host];
        --free_;
        return true;
    }

    bool any() const { return free_ > 0; }
    const std::vector<Place>& places() const { return places_; }
    const Place* find(const std::string& supervisor) const {
        const auto at = index_.find(supervisor);
        return at == index_.end() ? nullptr : &places_[at->second];
    }
    std::size_t free_on_host(std::size_t host) const { return free_on_host_[host]; }
    const std::vector<const SupervisorRecord*>& kinds() const { return kinds_; }
    std::optional<std::size_t> host(const std::string& name) const {
        const auto at = hosts_.find(name);
        return at == hosts_.end() ? std::nullopt : std::optional(at->second);
    }

private:
    // Few kinds, many Supervisors: a program is compared with each kind once.
    std::size_t kind_of_(const SupervisorRecord& record) {
        const auto alike = [&](const SupervisorRecord* other) {
            return other->machine == record.machine && other->glibc == record.glibc &&
                   other->cpu_features == record.cpu_features;
        };
        const auto at = std::find_if(kinds_.begin(), kinds_.end(), alike);
        const auto kind = static_cast<std::size_t>(at - kinds_.begin());
        if (at == kinds_.end()) kinds_.push_back(&record);
        return kind;
    }

    std::vector<Place> places_;
    std::unordered_map<std::string_view, std::size_t> index_;
    std::unordered_map<std::string_view, std::size_t> hosts_;
    std::vector<std::size_t> free_on_host_;
    std::size_t free_ = 0;
    std::vector<const SupervisorRecord*> kinds_;
    std::set<SlotName> taken_elsewhere_;  // On absent Supervisors.
};

/// Places one topology.
class Placing {
public:
    Placing(const Demand& demand, const Supply& supply, FreeSlots& free)
        : demand_(demand), supply_(supply), free_(free) {
        for (const SupervisorRecord* const kind : free.kinds()) {
            misfits_.push_back(misfit(*demand.description, *kind));
        }
    }

    /// Runs for all topologies before any of them gets a new slot.
    void keep() {
        useful_ = demand_.useful > 0 ? demand_.useful : useful_workers(*demand_.description);
        wanted_ = std::min(demand_.workers, useful_);
        for (const WorkerSlot& slot : demand_.current.workers) {
            // The highest numbers go, since slots come in the order of their numbers: numbers stay
            // 0 to workers - 1 as far as they can.
            if (kept_.size() == wanted_) break;
            const FreeSlots::Place* const place = free_.find(slot.supervisor);
            // A Supervisor that is present must fit; an absent one must be expected back.
            if (place != nullptr ? !fits(*place) : supply_.expected.count(slot.supervisor) == 0) {
                if (supply_.missed.count(slot.supervisor) > 0) waiting_.push_back(&slot);
                continue;
            }
            if (free_.take(slot)) keep(slot);
        }
    }

    Placement complete() {
        // Free slots first: a worker waits for its Supervisor only if there is no other place.
        add();
        wait();
        STORM_CHECK(kept_.size() <= wanted_, "there are no more workers than there is work for");
        if (kept_.empty()) return without_slots();
        Placement placement;
        placement.assignment = assign();
        placement.changed = placement.assignment != demand_.current;
        placement.spread = kept_.size();
        placement.complete = kept_.size() == wanted_ && notes_.empty();
        if (demand_.workers > useful_) placement.notes.push_back(few_units());
        if (kept_.size() < wanted_) {
            placement.notes.push_back(std::to_string(kept_.size()) + " of " +
                                      counted(wanted_, "worker") + " run all executors");
            for (std::string& why : shortage()) placement.notes.push_back(std::move(why));
        }
        for (std::string& note : notes_) placement.notes.push_back(std::move(note));
        return placement;
    }

private:
    bool fits(const FreeSlots::Place& place) const { return misfits_[place.kind].empty(); }

    void keep(WorkerSlot slot) {
        if (const auto host = free_.host(slot.host)) ++on_host_[*host];
        const std::uint32_t number = slot.number;
        const bool is_new = kept_.emplace(number, std::move(slot)).second;
        STORM_CHECK(is_new, "a worker has one slot");
    }

    void add() {
        std::uint32_t number = 0;
        while (kept_.size() < wanted_) {
            // A worker more than before restarts them all.
            // So a slot that may go again in a moment is not worth it; without any worker it is.
            const bool grows = !kept_.empty() && kept_.size() >= demand_.current.workers.size();
            const FreeSlots::Place* const place = best_place(grows);
            if (place == nullptr) return;
            while (kept_.count(number) > 0) ++number;
            WorkerSlot made;
            made.number = number;
            made.supervisor = *place->id;
            made.host = place->record->host;
            made.port = place->free.front();
            const bool is_taken = free_.take(made);
            STORM_CHECK(is_taken, "nobody else takes slots while a topology is placed");
            keep(std::move(made));
        }
    }

    /// Prefers the host with the fewest workers of this topology, then the one with the most free
    /// slots.
    const FreeSlots::Place* best_place(bool grows) {
        if (!free_.any()) return nullptr;
        const FreeSlots::Place* best = nullptr;
        const FreeSlots::Place* passed_over = nullptr;
        std::tuple<std::size_t, std::size_t, std::size_t> best_rank;
        for (const FreeSlots::Place& place : free_.places()) {
            if (place.free.empty() || !fits(place)) continue;
            if (grows && place.unsteady) {
                passed_over = &place;
                continue;
            }
            const auto ours = on_host_.find(place.host);
            // The least rank wins, so what is better when there is more of it is complemented.
            const std::tuple rank(ours == on_host_.end() ? 0 : ours->second,
                                  ~free_.free_on_host(place.host), ~place.free.size());
            if (best != nullptr && rank >= best_rank) continue;
            best = &place;
            best_rank = rank;
        }
        if (best == nullptr && passed_over != nullptr) {
            notes_.push_back("supervisor \"" + *passed_over->id +
                             "\" came back a moment ago: if it stays, workers will be spread over "
                             "it too");
        }
        return best;
    }

    /// Keeps places for missing workers: fewer workers would restart healthy ones.
    void wait() {
        if (kept_.empty()) return;
        for (const WorkerSlot* const slot : waiting_) {
            if (kept_.size() >= wanted_) return;
            if (kept_.count(slot->number) > 0 || !free_.take(*slot)) continue;
            keep(*slot);
            notes_.push_back(waits_for(*slot));
        }
    }

    static std::string waits_for(const WorkerSlot& slot) {
        return "worker " + std::to_string(slot.number) + " waits for supervisor \"" +
               slot.supervisor + "\" on " + slot.host + " to return";
    }

    Assignment assign() const {
        Assignment made = demand_.current;
        if (!is_spread_so()) spread_executors(made);
        const std::uint64_t next = next_epoch();
        made.workers.clear();
        for (const auto& [number, slot] : kept_) {
            made.workers.push_back(slot);
            // A new slot epoch restarts the worker, so it must not change without need; but it must
            // if its executors change, which a running process cannot take or give.
            if (slot.epoch == 0 || !same_executors(number, made)) made.workers.back().epoch = next;
        }
        if (made != demand_.current) made.epoch = next;
        return made;
    }

    bool is_spread_so() const {
        const auto& before = demand_.current.workers;
        return demand_.spread == kept_.size() && before.size() == kept_.size() &&
               std::all_of(before.begin(), before.end(),
                           [this](const WorkerSlot& slot) { return kept_.count(slot.number) > 0; });
    }

    void spread_executors(Assignment& made) const {
        std::vector<std::uint32_t> numbers;
        for (const auto& [number, slot] : kept_) numbers.push_back(number);
        made.worker_of_executor.clear();
        for (const std::uint32_t index : spread(*demand_.description, kept_.size())) {
            made.worker_of_executor.push_back(numbers[index]);
        }
    }

    std::uint64_t next_epoch() const {
        // Both: epochs may have been given that the current assignment does not show.
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

    /// Workers that wait for their Supervisors stay assigned, since there is no better place.
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
                placement.unassigned.push_back(waits_for(slot));
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
        std::vector<std::string> why;
        std::size_t misfits = 0;
        for (const FreeSlots::Place& place : free_.places()) {
            if (fits(place) || ++misfits > kMisfitsTold) continue;
            why.push_back("supervisor \"" + *place.id + "\" is excluded: " + misfits_[place.kind]);
        }
        if (misfits > kMisfitsTold) {
            why.push_back(std::to_string(misfits - kMisfitsTold) + " more are excluded");
        }
        const std::size_t fitting = free_.places().size() - misfits;
        if (supply_.supervisors.empty()) {
            why.emplace_back("no supervisor is connected");
        } else if (fitting > 0) {
            why.push_back("no free slot: " + std::to_string(wanted_) + " wanted, " +
                          std::to_string(kept_.size()) + " free on " +
                          counted(fitting, "supervisor"));
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
    std::vector<std::string> misfits_;  // Reasons, by kind of Supervisor; empty: the program fits.
    std::vector<const WorkerSlot*> waiting_;  // Workers of Supervisors that were lost a moment ago.
    std::vector<std::string> notes_;
    std::size_t useful_ = 0;
    std::size_t wanted_ = 0;
    std::map<std::uint32_t, WorkerSlot> kept_;  // Indexed by number; includes added ones.
    std::unordered_map<std::size_t, std::size_t> on_host_;
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
    // In two rounds: all keep what they have before any of them gets more. In one, an early
    // topology could take the slot where a later one runs.
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
