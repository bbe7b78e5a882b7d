#include "base/check.h"
#include "base/log.h"
#include "net/address.h"
#include "nimbus/limits.h"
#include "nimbus/topology_store/topologies_impl.h"

namespace storm::nimbus {

using cluster::Assignment;
using cluster::Status;
using coordination::Write;

void Topologies::Impl::set_fate_of(Led& known, const Fate& fate, const Answered& done) {
    base::log::info("status changes", {{"topology", known.record.id},
                                       {"from", cluster::to_string(known.record.status)},
                                       {"to", cluster::to_string(fate.status)}});
    STORM_CHECK(!is_left_alone(known) || fate.status == Status::kKilled,
                "what cannot be read, or is missing, can only be killed");
    // Memory first: the fate is decided, and only reading everything again takes it back.
    set_fate(known.record, fate);
    if (cluster::is_draining(fate.status)) known.draining_since = loop.now();
    Assignment& assignment = known.assignment;
    assignment.epoch = next_epoch(known);
    known.epoch_given = assignment.epoch;
    set_status(assignment, fate);
    writing(known);
    // Not in_term(): the user gets an answer even if the term has ended.
    const auto settled = [weak = weak_from_this(), round_then = round, id = known.record.id,
                          name = known.record.name, done, stored = known.stored,
                          mark = mark_of(known)](Write outcome) {
        const auto self = weak.lock();
        if (!self) return;
        // A topology that cannot be read may lack an assignment.
        if (stored == Led::Stored::kUnreadable && outcome == Write::kNotFound) {
            outcome = Write::kDone;
        }
        if (self->round == round_then) {
            // The mark before written(), after which the topology is looked at again: without it
            // the next report would show it as missing.
            if (stored == Led::Stored::kMissing && outcome == Write::kDone)
                self->was_removed(id, mark);
            self->written(id, outcome);
            self->look_at_draining();
        }
        if (outcome == Write::kDone) return done(std::nullopt);
        done(refusal(outcome, '"' + name + '"'));
    };
    switch (known.stored) {
        case Led::Stored::kGood:
            state.update(*term, known.record, known.assignment, settled);
            break;
        case Led::Stored::kUnreadable:
            state.set_assignment(*term, known.assignment, settled);
            break;
        case Led::Stored::kMissing:
            // It can only be killed: it ends by the mark of its removal.
            state.remove_topology(*term, known.record.id, known.record.name, mark_of(known),
                                  settled);
            break;
    }
    // Set now, whether the write succeeds or not: looking once too often does no harm.
    if (cluster::is_draining(fate.status)) end_wait(known);
}

/// Schedules a look at the time when the wait is over in any case.
void Topologies::Impl::end_wait(const Led& known) {
    const base::Micros over_at = known.draining_since + over_after(fate_of(known.record));
    after(std::max<base::Micros>(over_at - loop.now(), 0),
          [](Impl& self) { self.look_at_draining(); });
}

void Topologies::Impl::look_at_draining() {
    // In doubt the request itself may not be in ZooKeeper, and the next reading may take it back.
    if (!may_decide()) return;
    for (auto& [id, known] : led) {
        if (!cluster::is_draining(known.record.status) || known.writing) continue;
        // Without its record nothing can be placed; it waits for that, or for a kill.
        if (known.record.status == Status::kRebalancing && is_left_alone(known)) continue;
        // Workers of absent Supervisors cannot be waited for; they are only noted.
        const bool expected =
            std::any_of(known.assignment.workers.begin(), known.assignment.workers.end(),
                        [this, &known = known](const cluster::WorkerSlot& slot) {
                            return may_run(known, slot, true);
                        });
        if (!is_over(fate_of(known.record), !expected, loop.now() - known.draining_since)) continue;
        if (known.record.status == Status::kKilled) {
            remove(known);
        } else {
            spread_anew(known);
        }
    }
}

void Topologies::Impl::remove(Led& known) {
    const std::vector<std::string> running = may_run(known);
    if (!running.empty()) note_unsure(known.record.name, running);
    writing(known);
    const cluster::Removal mark = mark_of(known);
    state.remove_topology(*term, known.record.id, known.record.name, mark,
                          in_term([id = known.record.id, mark](Impl& self, Write outcome) {
                              if (outcome == Write::kDone) {
                                  base::log::info("removed", {{"topology", id}});
                                  // The mark before the topology goes: a late report of a worker
                                  // must meet the one or the other.
                                  self.was_removed(id, mark);
                                  self.led.erase(id);
                                  self.book.forget_topology(id);
                                  self.errors.forget(id);
                                  self.too_large.erase(id);
                              }
                              self.written(id, outcome);
                          }));
}

/// Without a key it is a mark all the same. Workers that nobody can prove it to end when their
/// Supervisor is back.
cluster::Removal Topologies::Impl::mark_of(const Led& known) const {
    const auto last = followed.topologies().find(known.record.id);
    // An unreadable record may have been readable before.
    const bool use_last = known.record.secret.empty() && last != followed.topologies().end();
    return seal.removal_of(use_last ? last->second : known.record);
}

void Topologies::Impl::was_removed(const std::string& id, const cluster::Removal& mark) {
    note_removal(id, mark);
    followed.forget_vanished(id);
}

void Topologies::Impl::note_removal(const std::string& id, const cluster::Removal& mark) {
    // The first sight counts: with each reading the mark would become young again, and stay.
    if (removed.contains(id)) return;
    removed.emplace(id, Removed{loop.now(), seal.answer_key(id, mark)});
}

/// Whether a process of it may be alive. `told`: counts only present Supervisors, because others do
/// not report any more.
bool Topologies::Impl::may_run(const Led& known, const cluster::WorkerSlot& slot, bool told) const {
    if (told && !presence.is_present(slot.supervisor, loop.now())) return false;
    return book.may_have_process(known.assignment.topology, slot,
                                 known.draining_since + kKillNoticed);
}

std::vector<std::string> Topologies::Impl::may_run(const Led& known) const {
    std::vector<std::string> running;
    for (const cluster::WorkerSlot& slot : known.assignment.workers) {
        if (!may_run(known, slot, false)) continue;
        running.push_back("worker " + std::to_string(slot.number) + " on " +
                          net::to_string({slot.host, slot.port}));
    }
    return running;
}

void Topologies::Impl::note_unsure(const std::string& name,
                                   const std::vector<std::string>& running) {
    std::string all;
    for (const std::string& worker : running) all += (all.empty() ? "" : ", ") + worker;
    base::log::warn("removed, but nobody has said that its workers have ended",
                    {{"topology", name}, {"workers", all}});
    std::erase_if(unsure, [&](const auto& each) { return each.first == name; });
    unsure.emplace_back(name, all);
    if (unsure.size() > kUnsureKept) unsure.pop_front();
}

void Topologies::Impl::finish_if_ended(Led& known) {
    // Only by reports on the very incarnations of the assignment: those of former ones say nothing
    // of the work that was replayed since.
    const Fate fate = fate_of(known.record);
    if (!may_decide() || known.writing || is_left_alone(known) || !is_running(fate) ||
        !book.all_finished(known.assignment)) {
        return;
    }
    set_fate_of(known, finish(fate), [](const std::optional<Refusal>&) {});
}

void Topologies::Impl::sweep_removals() {
    after(kRemovalSweep, [](Impl& self) { self.sweep_removals(); });
    if (!may_decide()) return;
    state.read_removals(in_term([](Impl& self, const base::Result<std::set<std::string>>& marks) {
        if (!marks) return;
        // Somebody may have taken one away by hand.
        std::erase_if(self.removed, [&](const auto& each) { return !marks->contains(each.first); });
        if (self.may_decide()) self.sweep_old_removals();
    }));
}

/// Sweeps the oldest marks; those that another leader made count from the beginning of this term.
void Topologies::Impl::sweep_old_removals() {
    // A few at a time, so that ZooKeeper is not flooded after a long outage.
    std::vector<std::pair<base::Micros, std::string>> oldest;
    for (const auto& [id, known] : removed) oldest.emplace_back(known.since, id);
    const std::size_t most = std::min(oldest.size(), kRemovalsSweptAtOnce);
    std::partial_sort(oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(most),
                      oldest.end());
    for (std::size_t i = 0; i < most; ++i) {
        const auto& [since, id] = oldest[i];
        const bool is_old = loop.now() - since > kRemovalKept;
        if ((!is_old && removed.size() <= kRemovalsKept) || led.contains(id)) continue;
        // Whatever becomes of the write: if it fails, a later reading brings the mark back, and it
        // is swept then.
        removed.erase(id);
        state.forget_removal(*term, id, in_term([id = id](Impl& self, Write outcome) {
            if (outcome == Write::kDone || outcome == Write::kNotFound) return;
            self.write_failed(outcome, "the mark of the removal of " + id);
        }));
    }
}

}  // namespace storm::nimbus
