#include "tests/sim/book.h"

#include <algorithm>

namespace storm::sim {

Copy Book::sent(Attempt attempt) {
    attempts_[attempt].open.insert(++copies_made_);
    return copies_made_;
}

void Book::bolt_acked(Attempt attempt, Copy copy) {
    if (attempts_[attempt].open.erase(copy) == 0) fault("a bolt has acked a copy twice");
}

void Book::spout_acked(Attempt attempt) {
    Known& known = attempts_[attempt];
    if (known.settled) fault("an attempt was settled twice");
    if (!known.open.empty())
        fault("a tuple was acked although " + std::to_string(known.open.size()) +
              " copies of its tree were not");
    known.settled = true;
    ++acked_in_all_;
}

void Book::spout_failed(Attempt attempt) {
    Known& known = attempts_[attempt];
    if (known.settled) fault("an attempt was settled twice");
    known.settled = true;
    ++failed_in_all_;
}

void Book::arrived(const Channel& channel, std::uint64_t place) {
    std::uint64_t& last = arrived_[channel];
    // A life of the target begins somewhere, since rows were lost with the one before.
    if (last != 0 && place != last + 1) {
        fault("rows from task " + std::to_string(channel.source) + " to task " +
              std::to_string(channel.target) +
              (place <= last ? " came twice, or out of order" : " are missing"));
    }
    last = place;
}

void Book::started(const std::string& topology, std::uint32_t worker, std::uint64_t incarnation) {
    if (!starts_.insert({topology, worker, incarnation}).second)
        fault("incarnation " + std::to_string(incarnation) + " of worker " +
              std::to_string(worker) + " was started twice");
}

void Book::saw(const cluster::Assignment& assignment) {
    const auto [at, is_new] =
        assignments_.emplace(std::pair(assignment.topology, assignment.epoch), assignment);
    if (!is_new && at->second != assignment)
        fault("two assignments of " + assignment.topology + " have epoch " +
              std::to_string(assignment.epoch));
    for (const cluster::WorkerSlot& slot : assignment.workers) {
        const std::string place = slot.supervisor + ":" + std::to_string(slot.port);
        const auto [known, first] =
            places_.emplace(std::tuple(assignment.topology, slot.number, slot.epoch), place);
        if (!first && known->second != place)
            fault("worker " + std::to_string(slot.number) + " of " + assignment.topology +
                  " has two places in epoch " + std::to_string(slot.epoch));
    }
}

std::size_t Book::workers_placed(const std::string& topology, std::uint64_t epoch) const {
    return static_cast<std::size_t>(
        std::count_if(places_.begin(), places_.end(), [&](const auto& each) {
            return std::get<0>(each.first) == topology && std::get<2>(each.first) == epoch;
        }));
}

void Book::leads(const std::string& nimbus, std::uint64_t epoch) {
    const auto [at, is_new] = terms_.emplace(epoch, nimbus);
    if (!is_new)
        fault(nimbus + " and " + at->second + " have both led in epoch " + std::to_string(epoch));
}

}  // namespace storm::sim
