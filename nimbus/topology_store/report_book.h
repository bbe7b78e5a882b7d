// The latest reports of Supervisors about their workers, and what they mean for each topology.
//
// Only what the assignment says counts: a worker that still runs where it no longer should is not
// one of the topology's. The counts of a worker's former incarnations are added to those of the
// present one, as far as they were reported here: everything is kept in memory, and gone with this
// process.
// Threads: one.
// Cost:    a report is moved in; queries walk over the reports of the Supervisors concerned.
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
    std::vector<cluster::TaskStatus> statuses;    ///< From present workers, like the next two.
    std::uint32_t opening_task = 0;
    std::uint32_t opening_secs = 0;
};

/// The q-quantile of a histogram as in cluster::ComponentReport, 0 < q < 1; nothing: it is empty.
std::optional<double> quantile_us(const std::vector<std::uint64_t>& buckets, double q);

class ReportBook {
public:
    /// Pairs of a topology and an error.
    using News = std::vector<std::pair<std::string, cluster::TopologyError>>;

    /// Returns the news in the report: errors of components, ends of workers, failed starts.
    News take(cluster::SupervisorReport report, base::Micros now, std::int64_t now_ms);

    /// Time of its last report; nothing: none, or none since it was forgotten.
    std::optional<base::Micros> heard(const std::string& supervisor) const;
    const std::map<std::string, cluster::SupervisorReport>& reports() const { return reports_; }
    /// Makes room: forgets, of the Supervisors that are not `present`, the one that reported
    /// longest ago. False: all are present.
    template <typename Present>
    bool forget_one_absent(const Present& present);
    void forget_topology(const std::string& topology);
    /// Its new spouts may emit again whatever those of its former workers did not.
    void forget_unreplayed(const std::string& topology);

    /// The Supervisor's report about the worker in this slot; null: none, or only about a former
    /// one.
    const cluster::WorkerStatus* worker(const std::string& topology,
                                        const cluster::WorkerSlot& slot) const;
    /// Indexed by component id.
    std::map<std::string, ComponentTotals> totals(const cluster::Assignment& assignment) const;
    /// Whether a process of the topology, which is being killed, may be alive at the slot's
    /// Supervisor. A report without the worker proves that there is none only if an earlier report
    /// had it, or if it came after `noticed`, when the Supervisor must have known of the kill:
    /// before, it may not have known of the worker yet.
    bool may_have_process(const std::string& topology, const cluster::WorkerSlot& slot,
                          base::Micros noticed) const;
    /// Whether all of its workers exist and every task of them has ended.
    bool all_finished(const cluster::Assignment& assignment) const;

private:
    void forget_supervisor_(const std::string& supervisor);
    using WorkerName = std::pair<std::string, std::uint32_t>;  // Topology and number.

    struct Former {
        std::uint64_t incarnation = 0;
        std::vector<cluster::ComponentReport> last;  // Reported by that incarnation.
        std::map<std::string, ComponentTotals> before;
        std::uint32_t restarts = 0;
        bool finished = false;  // Refers to that incarnation.
        std::string failure;    // Last failure reported, until it runs without one.
    };

    /// Notes why a worker cannot be started, or does not do what it should.
    static void note_failure_(const cluster::WorkerStatus& worker, const std::string& host,
                              std::int64_t now_ms, Former& former, News& news);
    /// Notes the losses of a worker that has just finished.
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
