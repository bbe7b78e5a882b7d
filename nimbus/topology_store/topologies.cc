#include "nimbus/topology_store/topologies.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include <storm/config.h>

#include "base/check.h"
#include "base/log.h"
#include "nimbus/limits.h"
#include "nimbus/scheduler/even_scheduler.h"
#include "nimbus/scheduler/spread.h"

namespace storm::nimbus {
namespace {

using cluster::Assignment;
using cluster::Status;
using cluster::TopologyRecord;
using cluster::Write;
using Kind = Refusal::Kind;

/// A topology that this Nimbus leads.
struct Led {
    TopologyRecord record;
    cluster::Description description;
    Assignment assignment;
    std::vector<std::string> unassigned;
    std::vector<std::string> notes;
    enum class Stored : std::uint8_t {
        kGood,
        kUnreadable,  // It is there, and cannot be read.
        kMissing,     // It is not there, though nobody has removed it.
    };
    Stored stored = Stored::kGood;  // Its record.
    bool no_description = false;    // It cannot be read.
    std::size_t workers = 1;        // As asked for.
    std::size_t useful = 0;         // As in Demand.
    std::size_t spread = 0;
    bool well = false;      // It has what it wants, where what it wants has not changed.
    bool pending = false;   // Its creation is under way.
    bool is_older = false;  // Than what runs; while that is found out.
    bool writing = false;   // A write of it is: nothing is decided about it until that is settled.
    std::uint64_t epoch_given = 0;  // The last epoch that was given to a content of its assignment.
};

/// It keeps what it has, until it is killed.
bool is_left_alone(const Led& known) {
    return known.stored != Led::Stored::kGood || known.no_description;
}

std::string_view state_of(const Led& known) {
    const bool is_killed = known.record.status == Status::kKilled;
    if (known.stored == Led::Stored::kMissing && !is_killed) return "MISSING";
    if (known.stored == Led::Stored::kUnreadable && !is_killed) return "UNREADABLE";
    return cluster::to_string(known.record.status);
}

/// Each epoch is given once, even if what had it was never written.
std::uint64_t next_epoch(const Led& known) {
    return std::max(known.assignment.epoch, known.epoch_given) + 1;
}

std::int64_t setting(const TopologyRecord& record, std::string_view key) {
    static const Config kDefaults;
    const auto at = record.settings.find(std::string(key));
    if (at == record.settings.end()) return kDefaults.int64(key);
    Config config;
    try {
        config.set(key, at->second);
    } catch (const ConfigError& error) {
        base::log::warn("a stored setting is not usable",
                        {{"topology", record.id}, {"why", error.what()}});
    }
    return config.int64(key);
}

/// What scheduling asks of it again and again.
void note_wishes(Led& known) {
    known.workers = static_cast<std::size_t>(
        std::max<std::int64_t>(1, setting(known.record, "topology.workers")));
    known.useful = useful_workers(known.description);
}

/// "wc-3-1732170000" of "wc": 3.
std::uint64_t number_of(const TopologyRecord& record) {
    std::uint64_t number = 0;
    if (record.id.size() > record.name.size() + 1) {
        const char* const first = record.id.data() + record.name.size() + 1;
        std::from_chars(first, record.id.data() + record.id.size(), number);
    }
    return number;
}

/// All that the id of a topology says of it: "wc-3-1732170000".
TopologyRecord record_in(const std::string& id) {
    TopologyRecord record;
    record.id = id;
    record.name = id;
    const std::size_t seconds = id.rfind('-');
    if (seconds == std::string::npos || seconds == 0) return record;
    const std::size_t number = id.rfind('-', seconds - 1);
    if (number == std::string::npos || number == 0) return record;
    record.name = id.substr(0, number);
    std::from_chars(id.data() + seconds + 1, id.data() + id.size(), record.submitted_ms);
    record.submitted_ms *= 1000;
    return record;
}

const char* const kWhyMissing =
    "it is not in ZooKeeper, though nobody has removed it: its workers run on; `storm kill` ends "
    "them, then submit it again";

std::string could_not_be_read(const std::string& why) {
    return "it could not be read (" + why + ')';
}

std::uint64_t epoch_of(const cluster::WorkerStatus& worker) {
    return worker.incarnation >> 32U;
}

cluster::WorkerSlot slot_of(const cluster::WorkerStatus& worker,
                            const cluster::SupervisorReport& by) {
    return {worker.number, by.supervisor, by.host, worker.port, epoch_of(worker)};
}

std::string why_unreadable(const std::string& why) {
    return "its record in ZooKeeper cannot be read (" + why +
           "): it is left as it is; `storm kill` removes it";
}

void set_status(Assignment& assignment, const Fate& fate) {
    assignment.status = fate.status;
    assignment.kill_wait_ms = fate.kill_wait_ms;
    if (fate.status != Status::kFinished) return;
    assignment.workers.clear();
    std::fill(assignment.worker_of_executor.begin(), assignment.worker_of_executor.end(),
              cluster::kUnassigned);
}

std::size_t workers_moved(const Assignment& before, const Assignment& after) {
    return static_cast<std::size_t>(std::count_if(
        after.workers.begin(), after.workers.end(), [&](const cluster::WorkerSlot& slot) {
            return std::find(before.workers.begin(), before.workers.end(), slot) ==
                   before.workers.end();
        }));
}

Refusal refusal(Write outcome, const std::string& what) {
    switch (outcome) {
        case Write::kDeposed:
            return {Kind::kNotLeader, "another Nimbus leads by now"};
        case Write::kNameTaken:
            return {Kind::kConflict, "there is a topology " + what + " already",
                    "kill it first, or take another name"};
        case Write::kNotFound:
            return {Kind::kNotFound, "there is no topology " + what};
        case Write::kTooLarge:
            return {Kind::kInvalid,
                    "topology " + what + " is too large: description and settings have more than " +
                        std::to_string(cluster::kRecordBytesMax / 1024) + " KiB",
                    "pass large settings as files"};
        case Write::kUnknown:
            return {Kind::kUnavailable,
                    "the connection to ZooKeeper broke while " + what +
                        " was written: it may have happened",
                    "look with `storm list`, then try again"};
        default:
            return {Kind::kUnavailable, "cannot write topology " + what + " to ZooKeeper",
                    "try again"};
    }
}

}  // namespace

struct Topologies::Impl : std::enable_shared_from_this<Impl> {
    Impl(cluster::ClusterState& given_state, cluster::EventLoop& given_loop,
         const base::WallClock& given_wall, base::Micros given_task_timeout, CurrentTerm given_term,
         MakeSecret given_secret)
        : state(given_state),
          loop(given_loop),
          wall(given_wall),
          task_timeout(given_task_timeout),
          current_term(std::move(given_term)),
          make_secret(std::move(given_secret)) {}

    void follow();
    void describe_followed();
    void begin(const cluster::Term& given);
    void load();
    void loaded(const cluster::ClusterSnapshot& snapshot);
    void read_unreadable(const cluster::ClusterSnapshot& snapshot,
                         std::map<std::string, Led>& read);
    void read_assignment(const cluster::ClusterSnapshot& snapshot, Led& made);
    void keep_missing(const cluster::ClusterSnapshot& snapshot, std::map<std::string, Led>& read);
    /// A worker of a topology that is not known.
    void found_running(const cluster::WorkerStatus& worker, const cluster::SupervisorReport& by);
    void note_vanished(const std::map<std::string, TopologyRecord>& now);
    void note_vanished(const std::map<std::string, Assignment>& now);
    void mend_unreadable();
    void note_older(Led& known, const cluster::WorkerStatus& worker);
    void mend_older(Led& known);
    void sweep_removals();
    void write_again(Led& known, const std::string& why);
    void note_written_again(const std::string& id, const std::string& why);
    void saw_leader(const cluster::Leadership& leader);
    void store_went_back(const std::string& how);
    void reload_soon();
    bool leading() const;
    /// Leads, and its memory is what ZooKeeper has, or will have once writes are settled.
    bool may_decide() const { return leading() && !in_doubt; }
    /// Before a write of a topology; after(): once it is settled.
    void writing(Led& known);
    void written(const std::string& id, Write outcome);
    void write_failed(Write outcome, const std::string& what);
    void write_assignment(Led& known);
    /// Until it may be decided: the call comes again.
    void hold(std::function<void()> call, const Answered& refuse);
    void release_held();
    void stop_leading();
    /// Calls back only while the term lasts that it was asked in.
    template <typename Call>
    auto in_term(Call call);
    template <typename Call>
    void after(base::Micros delay, Call call);

    void schedule_soon();
    void schedule_all();
    void take_supervisors(const std::map<std::string, cluster::SupervisorRecord>& records);
    void supervisor_came(const std::string& id);
    void supervisor_went(const std::string& id);
    /// Those of whose workers some lack a place, in the order of submission; `supply` then has what
    /// there is for them.
    std::vector<Led*> wanting();
    /// Whether all its workers have their places; notes what is to be known of those that have not.
    bool has_its_places(const Led& known);
    void miss(const std::string& supervisor);
    static Demand demand_of(const Led& known);
    static bool is_settled(const Led& known);
    static std::vector<Demand> demands_of(const std::vector<Led*>& order);
    void take(Led& known, const Placement& placement);
    void wake_at(base::Micros when);
    void wake_when_it_matters();
    bool is_present(const std::string& supervisor) const;
    base::Micros silent_for(const std::string& supervisor) const;
    void look_at_silent();

    Led* find(const std::string& name);
    void submit(Submission submission, const Submitted& done);
    void created(Write outcome, const std::string& id, const Led& made, const Submitted& done);
    void request(const std::string& name, const Answered& done,
                 const std::function<base::Result<Fate>(const Led&)>& change);
    void kill_missing(Led& known, const Fate& fate, const Answered& done);
    void set_fate_of(Led& known, const Fate& fate, const Answered& done);
    std::optional<Refusal> take_report(cluster::SupervisorReport report);
    void end_wait(const Fate& fate);
    void remove_what_is_over();
    bool may_run(const Led& known, const cluster::WorkerSlot& slot, bool told) const;
    std::vector<std::string> may_run(const Led& known) const;
    void note_unsure(const std::string& name, const std::vector<std::string>& running);
    void finish_if_ended(Led& known);
    void add_errors(ReportBook::News&& news);
    void write_errors();

    Refusal not_leader() const {
        return {Kind::kNotLeader, "this Nimbus does not lead, or not yet"};
    }

    cluster::ClusterState& state;
    cluster::EventLoop& loop;
    const base::WallClock& wall;
    const base::Micros task_timeout;
    const CurrentTerm current_term;
    const MakeSecret make_secret;

    // Followed.
    std::map<std::string, TopologyRecord> topologies;
    std::map<std::string, Assignment> assignments;
    std::map<std::string, cluster::TopologyErrors> errors;
    std::map<std::string, cluster::SupervisorRecord> supervisors;
    std::map<std::string, base::Micros> seen_since;  // Of these.
    // Gone, but in order: they are taken to come back until then.
    std::map<std::string, base::Micros> returning_until;
    // Lost, so that their workers were, or would have been, given other places; and then back.
    std::map<std::string, base::Micros> lost_since;
    std::map<std::string, base::Micros> back_since;
    std::map<std::string, cluster::Description> descriptions;  // Of topologies that are followed.
    std::map<std::string, TopologyRecord> unreadable;          // As record_in() has them.
    // What has gone of late, and nobody here has removed.
    struct Vanished {
        std::optional<TopologyRecord> record;
        std::optional<Assignment> assignment;
        base::Micros at = 0;
    };
    std::map<std::string, Vanished> vanished;
    cluster::Leadership last_leader;  // Of all that were seen, as epochs go.
    std::string went_back;  // Why ZooKeeper is taken to be older than it was; empty: it is not.
    base::Micros went_back_at = 0;
    bool surely_went_back = false;  // It was not only read from a server that lagged behind.
    bool topologies_known = false;
    bool supervisors_known = false;

    /// When workers have asked for themselves last.
    std::map<std::pair<std::string, std::uint32_t>, base::Micros> asked;

    // Led.
    std::optional<cluster::Term> term;
    std::uint64_t round = 0;                 // Grows with each term, and when one ends.
    std::optional<std::uint64_t> own_epoch;  // Of the last term here.
    std::vector<std::string> to_write;       // Topologies whose assignment could not be read.
    bool is_loaded = false;
    bool in_doubt = false;  // A write failed: until all is read anew, nothing is decided.
    bool reloading = false;
    base::Micros loaded_at = -1;  // -1: not in this term.
    struct Held {
        std::function<void()> call;
        Answered refuse;
    };
    std::vector<Held> held;
    std::map<std::string, Led> led;
    std::vector<Assignment> orphans;  // Of records that cannot be read: their slots are taken.
    std::uint64_t next_number = 1;
    base::Micros grace_until = 0;
    base::Micros began = 0;        // The term.
    Supply supply;                 // Live Supervisors that report; the rest is of the last run.
    std::set<std::string> silent;  // Taken for lost, though their sessions live.
    // When it was seen first in this term that they were removed.
    std::map<std::string, base::Micros> removed;
    // Removed although nobody had said that these workers had ended; the last kUnsureKept.
    std::deque<std::pair<std::string, std::string>> unsure;
    bool scheduling = false;        // It will be done soon.
    base::Micros armed_until = -1;  // A timer fires then; -1: none.
    ReportBook book;
    std::map<std::string, std::vector<cluster::TopologyError>> unwritten_errors;
    bool errors_waiting = false;

    TopologyCounters counters;
};

template <typename Call>
auto Topologies::Impl::in_term(Call call) {
    return [weak = weak_from_this(), round_then = round, call](auto&&... arguments) {
        const auto self = weak.lock();
        if (self && self->round == round_then) {
            call(*self, std::forward<decltype(arguments)>(arguments)...);
        }
    };
}

template <typename Call>
void Topologies::Impl::after(base::Micros delay, Call call) {
    loop.after(delay, in_term(call));
}

void Topologies::Impl::follow() {
    const auto guarded = [this](auto call) {
        return [weak = weak_from_this(), call](const auto& records) {
            if (const auto self = weak.lock()) call(*self, records);
        };
    };
    state.follow_topologies(guarded([](Impl& self, const auto& records) {
        self.note_vanished(records);
        self.topologies = records;
        self.topologies_known = true;
        self.describe_followed();
        self.unreadable.clear();
        for (const auto& [id, why] : self.state.unreadable_topologies()) {
            if (records.count(id) == 0) self.unreadable.emplace(id, record_in(id));
        }
        self.mend_unreadable();
    }));
    state.follow_assignments(guarded([](Impl& self, const auto& records) {
        self.note_vanished(records);
        self.assignments = records;
        self.mend_unreadable();
    }));
    state.follow_errors(guarded([](Impl& self, const auto& records) { self.errors = records; }));
    state.follow_supervisors(
        guarded([](Impl& self, const auto& records) { self.take_supervisors(records); }));
}

void Topologies::Impl::take_supervisors(
    const std::map<std::string, cluster::SupervisorRecord>& records) {
    std::set<std::string> touched;
    for (const auto& [id, record] : records) {
        const auto before = supervisors.find(id);
        if (before == supervisors.end()) {
            base::log::info("supervisor is there", {{"supervisor", id}, {"host", record.host}});
            supervisor_came(id);
        }
        if (before == supervisors.end() || before->second != record) touched.insert(id);
    }
    for (const auto& [id, record] : supervisors) {
        if (records.count(id) > 0) continue;
        base::log::warn("supervisor is gone", {{"supervisor", id}, {"host", record.host}});
        supervisor_went(id);
        touched.insert(id);
    }
    supervisors = records;
    supervisors_known = true;
    supply.supervisors = records;
    for (const std::string& id : silent) supply.supervisors.erase(id);
    for (auto& [id, known] : led) {
        for (const cluster::WorkerSlot& slot : known.assignment.workers) {
            if (touched.count(slot.supervisor) > 0) known.well = false;
        }
    }
    schedule_soon();
}

void Topologies::Impl::supervisor_came(const std::string& id) {
    seen_since[id] = loop.now();
    returning_until.erase(id);
    if (lost_since.erase(id) > 0) back_since[id] = loop.now();
}

void Topologies::Impl::supervisor_went(const std::string& id) {
    const base::Micros now = loop.now();
    seen_since.erase(id);
    silent.erase(id);
    // One that spoke a moment ago was alive, so its session was ended, and did not expire.
    const auto heard = book.heard(id);
    if (heard && now - *heard < kAliveUntilGone) returning_until[id] = now + task_timeout;
    if (back_since.erase(id) > 0) miss(id);
}

/// Remembers since when; those that are lost for long count as new when they come.
void Topologies::Impl::miss(const std::string& supervisor) {
    const base::Micros now = loop.now();
    std::erase_if(lost_since, [&](const auto& each) { return now - each.second > kLostKept; });
    lost_since.try_emplace(supervisor, now);
}

/// Once each: a topology's description never changes.
void Topologies::Impl::describe_followed() {
    std::erase_if(descriptions,
                  [this](const auto& each) { return !topologies.contains(each.first); });
    for (const auto& [id, record] : topologies) {
        const auto [at, is_new] = descriptions.try_emplace(id);
        if (!is_new) continue;
        auto read = cluster::read_description(record.description);
        if (read) at->second = std::move(read).value();
    }
}

bool Topologies::Impl::leading() const {
    return term && is_loaded && current_term() == term;
}

void Topologies::Impl::begin(const cluster::Term& given) {
    if (own_epoch && given.epoch <= *own_epoch) {
        store_went_back("term " + std::to_string(given.epoch) + " begins after term " +
                        std::to_string(*own_epoch));
        surely_went_back = true;
    }
    own_epoch = given.epoch;
    term = given;
    began = loop.now();
    grace_until = began + kReturnGrace;
    ++counters.terms;
    after(kReportsLook, [](Impl& self) { self.look_at_silent(); });
    after(kRemovalSweep, [](Impl& self) { self.sweep_removals(); });
    load();
}

void Topologies::Impl::load() {
    state.read_all(
        *term, in_term([](Impl& self, const base::Result<cluster::ClusterSnapshot>& snapshot) {
            self.reloading = false;
            if (snapshot) return self.loaded(*snapshot);
            base::log::warn("cannot read the topologies", {{"why", snapshot.error().message}});
            for (const Held& each : std::exchange(self.held, {})) {
                each.refuse(Refusal{Kind::kUnavailable, "cannot read the topologies from ZooKeeper",
                                    "try again"});
            }
            self.reload_soon();
        }));
}

void Topologies::Impl::loaded(const cluster::ClusterSnapshot& snapshot) {
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
    read_unreadable(snapshot, read);
    std::erase_if(removed,
                  [&](const auto& each) { return !snapshot.removed.contains(each.first); });
    for (const std::string& id : snapshot.removed) removed.try_emplace(id, loop.now());
    keep_missing(snapshot, read);
    orphans.clear();
    for (const auto& [id, assignment] : snapshot.assignments) {
        if (read.count(id) == 0) orphans.push_back(assignment);
    }
    for (const auto& [id, known] : led) {
        // The reading waited for all writes before it, and none was begun since.
        STORM_CHECK(!known.writing, "nothing that was decided is lost by reading");
    }
    led = std::move(read);
    if (!is_loaded) {
        base::log::info("leading", {{"epoch", static_cast<std::int64_t>(term->epoch)},
                                    {"topologies", static_cast<std::int64_t>(led.size())}});
    }
    is_loaded = true;
    in_doubt = false;
    loaded_at = loop.now();
    for (const auto& [id, known] : led) {
        if (known.record.status == Status::kKilled) end_wait(fate_of(known.record));
    }
    for (const std::string& id : std::exchange(to_write, {})) {
        Led& known = led.at(id);
        const auto why = snapshot.unreadable_assignments.find(id);
        // If nothing is known of it, the scheduler makes another, which takes its place at once.
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

void Topologies::Impl::read_assignment(const cluster::ClusterSnapshot& snapshot, Led& made) {
    const std::string& id = made.record.id;
    made.assignment.topology = id;
    const auto before = led.find(id);
    if (before != led.end()) made.epoch_given = before->second.epoch_given;
    const auto stored = snapshot.assignments.find(id);
    if (stored != snapshot.assignments.end()) {
        made.assignment = stored->second;
        return;
    }
    const auto last = assignments.find(id);
    if (last != assignments.end()) made.assignment = last->second;
    // What it was is not known for sure, so the next epoch is one that none before can have
    // reached.
    made.epoch_given = std::max({made.epoch_given, made.assignment.epoch,
                                 static_cast<std::uint64_t>(wall.now_ms() / 1000)});
    if (made.stored == Led::Stored::kGood && !made.no_description) to_write.push_back(id);
}

/// They are listed by what their ids say, and keep their slots.
void Topologies::Impl::read_unreadable(const cluster::ClusterSnapshot& snapshot,
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
        // By a kill of an unreadable one, of which nothing else tells.
        made.record.status = Status::kKilled;
        made.record.kill_wait_ms = made.assignment.kill_wait_ms;
        const auto before = led.find(id);
        made.record.killed_ms =
            before == led.end() ? wall.now_ms() : before->second.record.killed_ms;
    }
}

void Topologies::Impl::keep_missing(const cluster::ClusterSnapshot& snapshot,
                                    std::map<std::string, Led>& read) {
    for (const auto& [id, known] : led) {
        if (known.stored != Led::Stored::kMissing) continue;
        const bool is_ending = known.record.status == Status::kKilled;
        if (is_ending || !removed.contains(id)) read.try_emplace(id, known);
    }
    std::map<std::string, TopologyRecord> now = snapshot.topologies;
    for (const auto& [id, why] : snapshot.unreadable_topologies) now.emplace(id, record_in(id));
    note_vanished(now);
    for (const auto& [id, gone] : vanished) {
        if (!gone.record || read.count(id) > 0 || removed.contains(id)) continue;
        Led& made = read[id];
        made.record = *gone.record;
        made.stored = Led::Stored::kMissing;
        const auto last = assignments.find(id);
        if (gone.assignment) {
            made.assignment = *gone.assignment;
        } else if (last != assignments.end()) {
            made.assignment = last->second;
        }
        made.assignment.topology = id;
        made.notes = {kWhyMissing};
        next_number = std::max(next_number, number_of(made.record) + 1);
        base::log::error("topology has gone from ZooKeeper, though nobody has removed it",
                         {{"topology", id}});
    }
}

void Topologies::Impl::found_running(const cluster::WorkerStatus& worker,
                                     const cluster::SupervisorReport& by) {
    const std::string& id = worker.topology;
    if (removed.contains(id)) return;  // It will end.
    if (!led.contains(id)) {
        const auto missing = std::count_if(led.begin(), led.end(), [](const auto& each) {
            return each.second.stored == Led::Stored::kMissing;
        });
        if (static_cast<std::size_t>(missing) >= kMissingMax) return;
        Led& known = led[id];
        known.record = record_in(id);
        known.stored = Led::Stored::kMissing;
        known.assignment.topology = id;
        known.notes = {kWhyMissing};
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
    } else if (same->epoch <= slot.epoch) {
        *same = slot;
    }
}

void Topologies::Impl::note_vanished(const std::map<std::string, TopologyRecord>& now) {
    const auto is_old = [this](const auto& each) {
        return loop.now() - each.second.at > kVanishedKept;
    };
    std::erase_if(vanished, is_old);
    for (const auto& [id, record] : topologies) {
        if (now.count(id) > 0 || record.status == Status::kKilled) continue;
        vanished[id].record = record;
        vanished[id].at = loop.now();
    }
}

void Topologies::Impl::note_vanished(const std::map<std::string, Assignment>& now) {
    for (const auto& [id, assignment] : assignments) {
        if (now.count(id) > 0) continue;
        vanished[id].assignment = assignment;
        vanished[id].at = loop.now();
    }
}

void Topologies::Impl::store_went_back(const std::string& how) {
    base::log::error("zookeeper is older than it was: was it emptied, or restored?",
                     {{"why", how}});
    went_back = how;
    went_back_at = loop.now();
}

void Topologies::Impl::saw_leader(const cluster::Leadership& leader) {
    if (leader == last_leader) {
        if (!surely_went_back) went_back.clear();
    } else if (leader.epoch > last_leader.epoch) {
        last_leader = leader;
    } else {
        store_went_back("term " + std::to_string(leader.epoch) + " of " + leader.nimbus +
                        " came after term " + std::to_string(last_leader.epoch) + " of " +
                        last_leader.nimbus);
        if (!term || !is_loaded) return;
        in_doubt = true;
        reload_soon();
    }
}

/// What was written, and can no longer be read, is written again: only this leader may.
void Topologies::Impl::mend_unreadable() {
    if (!may_decide()) return;
    const auto mend = [this](const cluster::Unreadable& all) {
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

/// A worker runs by a newer assignment than ZooKeeper has, which was restored from a copy, then.
void Topologies::Impl::note_older(Led& known, const cluster::WorkerStatus& worker) {
    const std::uint64_t epoch = std::max(worker.report.assignment_epoch, epoch_of(worker));
    if (known.writing || is_left_alone(known) || epoch <= known.assignment.epoch) return;
    known.epoch_given = std::max(known.epoch_given, epoch);
    if (std::exchange(known.is_older, true)) return;
    wake_at(grace_until);
    if (loop.now() >= grace_until) schedule_soon();
}

/// What runs counts, once all who are there can have told of it.
void Topologies::Impl::mend_older(Led& known) {
    if (!known.is_older || known.writing || loop.now() < grace_until) return;
    known.is_older = false;
    known.well = false;
    for (const auto& [supervisor, report] : book.reports()) {
        for (const cluster::WorkerStatus& worker : report.workers) {
            if (worker.topology != known.record.id || worker.pid == 0) continue;
            for (cluster::WorkerSlot& slot : known.assignment.workers) {
                if (slot.number != worker.number || slot.epoch >= epoch_of(worker)) continue;
                slot = slot_of(worker, report);
            }
        }
    }
    write_again(known, "it was older than what its workers run by");
}

/// The oldest first; those that another leader has made count from the begin of this term.
void Topologies::Impl::sweep_removals() {
    after(kRemovalSweep, [](Impl& self) { self.sweep_removals(); });
    if (!may_decide()) return;
    std::vector<std::pair<base::Micros, std::string>> oldest;
    for (const auto& [id, since] : removed) oldest.emplace_back(since, id);
    const std::size_t most = std::min(oldest.size(), kRemovalsSweptAtOnce);
    std::partial_sort(oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(most),
                      oldest.end());
    for (std::size_t i = 0; i < most; ++i) {
        const auto& [since, id] = oldest[i];
        const bool is_old = loop.now() - since > kRemovalKept;
        if ((!is_old && removed.size() <= kRemovalsKept) || led.contains(id)) continue;
        removed.erase(id);
        state.forget_removal(*term, id, in_term([id = id](Impl& self, Write outcome) {
            if (outcome == Write::kDone || outcome == Write::kNotFound) return;
            self.write_failed(outcome, "the mark of the removal of " + id);
        }));
    }
}

void Topologies::Impl::write_again(Led& known, const std::string& why) {
    const std::string id = known.record.id;
    note_written_again(id, why);
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
    const base::Micros first = loaded_at < 0 ? loop.now() + kReloadDelay : loaded_at + kReloadDelay;
    after(std::max<base::Micros>(first - loop.now(), 0), [](Impl& self) { self.load(); });
}

void Topologies::Impl::stop_leading() {
    term.reset();
    ++round;
    is_loaded = false;
    in_doubt = false;
    reloading = false;
    loaded_at = -1;
    scheduling = false;
    armed_until = -1;
    errors_waiting = false;
    // What it has led, and was not told of as a follower yet, is not to be forgotten either.
    for (const auto& [id, known] : led) {
        const bool is_there = !known.pending && known.stored == Led::Stored::kGood &&
                              known.record.status != Status::kKilled;
        if (!is_there || topologies.count(id) > 0) continue;
        vanished[id] = {known.record, known.assignment, loop.now()};
    }
    led.clear();
    orphans.clear();
    removed.clear();
    supply.taken.clear();
    silent.clear();
    supply.supervisors = supervisors;
    unwritten_errors.clear();
    book = {};
    for (const Held& each : std::exchange(held, {})) each.refuse(not_leader());
}

void Topologies::Impl::write_failed(Write outcome, const std::string& what) {
    ++counters.writes_failed;
    base::log::warn("cannot write to ZooKeeper",
                    {{"what", what}, {"why", cluster::to_string(outcome)}});
    if (outcome == Write::kDeposed) stop_leading();
}

void Topologies::Impl::writing(Led& known) {
    STORM_CHECK(!known.writing, "one write of a topology at a time");
    known.writing = true;
}

void Topologies::Impl::written(const std::string& id, Write outcome) {
    const auto at = led.find(id);
    if (at != led.end()) at->second.writing = false;
    if (outcome == Write::kDone) {
        schedule_soon();  // It was passed over meanwhile.
        return release_held();
    }
    in_doubt = true;
    write_failed(outcome, id);
    if (in_doubt) reload_soon();
}

void Topologies::Impl::write_assignment(Led& known) {
    STORM_CHECK(known.assignment.epoch > known.epoch_given, "one epoch has one content");
    known.epoch_given = known.assignment.epoch;
    writing(known);
    state.set_assignment(
        *term, known.assignment,
        in_term([id = known.record.id](Impl& self, Write outcome) { self.written(id, outcome); }));
}

void Topologies::Impl::hold(std::function<void()> call, const Answered& refuse) {
    if (held.size() >= kRequestsHeldMax) {
        return refuse(
            Refusal{Kind::kUnavailable, "too many requests wait for ZooKeeper", "try again"});
    }
    held.push_back({std::move(call), refuse});
}

/// In their order; those that still have to wait are held again.
void Topologies::Impl::release_held() {
    if (held.empty()) return;
    loop.post(in_term([](Impl& self) {
        for (const Held& each : std::exchange(self.held, {})) each.call();
    }));
}

bool Topologies::Impl::is_present(const std::string& supervisor) const {
    if (silent.count(supervisor) > 0) return false;
    if (supervisors.count(supervisor) > 0) return true;
    if (state.unreadable_supervisors().count(supervisor) > 0) return true;
    const base::Micros now = loop.now();
    if (now < grace_until) return true;
    const auto until = returning_until.find(supervisor);
    if (until != returning_until.end() && now < until->second) return true;
    const auto heard = book.heard(supervisor);
    return heard && now - *heard < task_timeout;
}

/// It has a session, but that says little of it: since when has it told nothing?
base::Micros Topologies::Impl::silent_for(const std::string& supervisor) const {
    const auto seen = seen_since.find(supervisor);
    if (!term || seen == seen_since.end()) return 0;
    const base::Micros since = std::max(
        {began, seen->second, grace_until - kReturnGrace, book.heard(supervisor).value_or(0)});
    return loop.now() - since;
}

/// Those that tell nothing are taken for lost, if most others do tell: else it is we who do not
/// hear.
void Topologies::Impl::look_at_silent() {
    std::set<std::string> now;
    std::size_t heard = 0;
    for (const auto& [id, record] : supervisors) {
        if (silent_for(id) > kReportsLost) now.insert(id);
        const auto last = book.heard(id);
        if (last && loop.now() - *last <= kReportsUnknown) ++heard;
    }
    if (2 * heard < supervisors.size()) now.clear();
    if (now != silent) {
        for (const std::string& id : now) {
            if (silent.count(id) > 0) continue;
            base::log::warn("supervisor has a session, but does not report: taken for lost",
                            {{"supervisor", id}});
        }
        for (const std::string& id : silent) {
            if (now.count(id) == 0) supervisor_came(id);
        }
        silent = std::move(now);
        take_supervisors(std::map(supervisors));
        for (auto& [id, known] : led) known.well = false;
    }
    after(kReportsLook, [](Impl& self) { self.look_at_silent(); });
}

void Topologies::Impl::schedule_soon() {
    if (!term || !is_loaded || scheduling) return;
    scheduling = true;
    after(kScheduleDelay, [](Impl& self) {
        self.scheduling = false;
        self.schedule_all();
    });
}

bool Topologies::Impl::is_settled(const Led& known) {
    return !is_running(fate_of(known.record)) || is_left_alone(known) || known.writing ||
           known.is_older;
}

bool Topologies::Impl::has_its_places(const Led& known) {
    bool all = known.well;
    for (const cluster::WorkerSlot& slot : known.assignment.workers) {
        const std::string& id = slot.supervisor;
        if (supply.supervisors.count(id) > 0) continue;
        if (is_present(id)) {
            supply.expected.insert(id);
            continue;
        }
        miss(id);
        if (loop.now() - lost_since.at(id) < kShrinkAfter) supply.missed.insert(id);
        all = false;
    }
    return all;
}

std::vector<Led*> Topologies::Impl::wanting() {
    supply.expected.clear();
    supply.missed.clear();
    supply.taken.clear();
    supply.unsteady.clear();
    const base::Micros now = loop.now();
    std::erase_if(back_since, [&](const auto& each) { return now - each.second >= kSteadyAfter; });
    for (const auto& [id, since] : back_since) supply.unsteady.insert(id);
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
    std::sort(wanting.begin(), wanting.end(), [](const Led* a, const Led* b) {
        return std::pair(a->record.submitted_ms, std::string_view(a->record.id)) <
               std::pair(b->record.submitted_ms, std::string_view(b->record.id));
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
    counters.workers_moved += workers_moved(known.assignment, placement.assignment);
    known.assignment = placement.assignment;
    known.assignment.status = known.record.status;
    known.unassigned = placement.unassigned;
    known.notes = placement.notes;
    known.spread = placement.spread;
    known.well = placement.complete;
}

void Topologies::Impl::schedule_all() {
    if (!may_decide() || !supervisors_known) return;
    for (auto& [id, known] : led) mend_older(known);
    ++counters.schedulings;
    const std::vector<Led*> order = wanting();
    counters.topologies_placed += order.size();
    const std::vector<Placement> placements = schedule(demands_of(order), supply);
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
    for (auto& [id, known] : led) finish_if_ended(known);
    remove_what_is_over();
    wake_when_it_matters();
}

void Topologies::Impl::wake_at(base::Micros when) {
    const base::Micros now = loop.now();
    if (when <= now || (armed_until > now && armed_until <= when)) return;
    armed_until = when;
    after(when - now, [when](Impl& self) {
        if (self.armed_until == when) self.armed_until = -1;
        self.schedule_soon();
    });
}

/// Those that are only taken to be there, or to be gone, are looked at again when that ends.
void Topologies::Impl::wake_when_it_matters() {
    for (const std::string& id : supply.expected) {
        const auto heard = book.heard(id);
        const auto until = returning_until.find(id);
        wake_at(std::max({grace_until, heard ? *heard + task_timeout : 0,
                          until == returning_until.end() ? 0 : until->second}) +
                1);
    }
    for (const std::string& id : supply.missed) wake_at(lost_since.at(id) + kShrinkAfter);
    for (const auto& [id, since] : back_since) wake_at(since + kSteadyAfter);
}

Led* Topologies::Impl::find(const std::string& name) {
    for (auto& [id, known] : led) {
        if (known.record.name == name) return &known;
    }
    return nullptr;
}

void Topologies::Impl::submit(Submission submission, const Submitted& done) {
    if (!leading()) return done({}, not_leader());
    if (in_doubt) {
        const auto again = std::make_shared<Submission>(std::move(submission));
        return hold([this, again, done] { submit(std::move(*again), done); },
                    [done](const std::optional<Refusal>& refused) { done({}, refused); });
    }
    const std::string name = submission.record.name;
    if (find(name) != nullptr) return done({}, refusal(Write::kNameTaken, '"' + name + '"'));
    const auto pending = std::count_if(led.begin(), led.end(),
                                       [](const auto& entry) { return entry.second.pending; });
    if (static_cast<std::size_t>(pending) >= kSubmitsMax) {
        return done({}, Refusal{Kind::kUnavailable, "too many topologies are being submitted",
                                "try again"});
    }
    Led made;
    made.record = std::move(submission.record);
    made.description = std::move(submission.description);
    note_wishes(made);
    made.record.submitted_ms = wall.now_ms();
    made.record.id = name + '-' + std::to_string(next_number++) + '-' +
                     std::to_string(made.record.submitted_ms / 1000);
    made.record.secret = make_secret();
    made.assignment.topology = made.record.id;
    made.assignment.status = made.record.status;
    made.pending = true;
    const std::string id = made.record.id;
    std::erase_if(unsure, [&](const auto& each) { return each.first == name; });
    led.emplace(id, std::move(made));
    const std::vector<Led*> order = wanting();
    const std::vector<Placement> placements = schedule(demands_of(order), supply);
    Led& placed = led.at(id);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i] == &placed) take(placed, placements[i]);
    }
    placed.epoch_given = placed.assignment.epoch;
    writing(placed);
    state.create_topology(
        *term, placed.record, placed.assignment,
        [weak = weak_from_this(), round_then = round, id, copy = placed, done](Write outcome) {
            const auto self = weak.lock();
            if (!self) return;
            if (self->round != round_then) return done({}, refusal(Write::kUnknown, id));
            self->created(outcome, id, copy, done);
        });
}

void Topologies::Impl::created(Write outcome, const std::string& id, const Led& made,
                               const Submitted& done) {
    if (outcome != Write::kDone) {
        led.erase(id);
        if (outcome == Write::kUnknown) {
            written(id, outcome);
        } else {
            write_failed(outcome, id);  // It is not there, so what is known is right.
        }
        return done({}, refusal(outcome, '"' + made.record.name + '"'));
    }
    Led& known = led.at(id);
    known.pending = false;
    base::log::info("submitted",
                    {{"topology", id},
                     {"workers", static_cast<std::int64_t>(known.assignment.workers.size())}});
    written(id, outcome);
    done(id, std::nullopt);
}

void Topologies::Impl::request(const std::string& name, const Answered& done,
                               const std::function<base::Result<Fate>(const Led&)>& change) {
    if (!leading()) return done(not_leader());
    Led* const known = find(name);
    // What is being written may fail: no answer builds on it.
    if (in_doubt || (known != nullptr && known->writing)) {
        return hold([this, name, done, change] { request(name, done, change); }, done);
    }
    if (known == nullptr) return done(refusal(Write::kNotFound, '"' + name + '"'));
    const auto next = change(*known);
    if (!next) return done(Refusal{Kind::kConflict, next.error().message});
    if (*next == fate_of(known->record)) return done(std::nullopt);
    if (known->stored == Led::Stored::kMissing) return kill_missing(*known, *next, done);
    set_fate_of(*known, *next, done);
}

/// Killing it is all that can be done: the mark of its removal is made, by which it ends.
void Topologies::Impl::kill_missing(Led& known, const Fate& fate, const Answered& done) {
    const std::string id = known.record.id, name = known.record.name;
    set_fate(known.record, fate);
    writing(known);
    state.remove_topology(
        *term, id, name,
        [weak = weak_from_this(), round_then = round, id, name, done](Write outcome) {
            const auto self = weak.lock();
            if (!self) return;
            if (self->round == round_then) {
                if (outcome == Write::kDone) {
                    self->removed.try_emplace(id, self->loop.now());
                    self->vanished.erase(id);
                }
                self->written(id, outcome);
                self->remove_what_is_over();
            }
            if (outcome == Write::kDone) return done(std::nullopt);
            done(refusal(outcome, '"' + name + '"'));
        });
    end_wait(fate);
}

void Topologies::Impl::set_fate_of(Led& known, const Fate& fate, const Answered& done) {
    base::log::info("status changes", {{"topology", known.record.id},
                                       {"from", cluster::to_string(known.record.status)},
                                       {"to", cluster::to_string(fate.status)}});
    set_fate(known.record, fate);
    Assignment& assignment = known.assignment;
    assignment.epoch = next_epoch(known);
    known.epoch_given = assignment.epoch;
    set_status(assignment, fate);
    writing(known);
    const auto settled = [weak = weak_from_this(), round_then = round, id = known.record.id,
                          name = known.record.name, done, stored = known.stored](Write outcome) {
        const auto self = weak.lock();
        if (!self) return;
        // Of what cannot be read, an assignment may lack.
        if (stored == Led::Stored::kUnreadable && outcome == Write::kNotFound) {
            outcome = Write::kDone;
        }
        if (self->round == round_then) {
            self->written(id, outcome);
            self->remove_what_is_over();
        }
        if (outcome == Write::kDone) return done(std::nullopt);
        done(refusal(outcome, '"' + name + '"'));
    };
    if (known.stored == Led::Stored::kGood) {
        state.update(*term, known.record, known.assignment, settled);
    } else {
        state.set_assignment(*term, known.assignment, settled);
    }
    if (fate.status == Status::kKilled) end_wait(fate);
}

/// Looks again when a kill is over by time alone.
void Topologies::Impl::end_wait(const Fate& fate) {
    const std::int64_t left_ms = over_at_ms(fate) - wall.now_ms();
    after(std::max<std::int64_t>(left_ms, 0) * base::kMicrosPerMilli,
          [](Impl& self) { self.remove_what_is_over(); });
}

void Topologies::Impl::remove_what_is_over() {
    if (!may_decide()) return;
    const std::int64_t now_ms = wall.now_ms();
    for (auto& [id, known] : led) {
        if (known.record.status != Status::kKilled || known.writing) continue;
        const std::vector<std::string> running = may_run(known);
        const bool expected = std::any_of(
            known.assignment.workers.begin(), known.assignment.workers.end(),
            [&](const cluster::WorkerSlot& slot) { return may_run(known, slot, true); });
        if (!is_over(fate_of(known.record), !expected, now_ms)) continue;
        if (!running.empty()) note_unsure(known.record.name, running);
        writing(known);
        state.remove_topology(*term, id, known.record.name,
                              in_term([id = id](Impl& self, Write outcome) {
                                  if (outcome == Write::kDone) {
                                      base::log::info("removed", {{"topology", id}});
                                      self.removed.try_emplace(id, self.loop.now());
                                      self.led.erase(id);
                                      self.vanished.erase(id);
                                      self.book.forget_topology(id);
                                      self.unwritten_errors.erase(id);
                                  }
                                  self.written(id, outcome);
                              }));
    }
}

/// Whether it may be that its process lives; `told`: of Supervisors that are there, for the others
/// say nothing any more.
bool Topologies::Impl::may_run(const Led& known, const cluster::WorkerSlot& slot, bool told) const {
    if (told && !is_present(slot.supervisor)) return false;
    const std::int64_t age_ms = wall.now_ms() - known.record.killed_ms;
    const base::Micros noticed = loop.now() - age_ms * base::kMicrosPerMilli + kKillNoticed;
    return book.may_have_process(known.assignment.topology, slot, noticed);
}

std::vector<std::string> Topologies::Impl::may_run(const Led& known) const {
    std::vector<std::string> running;
    for (const cluster::WorkerSlot& slot : known.assignment.workers) {
        if (!may_run(known, slot, false)) continue;
        running.push_back("worker " + std::to_string(slot.number) + " on " + slot.host + ':' +
                          std::to_string(slot.port));
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
    const Fate fate = fate_of(known.record);
    if (!may_decide() || known.writing || is_left_alone(known) || !is_running(fate) ||
        !book.all_finished(known.assignment)) {
        return;
    }
    set_fate_of(known, finish(fate), [](const std::optional<Refusal>&) {});
}

std::optional<Refusal> Topologies::Impl::take_report(cluster::SupervisorReport report) {
    if (!leading()) return not_leader();
    const bool known_already = book.heard(report.supervisor).has_value();
    const auto present = [this](const std::string& id) { return is_present(id); };
    if (!known_already && book.reports().size() >= kReportsMax &&
        !book.forget_one_absent(present)) {
        return Refusal{Kind::kUnavailable,
                       "there are reports of " + std::to_string(kReportsMax) + " Supervisors"};
    }
    ++counters.reports;
    const bool was_present = is_present(report.supervisor);
    auto& workers = report.workers;
    for (const cluster::WorkerStatus& worker : workers) {
        const auto known = led.find(worker.topology);
        if (known == led.end() || known->second.stored == Led::Stored::kMissing) {
            found_running(worker, report);
        } else {
            note_older(known->second, worker);
        }
    }
    workers.erase(std::remove_if(workers.begin(), workers.end(),
                                 [this](const cluster::WorkerStatus& worker) {
                                     return led.count(worker.topology) == 0;
                                 }),
                  workers.end());
    std::set<std::string> told_of;
    for (const cluster::WorkerStatus& worker : workers) told_of.insert(worker.topology);
    add_errors(book.take(std::move(report), loop.now(), wall.now_ms()));
    if (!was_present) schedule_soon();
    for (const std::string& id : told_of) {
        if (const auto known = led.find(id); known != led.end()) finish_if_ended(known->second);
    }
    remove_what_is_over();
    return std::nullopt;
}

void Topologies::Impl::add_errors(ReportBook::News&& news) {
    for (auto& [topology, error] : news) {
        if (error.error.size() > cluster::kErrorBytesMax) {
            error.error.resize(cluster::kErrorBytesMax);
        }
        auto& list = unwritten_errors[topology];
        list.push_back(std::move(error));
        if (list.size() > cluster::kTopologyErrorsMax) list.erase(list.begin());
    }
    if (!errors_waiting) write_errors();
}

void Topologies::Impl::write_errors() {
    errors_waiting = false;
    if (unwritten_errors.empty() || !leading()) return;
    for (auto& [topology, list] : unwritten_errors) {
        state.add_errors(*term, topology, std::move(list),
                         in_term([id = topology](Impl& self, Write outcome) {
                             if (outcome != Write::kDone && outcome != Write::kNotFound) {
                                 self.write_failed(outcome, "errors of " + id);
                             }
                         }));
    }
    unwritten_errors.clear();
    errors_waiting = true;
    after(kErrorsInterval, [](Impl& self) { self.write_errors(); });
}

Topologies::Topologies(cluster::ClusterState& state, cluster::EventLoop& loop,
                       const base::WallClock& wall, base::Micros task_timeout, CurrentTerm term,
                       MakeSecret secret)
    : impl_(std::make_shared<Impl>(state, loop, wall, task_timeout, std::move(term),
                                   std::move(secret))) {
    impl_->follow();
}

Topologies::~Topologies() = default;

void Topologies::begin_term(const cluster::Term& term) {
    impl_->stop_leading();
    impl_->begin(term);
}

void Topologies::end_term() {
    if (impl_->term) base::log::info("no longer leading");
    impl_->stop_leading();
}

void Topologies::connection_lost() {
    impl_->grace_until = impl_->loop.now() + kReturnGrace;
}

void Topologies::saw_leader(const cluster::Leadership& leader) {
    impl_->saw_leader(leader);
}

std::vector<std::string> Topologies::problems() const {
    std::vector<std::string> problems;
    if (!impl_->went_back.empty()) {
        problems.push_back(
            "ZooKeeper is older than it was, as if it had been emptied or restored: " +
            impl_->went_back);
    }
    std::map<std::string_view, std::string> names;
    for (const TopologyView& view : all()) {
        if (view.state != "MISSING" && view.state != "UNREADABLE") continue;
        std::string& all = names[view.state];
        all += (all.empty() ? "" : ", ") + view.record.name;
    }
    for (const auto& [state, which] : names) {
        problems.push_back("topologies are " + std::string(state) + ": " + which +
                           "; `storm status` says more");
    }
    return problems;
}

void Topologies::submit(Submission submission, const Submitted& done) {
    impl_->submit(std::move(submission), std::move(done));
}

void Topologies::activate(const std::string& name, const Answered& done) {
    impl_->request(name, done, [](const Led& known) -> base::Result<Fate> {
        if (is_left_alone(known)) return base::Error{"cannot activate it: " + known.notes.at(0)};
        return nimbus::activate(fate_of(known.record));
    });
}

void Topologies::deactivate(const std::string& name, const Answered& done) {
    impl_->request(name, done, [](const Led& known) -> base::Result<Fate> {
        if (is_left_alone(known)) return base::Error{"cannot deactivate it: " + known.notes.at(0)};
        return nimbus::deactivate(fate_of(known.record));
    });
}

void Topologies::kill(const std::string& name, std::optional<std::int64_t> wait_ms,
                      const Answered& done) {
    const std::int64_t now_ms = impl_->wall.now_ms();
    impl_->request(name, done, [wait_ms, now_ms](const Led& known) -> base::Result<Fate> {
        const std::int64_t wait =
            wait_ms ? *wait_ms : setting(known.record, "topology.message.timeout.secs") * 1000;
        return nimbus::kill(fate_of(known.record), wait, now_ms);
    });
}

std::optional<Refusal> Topologies::report(cluster::SupervisorReport report) {
    return impl_->take_report(std::move(report));
}

bool Topologies::leading() const {
    return impl_->leading();
}

std::vector<TopologyView> Topologies::all() const {
    static const Assignment kNone;
    static const cluster::Description kNothing;
    static const std::vector<std::string> kNoTexts;
    static const std::vector<std::string> kUnreadable = {
        why_unreadable("the log of this Nimbus says why")};
    std::vector<TopologyView> views;
    if (leading()) {
        for (const auto& [id, known] : impl_->led) {
            if (known.pending) continue;
            views.push_back({known.record, known.description, state_of(known), known.assignment,
                             known.unassigned, known.notes});
        }
        return views;
    }
    const auto assignment_of = [this](const std::string& id) -> const Assignment& {
        const auto at = impl_->assignments.find(id);
        return at == impl_->assignments.end() ? kNone : at->second;
    };
    for (const auto& [id, record] : impl_->topologies) {
        views.push_back({record, impl_->descriptions.at(id), cluster::to_string(record.status),
                         assignment_of(id), kNoTexts, kNoTexts});
    }
    for (const auto& [id, record] : impl_->unreadable) {
        views.push_back({record, kNothing, "UNREADABLE", assignment_of(id), kNoTexts, kUnreadable});
    }
    return views;
}

const Assignment* Topologies::assignment(const std::string& id) const {
    const auto at = impl_->assignments.find(id);
    return at == impl_->assignments.end() ? nullptr : &at->second;
}

void Topologies::asked(const std::string& id, std::uint32_t worker) {
    const base::Micros now = impl_->loop.now();
    auto& asked = impl_->asked;
    std::erase_if(asked, [now](const auto& each) { return now - each.second > kAskedLately; });
    if (asked.size() < kAskersMax) asked[{id, worker}] = now;
}

bool Topologies::is_asking(const std::string& id, std::uint32_t worker) const {
    const auto at = impl_->asked.find({id, worker});
    return at != impl_->asked.end() && impl_->loop.now() - at->second <= kAskedLately;
}

bool Topologies::was_removed(const std::string& id) const {
    return leading() && impl_->removed.contains(id);
}

const std::map<std::string, cluster::SupervisorRecord>& Topologies::supervisors() const {
    return impl_->supervisors;
}

bool Topologies::is_silent(const std::string& supervisor) const {
    return impl_->leading() && impl_->silent_for(supervisor) > kReportsUnknown;
}

std::string Topologies::may_still_run(const std::string& name) const {
    for (const auto& [removed, workers] : impl_->unsure) {
        if (removed == name) return workers;
    }
    return {};
}

bool Topologies::is_present(const std::string& supervisor) const {
    return impl_->is_present(supervisor);
}

const std::map<std::string, cluster::TopologyErrors>& Topologies::errors() const {
    return impl_->errors;
}

const ReportBook& Topologies::book() const {
    return impl_->book;
}

const TopologyCounters& Topologies::counters() const {
    return impl_->counters;
}

bool Topologies::all_can_be_read() const {
    return impl_->topologies_known && impl_->state.unreadable_topologies().empty() &&
           impl_->went_back.empty();
}

std::optional<std::set<std::string>> Topologies::blobs_in_use() const {
    if (!impl_->topologies_known) return std::nullopt;
    std::set<std::string> used;
    for (const auto& [id, record] : impl_->topologies) {
        for (const cluster::Artifact& artifact : record.artifacts) used.insert(artifact.sha256);
    }
    for (const auto& [id, known] : impl_->led) {
        for (const cluster::Artifact& artifact : known.record.artifacts) {
            used.insert(artifact.sha256);
        }
    }
    return used;
}

}  // namespace storm::nimbus
