// The implementation of Topologies, for its own files only:
//
//     topologies_impl.cc   what others ask: requests, and what is known
//     term.cc              a term begins, is read, goes wrong, ends; what ZooKeeper has is mended
//     placing.cc           events become assignments
//     removal.cc           topologies are killed, finish, and go
//     rebalance.cc         topologies are spread anew
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nimbus/scheduler/even_scheduler.h"
#include "nimbus/topology_store/followed_topologies.h"
#include "nimbus/topology_store/led_topology.h"
#include "nimbus/topology_store/report_book.h"
#include "nimbus/topology_store/supervisor_presence.h"
#include "nimbus/topology_store/topologies.h"
#include "nimbus/topology_store/unwritten_errors.h"

namespace storm::nimbus {

/// Translates the failure of a write.
Refusal refusal(coordination::Write outcome, const std::string& what);

struct Topologies::Impl : std::enable_shared_from_this<Impl> {
    Impl(coordination::ClusterState& given_state, base::EventLoop& given_loop,
         const base::WallClock& given_wall, base::Micros task_timeout, CurrentTerm given_term,
         const cluster::Seal& given_seal);

    void follow_supervisors();
    void begin(const coordination::Term& given);
    void load();
    void loaded(const coordination::ClusterSnapshot& snapshot);
    void read_unreadable(const coordination::ClusterSnapshot& snapshot,
                         std::map<std::string, Led>& read);
    void note_drains(std::map<std::string, Led>& read) const;
    void read_assignment(const coordination::ClusterSnapshot& snapshot, Led& made);
    void keep_missing(const coordination::ClusterSnapshot& snapshot,
                      std::map<std::string, Led>& read);
    /// Notes a worker of an unknown topology.
    void found_running(const cluster::WorkerStatus& worker, const cluster::SupervisorReport& by);
    void mend_unreadable();
    void note_older(Led& known, const cluster::WorkerStatus& worker);
    void mend_older(Led& known);
    void sweep_removals();
    void sweep_old_removals();
    void write_again(Led& known, const std::string& why);
    void note_written_again(const std::string& id, const std::string& why);
    void saw_leader(const cluster::Leadership& leader);
    void store_went_back(const std::string& how);
    void reload_soon();
    bool leading() const;
    /// Leads, and its memory is what ZooKeeper has, or will have once pending writes are settled.
    bool may_decide() const { return leading() && !in_doubt; }
    /// To be called before a write of a topology. After it is settled: written().
    void writing(Led& known);
    void written(const std::string& id, coordination::Write outcome);
    void write_failed(coordination::Write outcome, const std::string& what);
    void write_assignment(Led& known);
    /// Holds a request until decisions are possible; then `call` comes again.
    void hold(std::function<void()> call, const Answered& refuse);
    void release_held();
    void stop_leading();
    /// Makes a callback that does nothing after the end of the present term.
    template <typename Call>
    auto in_term(Call call);
    template <typename Call>
    void after(base::Micros delay, Call call);

    void schedule_soon();
    void schedule_all();
    /// Topologies that lack places for some workers, in the order of submission; afterwards
    /// `supply` has what they can get.
    std::vector<Led*> wanting();
    /// Whether all of its workers have their places. Notes the Supervisors of those that do not.
    bool has_its_places(const Led& known);
    static Demand demand_of(const Led& known);
    static bool is_settled(const Led& known);
    static std::vector<Demand> demands_of(const std::vector<Led*>& order);
    void take(Led& known, const Placement& placement);
    /// Places all, in their order, so that this one takes no slot of an earlier one; but only its
    /// own placement is used.
    void place(Led& known);
    void wake_at(base::Micros when);
    void look_at_silent();
    void supervisors_changed(const std::set<std::string>& touched);

    /// Finds it by name or by id.
    Led* find(const std::string& name);
    void submit(Submission submission, const Submitted& done);
    void created(coordination::Write outcome, const std::string& id, const Led& made,
                 const Submitted& done);
    using Changed = std::variant<Fate, Refusal>;
    void request(const std::string& name, const Answered& done,
                 const std::function<Changed(const Led&)>& change);
    void set_fate_of(Led& known, const Fate& fate, const Answered& done);
    std::optional<Refusal> take_report(cluster::SupervisorReport report);
    void end_wait(const Led& known);
    /// The mark of its removal, to be written.
    cluster::Removal mark_of(const Led& known) const;
    /// The mark of its removal is written.
    void was_removed(const std::string& id, const cluster::Removal& mark);
    void note_removal(const std::string& id, const cluster::Removal& mark);
    /// Removes killed topologies whose workers are gone, and spreads rebalanced ones anew.
    void look_at_draining();
    void remove(Led& known);
    void spread_anew(Led& known);
    void cannot_rebalance(const std::string& id);
    bool may_run(const Led& known, const cluster::WorkerSlot& slot, bool told) const;
    std::vector<std::string> may_run(const Led& known) const;
    void note_unsure(const std::string& name, const std::vector<std::string>& running);
    void finish_if_ended(Led& known);
    void add_errors(ReportBook::News&& news);
    void write_errors();

    Refusal not_leader() const {
        return {Refusal::Kind::kNotLeader, "this Nimbus does not lead, or not yet"};
    }

    coordination::ClusterState& state;
    base::EventLoop& loop;
    const base::WallClock& wall;
    const CurrentTerm current_term;
    const cluster::Seal& seal;

    ReportBook book;
    SupervisorPresence presence;
    FollowedTopologies followed;
    cluster::Leadership last_leader;  // The highest epoch seen.
    std::string went_back;  // Why ZooKeeper must have gone back to older data; empty: it has not.
    bool surely_went_back = false;  // Not just a read from a server that lagged behind.

    /// Time of each worker's last question for itself.
    std::map<std::pair<std::string, std::uint32_t>, base::Micros> asked;
    base::Micros askers_swept = 0;

    // ---- While leading.
    std::optional<coordination::Term> term;
    std::uint64_t round = 0;                 // Grows at the beginning and the end of each term.
    std::optional<std::uint64_t> own_epoch;  // Epoch of the last term of this process.
    std::vector<std::string> to_write;       // Topologies whose assignment could not be read.
    bool is_loaded = false;
    bool in_doubt = false;  // A write failed; nothing is decided until everything is read again.
    bool reloading = false;
    base::Micros loaded_at = -1;  // -1: not in this term.
    struct Held {
        std::function<void()> call;
        Answered refuse;
    };
    std::vector<Held> held;
    std::map<std::string, Led> led;
    // Assignments without a topology. Their workers may run, so their slots stay taken.
    std::vector<cluster::Assignment> orphans;
    std::uint64_t next_number = 1;
    Supply supply;  // Live Supervisors that report; the rest is of the last run.
    struct Removed {
        base::Micros since = 0;  // When this leader first saw the mark in this term.
        std::optional<std::string> answer_key;
    };
    std::map<std::string, Removed> removed;
    std::set<std::string> too_large;  // Their rebalance could not be written as asked.
    // Removed although the end of these workers was not confirmed; the last kUnsureKept.
    std::deque<std::pair<std::string, std::string>> unsure;
    bool scheduling = false;        // It will be done soon.
    base::Micros armed_until = -1;  // Time at which a timer fires; -1: none.
    UnwrittenErrors errors;
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

}  // namespace storm::nimbus
