#include "base/check.h"
#include "base/log.h"
#include "nimbus/limits.h"
#include "nimbus/scheduler/spread.h"
#include "nimbus/topology_store/topologies_impl.h"

namespace storm::nimbus {

using cluster::Assignment;
using coordination::Write;

void Topologies::Impl::follow_supervisors() {
    state.follow_supervisors([weak = weak_from_this()](const auto& records) {
        const auto self = weak.lock();
        if (!self) return;
        self->supervisors_changed(
            self->presence.take(records, self->state.unreadable_supervisors(), self->loop.now()));
    });
}

/// Supervisors that are silent are not in `supply`, though their sessions live: the scheduler must
/// not give anything to them.
void Topologies::Impl::supervisors_changed(const std::set<std::string>& touched) {
    supply.supervisors = presence.reporting();
    for (auto& [id, known] : led) {
        for (const cluster::WorkerSlot& slot : known.assignment.workers) {
            // Only topologies on these Supervisors need another look; all others stay well.
            if (touched.count(slot.supervisor) > 0) known.well = false;
        }
    }
    schedule_soon();
}

void Topologies::Impl::look_at_silent() {
    if (presence.look_at_silent(loop.now())) {
        for (auto& [id, known] : led) known.well = false;
        supervisors_changed({});
    }
    after(kReportsLook, [](Impl& self) { self.look_at_silent(); });
}

void Topologies::Impl::write_assignment(Led& known) {
    STORM_CHECK(known.assignment.epoch > known.epoch_given, "one epoch has one content");
    // Given by the attempt, not by its success, which may never be known.
    known.epoch_given = known.assignment.epoch;
    writing(known);
    state.set_assignment(
        *term, known.assignment,
        in_term([id = known.record.id](Impl& self, Write outcome) { self.written(id, outcome); }));
}

void Topologies::Impl::schedule_soon() {
    // One timer for all events of kScheduleDelay.
    if (!term || !is_loaded || scheduling) return;
    scheduling = true;
    after(kScheduleDelay, [](Impl& self) {
        // First: what happens during the run must lead to another one.
        self.scheduling = false;
        self.schedule_all();
    });
}

bool Topologies::Impl::is_settled(const Led& known) {
    // Settled topologies keep their slots, and get no others: nothing may be decided about them
    // now. One that is killed has workers that still drain; one that is being written may turn out
    // to have other slots than memory says.
    return !is_running(fate_of(known.record)) || is_left_alone(known) || known.writing ||
           known.is_older;
}

bool Topologies::Impl::has_its_places(const Led& known) {
    const base::Micros now = loop.now();
    bool all = known.well;
    // All of them are looked at, also when the answer is known: each look arms the timer by which a
    // lost Supervisor is noticed.
    for (const cluster::WorkerSlot& slot : known.assignment.workers) {
        const std::string& id = slot.supervisor;
        if (supply.supervisors.count(id) > 0) continue;
        // Absent, but expected back: it keeps its workers, and we look again when the grace is
        // over.
        if (presence.is_present(id, now)) {
            supply.expected.insert(id);
            wake_at(presence.expected_until(id) + 1);
            continue;
        }
        // Lost: for a while its workers wait, if others would have to be restarted to take over.
        const base::Micros shrinks = presence.miss(id, now) + kShrinkAfter;
        if (now < shrinks) {
            supply.missed.insert(id);
            wake_at(shrinks);
        }
        all = false;
    }
    return all;
}

std::vector<Led*> Topologies::Impl::wanting() {
    supply.expected.clear();
    supply.missed.clear();
    supply.taken.clear();
    supply.unsteady.clear();
    for (const auto& [id, until] : presence.unsteady_until(loop.now())) {
        supply.unsteady.insert(id);
        wake_at(until);
    }
    // Topologies that are well are not scheduled again; their slots are simply taken.
    std::vector<Led*> wanting;
    for (auto& [id, known] : led) {
        if (!has_its_places(known) && !is_settled(known)) {
            wanting.push_back(&known);
            continue;
        }
        for (const cluster::WorkerSlot& slot : known.assignment.workers) {
            supply.taken.push_back(&slot);
        }
    }
    for (const Assignment& orphan : orphans) {
        for (const cluster::WorkerSlot& slot : orphan.workers) supply.taken.push_back(&slot);
    }
    // If slots are short, older submissions come first, so that a new topology takes nothing from a
    // running one.
    std::sort(wanting.begin(), wanting.end(), [](const Led* a, const Led* b) {
        // Not by the time, which is each leader's own clock's.
        return std::pair(number_of(a->record), std::string_view(a->record.id)) <
               std::pair(number_of(b->record), std::string_view(b->record.id));
    });
    return wanting;
}

Demand Topologies::Impl::demand_of(const Led& known) {
    Demand demand;
    demand.description = &known.description;
    demand.workers = known.workers;
    demand.current = known.assignment;
    demand.next_epoch = next_epoch(known);
    demand.useful = known.useful;
    demand.spread = known.spread;
    return demand;
}

std::vector<Demand> Topologies::Impl::demands_of(const std::vector<Led*>& order) {
    std::vector<Demand> demands;
    demands.reserve(order.size());
    for (const Led* const known : order) demands.push_back(demand_of(*known));
    return demands;
}

void Topologies::Impl::take(Led& known, const Placement& placement) {
    STORM_CHECK(placement.assignment.topology == known.assignment.topology,
                "a placement is that of the demand at the same place");
    counters.workers_moved += workers_moved(known.assignment, placement.assignment);
    // Memory first, the write follows: the next topology to be placed must not get these slots.
    known.assignment = placement.assignment;
    known.assignment.status = known.record.status;
    known.unassigned = placement.unassigned;
    known.notes = placement.notes;
    known.spread = placement.spread;
    known.well = placement.complete;
}

/// Decides by what is known now. That a report or a session changes a moment later does no harm:
/// each such event brings another run, and what was decided too early is decided again, under
/// another epoch.
void Topologies::Impl::schedule_all() {
    if (!may_decide() || !presence.known()) return;
    // First, because the scheduler must start from where workers really run.
    for (auto& [id, known] : led) mend_older(known);
    ++counters.schedulings;
    const std::vector<Led*> order = wanting();
    counters.topologies_placed += order.size();
    const std::vector<Placement> placements = schedule(demands_of(order), supply);
    STORM_CHECK(placements.size() == order.size(), "each demand has one placement");
    for (std::size_t i = 0; i < order.size(); ++i) {
        Led& known = *order[i];
        take(known, placements[i]);
        if (!placements[i].changed) continue;
        ++counters.assignments_written;
        base::log::info("assigned",
                        {{"topology", known.record.id},
                         {"epoch", static_cast<std::int64_t>(known.assignment.epoch)},
                         {"workers", static_cast<std::int64_t>(known.assignment.workers.size())}});
        write_assignment(known);
    }
    // After placing: both pass over what is being written, and come back when that is settled.
    for (auto& [id, known] : led) finish_if_ended(known);
    look_at_draining();
}

void Topologies::Impl::place(Led& known) {
    const std::vector<Led*> order = wanting();
    const std::vector<Placement> placements = schedule(demands_of(order), supply);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i] == &known) take(known, placements[i]);
    }
    known.epoch_given = known.assignment.epoch;
}

void Topologies::Impl::wake_at(base::Micros when) {
    const base::Micros now = loop.now();
    // The earliest timer suffices: scheduling arms the next one.
    if (when <= now || (armed_until > now && armed_until <= when)) return;
    armed_until = when;
    after(when - now, [when](Impl& self) {
        if (self.armed_until == when) self.armed_until = -1;
        self.schedule_soon();
    });
}

}  // namespace storm::nimbus
