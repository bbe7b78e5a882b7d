// A topology, as the Nimbus that leads knows it, and what follows from that alone.
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
        kUnreadable,  ///< It is there, and cannot be read.
        kMissing,     ///< It is not there, though nobody has removed it.
    };
    Stored stored = Stored::kGood;  ///< Its record.
    bool no_description = false;    ///< It cannot be read.
    std::size_t workers = 1;        ///< As asked for.
    std::size_t useful = 0;         ///< As in Demand.
    std::size_t spread = 0;
    bool well = false;      ///< It has what it wants, where what it wants has not changed.
    bool pending = false;   ///< Its creation is under way.
    bool is_older = false;  ///< Than what runs; while that is found out.
    bool writing = false;  ///< A write of it is: nothing is decided about it until that is settled.
    std::uint64_t epoch_given =
        0;  ///< The last epoch that was given to a content of its assignment.
};

inline constexpr std::string_view kWhyMissing =
    "it is not in ZooKeeper, though nobody has removed it: its workers run on; `storm kill` ends "
    "them, then submit it again";
std::string why_unreadable(const std::string& why);

/// It keeps what it has, until it is killed.
bool is_left_alone(const Led& known);
/// What a request means by a name is what it fits best: an id before a name, and of two of a name
/// that which ZooKeeper has.
enum class Fit : std::uint8_t { kNone, kMissing, kName, kId };
Fit fit_of(const std::string& name, const cluster::TopologyRecord& record, bool is_missing);
/// As in TopologyView.
std::string_view state_of(const Led& known);
/// Each epoch is given once, even if what had it was never written.
std::uint64_t next_epoch(const Led& known);
/// What scheduling asks of it again and again: once it has its description.
void note_wishes(Led& known);

/// One that cannot be used is the default, with a line in the log.
std::int64_t setting(const cluster::TopologyRecord& record, std::string_view key);
/// "wc-3-1732170000" of "wc": 3.
std::uint64_t number_of(const cluster::TopologyRecord& record);
/// All that the id of a topology says of it: name and time.
cluster::TopologyRecord record_in(const std::string& id);

std::uint64_t epoch_of(const cluster::WorkerStatus& worker);
cluster::WorkerSlot slot_of(const cluster::WorkerStatus& worker,
                            const cluster::SupervisorReport& by);
void set_status(cluster::Assignment& assignment, const Fate& fate);
/// Those that got a slot, or another one.
std::size_t workers_moved(const cluster::Assignment& before, const cluster::Assignment& after);

}  // namespace storm::nimbus
