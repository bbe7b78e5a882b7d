// What Supervisors told last of their workers, and what follows from it for a topology.
//
// Only what the assignment says counts: a worker that still runs where it no longer should is not
// one of the topology's. Counts of former incarnations of a worker are added to those of the
// present one, as far as they were told here: all is kept in memory, and gone with this process.
//
// Threads: one.
// Cost:    a report is moved in; questions walk over the reports of the Supervisors concerned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/records.h"
#include "cluster/reports.h"

namespace storm::nimbus {

struct ComponentTotals {
    std::uint64_t emitted = 0;
    std::uint64_t transferred = 0;
    std::uint64_t executed = 0;
    std::uint64_t acked = 0;
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    std::uint64_t errors = 0;
    std::uint64_t kept = 0;
    cluster::Losses losses;
    std::vector<std::uint64_t> complete_latency;  ///< As in cluster::ComponentReport.
};

/// Of a histogram as in cluster::ComponentReport; nothing: it is empty. 0 < q < 1.
std::optional<double> quantile_us(const std::vector<std::uint64_t>& buckets, double q);

class ReportBook {
public:
    /// By topology, then by error.
    using News = std::vector<std::pair<std::string, cluster::TopologyError>>;

    /// What is new in it: errors of components, ends of workers, why one cannot be started.
    News take(cluster::SupervisorReport report, base::Micros now, std::int64_t now_ms);

    /// When it reported last; nothing: never, or not since forget().
    std::optional<base::Micros> heard(const std::string& supervisor) const;
    const std::map<std::string, cluster::SupervisorReport>& reports() const { return reports_; }
    /// Makes room: forgets the one of those that are not `present` which reported longest ago.
    /// False: all are.
    template <typename Present>
    bool forget_one_absent(const Present& present);
    void forget_topology(const std::string& topology);

    /// What its Supervisor says of the worker in this slot; null: nothing, or of a former one only.
    const cluster::WorkerStatus* worker(const std::string& topology,
                                        const cluster::WorkerSlot& slot) const;
    /// By component's id.
    std::map<std::string, ComponentTotals> totals(const cluster::Assignment& assignment) const;
    /// Whether it may be that a process of the topology, which is being killed, lives with the
    /// slot's Supervisor. A report that does not tell of the worker proves that there is none only
    /// if an earlier one did, or if it came after `noticed`, when the Supervisor must have known of
    /// the kill: before, it may not have known of the worker yet.
    bool may_have_process(const std::string& topology, const cluster::WorkerSlot& slot,
                          base::Micros noticed) const;
    /// Whether all its workers are there and every task of them has ended.
    bool all_finished(const cluster::Assignment& assignment) const;

private:
    void forget_supervisor_(const std::string& supervisor);
    using WorkerName = std::pair<std::string, std::uint32_t>;  // Topology and number.

    struct Former {
        std::uint64_t incarnation = 0;
        std::vector<cluster::ComponentReport> last;  // Of that incarnation.
        std::map<std::string, ComponentTotals> before;
        std::uint32_t restarts = 0;
        bool finished = false;  // That incarnation.
        std::string failure;    // The last that was told, until it runs without one.
    };

    /// Why a worker cannot be started, or does not do what it is to.
    static void note_failure_(const cluster::WorkerStatus& worker, const std::string& host,
                              std::int64_t now_ms, Former& former, News& news);
    /// What a worker that has just finished lost.
    static void note_losses_(const cluster::WorkerStatus& worker, std::int64_t now_ms, News& news);
    void note_worker_(const cluster::WorkerStatus& worker, const std::string& host,
                      std::int64_t now_ms, News& news);

    std::map<std::string, cluster::SupervisorReport> reports_;
    std::map<std::string, base::Micros> heard_;
    std::map<WorkerName, Former> workers_;
};

template <typename Present>
bool ReportBook::forget_one_absent(const Present& present) {
    const std::string* oldest = nullptr;
    base::Micros since = 0;
    for (const auto& [id, at] : heard_) {
        if (present(id) || (oldest != nullptr && at >= since)) continue;
        oldest = &id;
        since = at;
    }
    if (oldest == nullptr) return false;
    forget_supervisor_(std::string(*oldest));
    return true;
}

}  // namespace storm::nimbus
