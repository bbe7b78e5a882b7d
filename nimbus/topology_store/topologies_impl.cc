#include "nimbus/topology_store/topologies_impl.h"

#include "base/check.h"
#include "base/log.h"
#include "nimbus/limits.h"

namespace storm::nimbus {

using cluster::Assignment;
using coordination::Write;
using Kind = Refusal::Kind;

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

namespace {

/// The change, if there is one; else why there is none.
std::variant<Fate, Refusal> unless_left_alone(const Led& known, const std::string& verb,
                                              const base::Result<Fate>& next) {
    if (is_left_alone(known))
        return Refusal{Kind::kConflict, "cannot " + verb + " it: " + known.notes.at(0)};
    if (!next) return Refusal{Kind::kConflict, next.error().message};
    return *next;
}

/// Whether another worker comes, or has come, after this one.
bool is_succeeded(const Led& known, const cluster::WorkerStatus& worker) {
    if (known.record.status == cluster::Status::kRebalancing) return true;
    if (!is_running(fate_of(known.record))) return false;
    const auto& slots = known.assignment.workers;
    return std::none_of(slots.begin(), slots.end(), [&](const cluster::WorkerSlot& slot) {
        return slot.number == worker.number && slot.epoch == epoch_of(worker);
    });
}

/// Successors of its spouts may emit them again.
void forget_unreplayed(cluster::WorkerReport& report) {
    for (cluster::ComponentReport& component : report.components) component.losses.unreplayed = 0;
}

/// Milliseconds for draining.
std::int64_t wait_of(const Led& known, std::optional<std::int64_t> asked_ms) {
    return asked_ms ? *asked_ms : setting(known.record, "topology.message.timeout.secs") * 1000;
}

}  // namespace

Topologies::Impl::Impl(coordination::ClusterState& given_state, base::EventLoop& given_loop,
                       const base::WallClock& given_wall, base::Micros task_timeout,
                       CurrentTerm given_term, const cluster::Seal& given_seal)
    : state(given_state),
      loop(given_loop),
      wall(given_wall),
      current_term(std::move(given_term)),
      seal(given_seal),
      presence(book, task_timeout),
      followed(state, loop, seal, [this] { mend_unreadable(); }) {}

/// A name is not unique here: one that ZooKeeper has lost may run beside its successor.
Led* Topologies::Impl::find(const std::string& name) {
    Led* found = nullptr;
    Fit best = Fit::kNone;
    for (auto& [id, known] : led) {
        const Fit fit = fit_of(name, known.record, known.stored == Led::Stored::kMissing);
        if (fit <= best) continue;
        best = fit;
        found = &known;
    }
    return found;
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
    made.record.secret = seal.new_secret();
    made.assignment.topology = made.record.id;
    made.assignment.status = made.record.status;
    made.pending = true;
    // In memory before it is written, and until the answer `pending`: a second submission of the
    // name is refused meanwhile, and the slots are taken.
    const std::string id = made.record.id;
    std::erase_if(unsure, [&](const auto& each) { return each.first == name; });
    led.emplace(id, std::move(made));
    Led& placed = led.at(id);
    place(placed);
    writing(placed);
    state.create_topology(
        *term, placed.record, placed.assignment,
        [weak = weak_from_this(), round_then = round, id, copy = placed, done](Write outcome) {
            const auto self = weak.lock();
            if (!self) return;
            // The term is over, and what it has written is known only to the next one.
            if (self->round != round_then) return done({}, refusal(Write::kUnknown, id));
            self->created(outcome, id, copy, done);
        });
}

void Topologies::Impl::created(Write outcome, const std::string& id, const Led& made,
                               const Submitted& done) {
    if (outcome != Write::kDone) {
        // If it exists all the same, the reading that follows finds it.
        led.erase(id);
        if (outcome == Write::kUnknown) {
            written(id, outcome);
        } else {
            write_failed(outcome, id);  // It does not exist in ZooKeeper, so our memory is right.
        }
        return done({}, refusal(outcome, '"' + made.record.name + '"'));
    }
    Led& known = led.at(id);
    STORM_CHECK(known.pending && known.writing, "nothing is decided about it until it is created");
    known.pending = false;
    base::log::info("submitted",
                    {{"topology", id},
                     {"workers", static_cast<std::int64_t>(known.assignment.workers.size())}});
    // Before the answer, after which the user may kill it at once.
    written(id, outcome);
    done(id, std::nullopt);
}

void Topologies::Impl::request(const std::string& name, const Answered& done,
                               const std::function<Changed(const Led&)>& change) {
    if (!leading()) return done(not_leader());
    Led* const known = find(name);
    // A pending write may fail, so no answer builds on it.
    if (in_doubt || (known != nullptr && known->writing)) {
        // As a whole, with its check: by then the topology may be another, or gone.
        return hold([this, name, done, change] { request(name, done, change); }, done);
    }
    if (known == nullptr) return done(refusal(Write::kNotFound, '"' + name + '"'));
    const Changed changed = change(*known);
    if (const auto* const refused = std::get_if<Refusal>(&changed)) return done(*refused);
    const Fate& next = std::get<Fate>(changed);
    if (next == fate_of(known->record)) return done(std::nullopt);
    set_fate_of(*known, next, done);
}

/// Reports are the only knowledge of processes, they go to the leader alone, and are kept in
/// memory: a new leader knows nothing of processes before each Supervisor has reported to it.
std::optional<Refusal> Topologies::Impl::take_report(cluster::SupervisorReport report) {
    if (!leading()) return not_leader();
    const bool known_already = book.heard(report.supervisor).has_value();
    const auto present = [this](const std::string& id) {
        return presence.is_present(id, loop.now());
    };
    if (!known_already && book.reports().size() >= kReportsMax &&
        !book.forget_one_absent(present)) {
        return Refusal{Kind::kUnavailable,
                       "there are reports of " + std::to_string(kReportsMax) + " Supervisors"};
    }
    ++counters.reports;
    // Before the book has the report, which makes its Supervisor present.
    const bool was_present = presence.is_present(report.supervisor, loop.now());
    auto& workers = report.workers;
    for (cluster::WorkerStatus& worker : workers) {
        const auto known = led.find(worker.topology);
        if (known == led.end() || known->second.stored == Led::Stored::kMissing) {
            found_running(worker, report);
        } else {
            keep_own(known->second, worker.report);
            if (is_succeeded(known->second, worker)) forget_unreplayed(worker.report);
            note_older(known->second, worker);
        }
    }
    // Topologies that found_running() did not take, since they were removed or there are too many,
    // are in no book either: strangers' reports must not grow it.
    workers.erase(std::remove_if(workers.begin(), workers.end(),
                                 [this](const cluster::WorkerStatus& worker) {
                                     return led.count(worker.topology) == 0;
                                 }),
                  workers.end());
    std::set<std::string> told_of;
    for (const cluster::WorkerStatus& worker : workers) told_of.insert(worker.topology);
    add_errors(book.take(std::move(report), loop.now(), wall.now_ms()));
    STORM_CHECK(book.reports().size() <= kReportsMax, "a report too many is refused");
    if (!was_present) schedule_soon();
    for (const std::string& id : told_of) {
        if (const auto known = led.find(id); known != led.end()) finish_if_ended(known->second);
    }
    look_at_draining();
    return std::nullopt;
}

void Topologies::Impl::add_errors(ReportBook::News&& news) {
    for (auto& [id, error] : news) {
        if (const auto known = led.find(id); known != led.end()) keep_own(known->second, error);
    }
    errors.add(std::move(news));
    if (!errors_waiting) write_errors();
}

void Topologies::Impl::write_errors() {
    errors_waiting = false;
    if (errors.empty() || !leading()) return;
    for (const auto& [topology, list] : errors.take()) {
        state.add_errors(*term, topology, list, in_term([id = topology](Impl& self, Write outcome) {
            if (outcome != Write::kDone && outcome != Write::kNotFound) {
                // First, for the end of the term forgets them all.
                self.errors.not_written(id);
                self.write_failed(outcome, "errors of " + id);
            }
        }));
    }
    errors_waiting = true;
    after(kErrorsInterval, [](Impl& self) { self.write_errors(); });
}

Topologies::Topologies(coordination::ClusterState& state, base::EventLoop& loop,
                       const base::WallClock& wall, base::Micros task_timeout, CurrentTerm term,
                       const cluster::Seal& seal)
    : impl_(std::make_shared<Impl>(state, loop, wall, task_timeout, std::move(term), seal)) {
    impl_->follow_supervisors();
}

Topologies::~Topologies() = default;

void Topologies::begin_term(const coordination::Term& term) {
    impl_->stop_leading();
    impl_->begin(term);
}

void Topologies::end_term() {
    if (impl_->term) base::log::info("no longer leading");
    impl_->stop_leading();
}

void Topologies::connection_lost() {
    impl_->presence.expect_all(impl_->loop.now());
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
    impl_->submit(std::move(submission), done);
}

void Topologies::activate(const std::string& name, const Answered& done) {
    impl_->request(name, done, [](const Led& known) {
        return unless_left_alone(known, "activate", nimbus::activate(fate_of(known.record)));
    });
}

void Topologies::deactivate(const std::string& name, const Answered& done) {
    impl_->request(name, done, [](const Led& known) {
        return unless_left_alone(known, "deactivate", nimbus::deactivate(fate_of(known.record)));
    });
}

void Topologies::kill(const std::string& name, std::optional<std::int64_t> wait_ms,
                      const Answered& done) {
    const std::int64_t now_ms = impl_->wall.now_ms();
    impl_->request(name, done, [wait_ms, now_ms](const Led& known) -> Impl::Changed {
        return nimbus::kill(fate_of(known.record), wait_of(known, wait_ms), now_ms);
    });
}

void Topologies::rebalance(const std::string& name, std::optional<std::int64_t> wait_ms,
                           const cluster::Rebalance& asked, const Answered& done) {
    impl_->request(name, done, [wait_ms, asked](const Led& known) -> Impl::Changed {
        const std::string fault =
            is_left_alone(known) ? "" : fault_of_executors(asked.executors, known.description);
        if (!fault.empty()) return Refusal{Kind::kInvalid, fault};
        return unless_left_alone(
            known, "rebalance",
            nimbus::rebalance(fate_of(known.record), wait_of(known, wait_ms), asked));
    });
}

std::optional<Refusal> Topologies::report(cluster::SupervisorReport report) {
    return impl_->take_report(std::move(report));
}

bool Topologies::leading() const {
    return impl_->leading();
}

/// A follower shows what ZooKeeper tells it, which may be a moment old. Reasons, and topologies
/// that are missing, only a leader knows; the API names it to whoever asks.
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
        const auto at = impl_->followed.assignments().find(id);
        return at == impl_->followed.assignments().end() ? kNone : at->second;
    };
    for (const auto& [id, record] : impl_->followed.topologies()) {
        views.push_back({record, impl_->followed.description(id), cluster::to_string(record.status),
                         assignment_of(id), kNoTexts, kNoTexts});
    }
    for (const auto& [id, record] : impl_->followed.unreadable()) {
        views.push_back({record, kNothing, "UNREADABLE", assignment_of(id), kNoTexts, kUnreadable});
    }
    return views;
}

std::optional<TopologyView> Topologies::topology(const std::string& name) const {
    std::optional<TopologyView> found;
    Fit best = Fit::kNone;
    for (const TopologyView& view : all()) {
        const Fit fit = fit_of(name, view.record, view.state == "MISSING");
        if (fit <= best) continue;
        best = fit;
        found.emplace(view);
    }
    return found;
}

const WrittenAssignment* Topologies::assignment(const std::string& id) {
    return impl_->followed.written_assignment(id);
}

void Topologies::asked(const std::string& id, std::uint32_t worker) {
    // Anybody may ask for anything: only workers that there are have a place here.
    const auto found = impl_->followed.assignments().find(id);
    if (found == impl_->followed.assignments().end()) return;
    const auto& workers = found->second.workers;
    const auto is_it = [worker](const cluster::WorkerSlot& slot) { return slot.number == worker; };
    if (std::none_of(workers.begin(), workers.end(), is_it)) return;
    const base::Micros now = impl_->loop.now();
    if (now - impl_->askers_swept > kAskedLately) {  // Not each time: it walks over all.
        std::erase_if(impl_->asked,
                      [now](const auto& each) { return now - each.second > kAskedLately; });
        impl_->askers_swept = now;
    }
    impl_->asked[{id, worker}] = now;
}

bool Topologies::is_asking(const std::string& id, std::uint32_t worker) const {
    const auto at = impl_->asked.find({id, worker});
    return at != impl_->asked.end() && impl_->loop.now() - at->second <= kAskedLately;
}

bool Topologies::was_removed(const std::string& id) const {
    return leading() && impl_->removed.contains(id);
}

const std::string* Topologies::answer_key(const std::string& id) const {
    if (const std::string* const key = impl_->followed.answer_key(id)) return key;
    const auto gone = impl_->removed.find(id);
    const bool has_key = gone != impl_->removed.end() && gone->second.answer_key;
    return has_key ? &*gone->second.answer_key : nullptr;
}

const std::map<std::string, cluster::SupervisorRecord>& Topologies::supervisors() const {
    return impl_->presence.records();
}

bool Topologies::is_silent(const std::string& supervisor) const {
    return impl_->leading() &&
           impl_->presence.silent_for(supervisor, impl_->loop.now()) > kReportsUnknown;
}

std::string Topologies::may_still_run(const std::string& name) const {
    for (const auto& [removed, workers] : impl_->unsure) {
        if (removed == name) return workers;
    }
    return {};
}

bool Topologies::is_present(const std::string& supervisor) const {
    return impl_->presence.is_present(supervisor, impl_->loop.now());
}

std::vector<cluster::TopologyError> Topologies::errors(const std::string& id) const {
    const auto& told = impl_->followed.errors();
    const auto at = told.find(id);
    auto all = at == told.end() ? std::vector<cluster::TopologyError>() : at->second.errors;
    impl_->errors.add_to(all, id);
    return all;
}

const ReportBook& Topologies::book() const {
    return impl_->book;
}

const TopologyCounters& Topologies::counters() const {
    return impl_->counters;
}

bool Topologies::all_can_be_read() const {
    return impl_->followed.known() && impl_->state.unreadable_topologies().empty() &&
           impl_->went_back.empty();
}

/// Both, what is followed and what is led: the one lags behind what this leader has just created,
/// the other is empty on a follower. A user too many only keeps a blob for longer.
std::optional<BlobUsers> Topologies::blobs_in_use() const {
    if (!impl_->followed.known()) return std::nullopt;
    BlobUsers users;
    const auto add = [&users](const std::string& id, const cluster::TopologyRecord& record) {
        for (const cluster::Artifact& artifact : record.artifacts) {
            users[artifact.sha256].insert(id);
        }
    };
    for (const auto& [id, record] : impl_->followed.topologies()) add(id, record);
    for (const auto& [id, known] : impl_->led) add(id, known.record);
    return users;
}

}  // namespace storm::nimbus
