// One topology as the leading Nimbus knows it, with the decisions that depend on it alone.
//
//     pending ──(created)──► good ⇄ writing ──(killed, and its workers are gone)──► removed
//                              │ its record becomes garbage, or of a newer version
//                              ├──────────────────────────────► unreadable ──(killed)──► removed
//                              │ it vanishes without the mark of a removal, or runs unknown
//                              └──────────────────────────────► missing ─────(killed)──► removed
//
// Threads: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/description.h"
#include "cluster/records.h"
#include "cluster/reports.h"
#include "nimbus/lifecycle/lifecycle.h"

namespace storm::nimbus {

struct Led {
    cluster::TopologyRecord record;
    cluster::Description description;
    cluster::Assignment assignment;
    std::vector<std::string> unassigned;
    std::vector<std::string> notes;
    enum class Stored : std::uint8_t {
        kGood,
        kUnreadable,  ///< It exists, but cannot be read.
        kMissing,     ///< It does not exist, though nobody has removed it.
    };
    Stored stored = Stored::kGood;  ///< State of its record.
    bool no_description = false;    ///< Its description cannot be read.
    std::size_t workers = 1;        ///< As requested.
    std::size_t useful = 0;         ///< As in Demand.
    std::size_t spread = 0;
    bool well = false;      ///< It has what it wants, and its wishes have not changed since.
    bool pending = false;   ///< It is being created.
    bool is_older = false;  ///< Workers run by a newer assignment; set until that is resolved.
    /// A write of it is under way; nothing is decided about it until that is settled.
    bool writing = false;
    base::Micros draining_since = 0;  ///< When this leader learned of its kill, or rebalance.
    /// The last epoch given to a content of its assignment.
    std::uint64_t epoch_given = 0;
};

inline constexpr std::string_view kWhyMissing =
    "it is not in ZooKeeper, though nobody has removed it: its workers run on; `storm kill` ends "
    "them, then submit it again";
std::string why_unreadable(const std::string& why);

/// Whether nothing is decided about it until it is killed.
bool is_left_alone(const Led& known);
/// How well a name in a request fits: an id fits better than a name, and of two topologies of one
/// name the one in ZooKeeper fits better.
enum class Fit : std::uint8_t { kNone, kMissing, kName, kId };
Fit fit_of(const std::string& name, const cluster::TopologyRecord& record, bool is_missing);
/// As in TopologyView.
std::string_view state_of(const Led& known);
/// A new epoch. Each is given once, even if its assignment was never written.
std::uint64_t next_epoch(const Led& known);
/// Caches what scheduling needs again and again. To be called once the description is there.
void note_wishes(Led& known);

/// The default, with a line in the log, if the value is unusable.
std::int64_t setting(const cluster::TopologyRecord& record, std::string_view key);
/// The number in an id: 3 in "wc-3-1732170000".
std::uint64_t number_of(const cluster::TopologyRecord& record);
/// Everything that an id tells about its topology: name and time.
cluster::TopologyRecord record_in(const std::string& id);

std::uint64_t epoch_of(const cluster::WorkerStatus& worker);
cluster::WorkerSlot slot_of(const cluster::WorkerStatus& worker,
                            const cluster::SupervisorReport& by);
/// Drops reports on components that it does not have, and all but the first on each component: a
/// worker runs users' code, which may report anything.
void keep_own(const Led& known, cluster::WorkerReport& report);
/// An error of a component that it does not have becomes one of the topology.
void keep_own(const Led& known, cluster::TopologyError& error);
void set_status(cluster::Assignment& assignment, const Fate& fate);
/// Number of workers that got a slot, or another one.
std::size_t workers_moved(const cluster::Assignment& before, const cluster::Assignment& after);

}  // namespace storm::nimbus
