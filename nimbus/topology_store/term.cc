#include "base/check.h"
#include "base/log.h"
#include "nimbus/limits.h"
#include "nimbus/topology_store/topologies_impl.h"

namespace storm::nimbus {

using cluster::Status;
using cluster::TopologyRecord;
using coordination::Write;
using Kind = Refusal::Kind;

namespace {

std::string could_not_be_read(const std::string& why) {
    return "it could not be read (" + why + ')';
}

}  // namespace

/// Asked anew each time: this process may have been stopped since its last turn, and the lease of
/// its term may have run out. What it decides all the same does no harm in ZooKeeper, which checks
/// the term with each write; but requests must not be answered by it.
bool Topologies::Impl::leading() const {
    return term && is_loaded && current_term() == term;
}

void Topologies::Impl::begin(const coordination::Term& given) {
    // Epochs only grow, so ZooKeeper's data must be older than this process's last term.
    if (own_epoch && given.epoch <= *own_epoch) {
        store_went_back("term " + std::to_string(given.epoch) + " begins after term " +
                        std::to_string(*own_epoch));
        surely_went_back = true;
    }
    STORM_CHECK(!term && led.empty(), "a term begins with nothing of the last one");
    own_epoch = given.epoch;
    term = given;
    presence.begin(loop.now());
    ++counters.terms;
    after(kReportsLook, [](Impl& self) { self.look_at_silent(); });
    after(kRemovalSweep, [](Impl& self) { self.sweep_removals(); });
    load();
}

/// Also the way out of doubt. Reading waits in the same queue as writing, so once it is answered
/// all earlier writes are settled, whether their outcomes were heard or not.
void Topologies::Impl::load() {
    STORM_CHECK(term, "timers and answers of a term are void once it is over");
    state.read_all(
        *term, in_term([](Impl& self, const base::Result<coordination::ClusterSnapshot>& snapshot) {
            self.reloading = false;
            if (snapshot) return self.loaded(*snapshot);
            base::log::warn("cannot read the topologies", {{"why", snapshot.error().message}});
            // The next attempt may take long; these requests need not wait for it.
            for (const Held& each : std::exchange(self.held, {})) {
                each.refuse(Refusal{Kind::kUnavailable, "cannot read the topologies from ZooKeeper",
                                    "try again"});
            }
            self.reload_soon();
        }));
}

void Topologies::Impl::loaded(const coordination::ClusterSnapshot& snapshot) {
    STORM_CHECK(!is_loaded || in_doubt, "memory is read over only when it is not trusted");
    std::map<std::string, Led> read;
    for (const auto& [id, record] : snapshot.topologies) {
        auto description = cluster::read_description(record.description);
        Led& made = read[id];
        made.record = record;
        if (description) {
            made.description = std::move(description).value();
            note_wishes(made);
        } else {
            made.no_description = true;
            made.notes = {description.error().message};
            base::log::error("topology is left alone",
                             {{"topology", id}, {"why", description.error().message}});
        }
        read_assignment(snapshot, made);
        next_number = std::max(next_number, number_of(record) + 1);
    }
    // Three more sources of what may exist: unreadable records, marks of removals, and what
    // vanished without a mark. The marks come before keep_missing(), which needs them.
    read_unreadable(snapshot, read);
    // Marks keep the time at which this leader first saw them, so that they are swept in its own
    // time.
    std::erase_if(removed,
                  [&](const auto& each) { return !snapshot.removed.contains(each.first); });
    for (const auto& [id, mark] : snapshot.removed) note_removal(id, mark);
    keep_missing(snapshot, read);
    orphans.clear();
    // Assignments without a topology: their workers may still run, so their slots stay taken.
    for (const auto& [id, assignment] : snapshot.assignments) {
        if (read.count(id) == 0) orphans.push_back(assignment);
    }
    // While `led` is still what this leader knew: it has the times of kills, epochs that were
    // given, and topologies that are nowhere else.
    note_drains(read);
    for (const auto& [id, known] : led) {
        // Reading waited for all earlier writes, and no write was begun since.
        STORM_CHECK(!known.writing, "nothing that was decided is lost by reading");
    }
    led = std::move(read);
    if (!is_loaded) {
        base::log::info("leading", {{"epoch", static_cast<std::int64_t>(term->epoch)},
                                    {"topologies", static_cast<std::int64_t>(led.size())}});
    }
    // From here on decisions are possible; what follows makes the first ones.
    is_loaded = true;
    in_doubt = false;
    loaded_at = loop.now();
    for (const auto& [id, known] : led) {
        if (cluster::is_draining(known.record.status)) end_wait(known);
    }
    // Only now, because writing may fail, which sets in_doubt again.
    for (const std::string& id : std::exchange(to_write, {})) {
        Led& known = led.at(id);
        const auto why = snapshot.unreadable_assignments.find(id);
        // If nothing is known of it, the scheduler makes another one, which takes its place at
        // once.
        const bool is_there = why != snapshot.unreadable_assignments.end();
        const std::string told = is_there ? could_not_be_read(why->second) : "it was not there";
        if (is_there && known.assignment.epoch == 0 && is_running(fate_of(known.record))) {
            note_written_again(id, told);
            continue;
        }
        write_again(known, told);
    }
    schedule_soon();
    release_held();
}

/// When another leader's clock says that it began to drain is of no use here.
void Topologies::Impl::note_drains(std::map<std::string, Led>& read) const {
    for (auto& [id, made] : read) {
        if (!cluster::is_draining(made.record.status)) continue;
        const auto before = led.find(id);
        const bool was_known =
            before != led.end() && before->second.record.status == made.record.status;
        made.draining_since = was_known ? before->second.draining_since : loop.now();
    }
}

void Topologies::Impl::read_assignment(const coordination::ClusterSnapshot& snapshot, Led& made) {
    const std::string& id = made.record.id;
    made.assignment.topology = id;
    const auto before = led.find(id);
    // An epoch given in this term stays given, even if its write never arrived: with another
    // content under it some Supervisors would follow the one, and some the other.
    if (before != led.end()) made.epoch_given = before->second.epoch_given;
    const auto stored = snapshot.assignments.find(id);
    if (stored != snapshot.assignments.end()) {
        made.assignment = stored->second;
        return;
    }
    const auto last = followed.assignments().find(id);
    if (last != followed.assignments().end()) made.assignment = last->second;
    // Its former epoch is not certain, so the next one must be higher than any that can have been
    // given.
    made.epoch_given = std::max({made.epoch_given, made.assignment.epoch,
                                 static_cast<std::uint64_t>(wall.now_ms() / 1000)});
    if (made.stored == Led::Stored::kGood && !made.no_description) to_write.push_back(id);
}

/// They are listed by what their ids tell, and keep their slots.
void Topologies::Impl::read_unreadable(const coordination::ClusterSnapshot& snapshot,
                                       std::map<std::string, Led>& read) {
    for (const auto& [id, why] : snapshot.unreadable_topologies) {
        base::log::error("topology is left alone", {{"topology", id}, {"why", why}});
        Led& made = read[id];
        made.record = record_in(id);
        made.stored = Led::Stored::kUnreadable;
        made.notes = {why_unreadable(why)};
        read_assignment(snapshot, made);
        next_number = std::max(next_number, number_of(made.record) + 1);
        if (made.assignment.status != Status::kKilled) continue;
        // The kill of an unreadable topology is recorded only here.
        made.record.status = Status::kKilled;
        made.record.kill_wait_ms = made.assignment.kill_wait_ms;
    }
}

void Topologies::Impl::keep_missing(const coordination::ClusterSnapshot& snapshot,
                                    std::map<std::string, Led>& read) {
    for (const auto& [id, known] : led) {
        if (known.stored != Led::Stored::kMissing) continue;
        const bool is_ending = known.record.status == Status::kKilled;
        // A missing topology that runs somewhere is known to this leader alone; it must survive
        // reading.
        if (is_ending || !removed.contains(id)) read.try_emplace(id, known);
    }
    std::map<std::string, TopologyRecord> now = snapshot.topologies;
    for (const auto& [id, why] : snapshot.unreadable_topologies) now.emplace(id, record_in(id));
    // Reading may be ahead of following: what is missing in it has vanished too.
    followed.note_vanished(now);
    for (const auto& [id, gone] : followed.vanished()) {
        if (!gone.record || read.count(id) > 0 || removed.contains(id)) continue;
        Led& made = read[id];
        made.record = *gone.record;
        made.stored = Led::Stored::kMissing;
        const auto last = followed.assignments().find(id);
        if (gone.assignment) {
            made.assignment = *gone.assignment;
        } else if (last != followed.assignments().end()) {
            made.assignment = last->second;
        }
        made.assignment.topology = id;
        made.notes = {std::string(kWhyMissing)};
        next_number = std::max(next_number, number_of(made.record) + 1);
        base::log::error("topology has gone from ZooKeeper, though nobody has removed it",
                         {{"topology", id}});
    }
}

void Topologies::Impl::found_running(const cluster::WorkerStatus& worker,
                                     const cluster::SupervisorReport& by) {
    // Never written: this leader learns it from reports again, and a record that was made of an id
    // would hide the real one when a copy of ZooKeeper's data is put back.
    const std::string& id = worker.topology;
    if (removed.contains(id)) return;  // It is about to end.
    if (!led.contains(id)) {
        const auto missing = std::count_if(led.begin(), led.end(), [](const auto& each) {
            return each.second.stored == Led::Stored::kMissing;
        });
        // Supervisors may report anything; memory stays bounded.
        if (static_cast<std::size_t>(missing) >= kMissingMax) return;
        Led& known = led[id];
        known.record = record_in(id);
        known.stored = Led::Stored::kMissing;
        known.assignment.topology = id;
        known.notes = {std::string(kWhyMissing)};
        next_number = std::max(next_number, number_of(known.record) + 1);
        base::log::error("topology runs that is not in ZooKeeper, though nobody has removed it",
                         {{"topology", id}, {"supervisor", by.supervisor}});
    }
    const cluster::WorkerSlot slot = slot_of(worker, by);
    auto& slots = led.at(id).assignment.workers;
    const auto same = std::find_if(slots.begin(), slots.end(),
                                   [&](const auto& each) { return each.number == slot.number; });
    if (same == slots.end()) {
        slots.push_back(slot);
        // If two reports concern one worker, the later incarnation counts.
    } else if (same->epoch <= slot.epoch) {
        *same = slot;
    }
}

void Topologies::Impl::store_went_back(const std::string& how) {
    base::log::error("zookeeper is older than it was: was it emptied, or restored?",
                     {{"why", how}});
    // Blobs are kept as long as this is set, since topologies that name them may come back.
    went_back = how;
}

void Topologies::Impl::saw_leader(const cluster::Leadership& leader) {
    if (leader == last_leader) {
        // The node has been read again as it was, so the older one came from a server that lagged
        // behind.
        if (!surely_went_back) went_back.clear();
    } else if (leader.epoch > last_leader.epoch) {
        last_leader = leader;
    } else {
        store_went_back("term " + std::to_string(leader.epoch) + " of " + leader.nimbus +
                        " came after term " + std::to_string(last_leader.epoch) + " of " +
                        last_leader.nimbus);
        // Our own term was read under data that is gone. Doubt comes before the reading, so that
        // nothing is decided, and written over what was restored, until it is read.
        if (!term || !is_loaded) return;
        in_doubt = true;
        reload_soon();
    }
}

/// Writes records again that were written and have become unreadable; only this leader may.
void Topologies::Impl::mend_unreadable() {
    if (!may_decide()) return;
    const auto mend = [this](const coordination::Unreadable& all) {
        for (const auto& [id, why] : all) {
            const auto known = led.find(id);
            if (known == led.end() || known->second.writing ||
                known->second.stored != Led::Stored::kGood) {
                continue;
            }
            write_again(known->second, could_not_be_read(why));
        }
    };
    mend(state.unreadable_topologies());
    mend(state.unreadable_assignments());
}

/// A worker runs by a newer assignment than ZooKeeper has: ZooKeeper was restored from a copy.
void Topologies::Impl::note_older(Led& known, const cluster::WorkerStatus& worker) {
    const std::uint64_t epoch = std::max(worker.report.assignment_epoch, epoch_of(worker));
    if (epoch > kEpochBelieved) return;
    if (known.writing || is_left_alone(known) || epoch <= known.assignment.epoch) return;
    // At once, so that no decision meanwhile uses an epoch that workers have seen: they would not
    // follow it. The rest waits for more reports, since this one may be of a single worker.
    known.epoch_given = std::max(known.epoch_given, epoch);
    if (std::exchange(known.is_older, true)) return;
    wake_at(presence.grace_until());
    if (loop.now() >= presence.grace_until()) schedule_soon();
}

/// The assignment that workers run by counts, once all present Supervisors have had time to report.
void Topologies::Impl::mend_older(Led& known) {
    if (!known.is_older || known.writing || loop.now() < presence.grace_until()) return;
    // Before write_again(), whose write is the decision: until here is_settled() held it back.
    known.is_older = false;
    known.well = false;
    for (const auto& [supervisor, report] : book.reports()) {
        for (const cluster::WorkerStatus& worker : report.workers) {
            // Workers without a process prove nothing about where they run.
            if (worker.topology != known.record.id || worker.pid == 0) continue;
            for (cluster::WorkerSlot& slot : known.assignment.workers) {
                if (slot.number != worker.number || slot.epoch >= epoch_of(worker)) continue;
                slot = slot_of(worker, report);
            }
        }
    }
    write_again(known, "it was older than what its workers run by");
}

void Topologies::Impl::write_again(Led& known, const std::string& why) {
    const std::string id = known.record.id;
    note_written_again(id, why);
    // A new epoch even if the content is the same, because nobody knows what the record had that
    // could not be read.
    known.assignment.epoch = next_epoch(known);
    known.epoch_given = known.assignment.epoch;
    set_status(known.assignment, fate_of(known.record));
    writing(known);
    state.update(*term, known.record, known.assignment,
                 in_term([id](Impl& self, Write outcome) { self.written(id, outcome); }));
}

void Topologies::Impl::note_written_again(const std::string& id, const std::string& why) {
    base::log::error("what ZooKeeper has of a topology is written again",
                     {{"topology", id}, {"why", why}});
    add_errors({{id, {"", "what ZooKeeper had of it is written again: " + why, wall.now_ms()}}});
}

/// At once, but not again and again.
void Topologies::Impl::reload_soon() {
    if (reloading) return;
    reloading = true;
    // A failing ZooKeeper must not be read in a tight loop.
    const base::Micros first = loaded_at < 0 ? loop.now() + kReloadDelay : loaded_at + kReloadDelay;
    after(std::max<base::Micros>(first - loop.now(), 0), [](Impl& self) { self.load(); });
}

void Topologies::Impl::stop_leading() {
    term.reset();
    // Callbacks of this term are void from here on. The outcome of a write under way is heard by
    // nobody, so the next term, whoever leads, begins by reading.
    ++round;
    is_loaded = false;
    in_doubt = false;
    reloading = false;
    loaded_at = -1;
    scheduling = false;
    armed_until = -1;
    errors_waiting = false;
    // Topologies that it led, but has not been told of as a follower yet, must not be forgotten
    // either.
    for (const auto& [id, known] : led) {
        const bool is_there = !known.pending && known.stored == Led::Stored::kGood &&
                              known.record.status != Status::kKilled;
        if (!is_there || followed.topologies().count(id) > 0) continue;
        followed.note_vanished(id, known.record, known.assignment);
    }
    led.clear();
    orphans.clear();
    removed.clear();
    too_large.clear();
    supply.taken.clear();
    presence.end();
    supply.supervisors = presence.records();
    errors.clear();
    book = {};
    // Last, because who is refused may ask again from inside the call.
    for (const Held& each : std::exchange(held, {})) each.refuse(not_leader());
}

void Topologies::Impl::write_failed(Write outcome, const std::string& what) {
    ++counters.writes_failed;
    base::log::warn("cannot write to ZooKeeper",
                    {{"what", what}, {"why", coordination::to_string(outcome)}});
    if (outcome == Write::kDeposed) stop_leading();
}

void Topologies::Impl::writing(Led& known) {
    STORM_CHECK(!known.writing, "one write of a topology at a time");
    STORM_CHECK(term && is_loaded, "only a leader that has read everything writes");
    // Before the write is sent: decisions in the same turn must see that it is under way.
    known.writing = true;
}

void Topologies::Impl::written(const std::string& id, Write outcome) {
    const auto at = led.find(id);
    if (at != led.end()) at->second.writing = false;
    if (outcome == Write::kDone) {
        schedule_soon();  // It was passed over meanwhile.
        return release_held();
    }
    // It may have happened or not, so memory and ZooKeeper may differ; nothing is decided by either
    // until all is read.
    in_doubt = true;
    write_failed(outcome, id);
    // Deposed, it leads no longer, and there is nothing to read.
    if (in_doubt) reload_soon();
}

/// None is held for ever: they are repeated when a write is settled or all was read, and refused
/// when reading fails or the term ends.
void Topologies::Impl::hold(std::function<void()> call, const Answered& refuse) {
    if (held.size() >= kRequestsHeldMax) {
        return refuse(
            Refusal{Kind::kUnavailable, "too many requests wait for ZooKeeper", "try again"});
    }
    held.push_back({std::move(call), refuse});
}

/// Repeats them in order; those that still have to wait are held again.
void Topologies::Impl::release_held() {
    if (held.empty()) return;
    // Posted, because the caller may be in the middle of a decision that these requests change.
    loop.post(in_term([](Impl& self) {
        for (const Held& each : std::exchange(self.held, {})) each.call();
    }));
}

}  // namespace storm::nimbus
