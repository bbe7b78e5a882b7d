// Reports to the leading Nimbus what runs here: at once when a state has changed (changes within
// kReportCoalesce share a report), every kReportBusy while counts change, otherwise every
// kReportIdle.
//
// A report is the whole state, so a lost one does no harm; one is sent at a time. A Nimbus that
// does not lead answers who does (421).
//
// Threads: the loop's. Requests run on the thread of the Errands, which must outlive this.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/lifetime.h"
#include "cluster/reports.h"
#include "daemon/errands.h"
#include "net/address.h"
#include "net/token_client.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/limits.h"

namespace storm::supervisor {

struct ReportOutcome {
    bool ok = false;
    /// For lack of the right token, either by a Nimbus that proves that it knows ours, or by all
    /// that were asked.
    bool refused = false;
    bool proved = false;  ///< The one asked last has proved that it knows our token.
    std::string why;
    std::optional<net::Address> leader;
    net::TokenClient client = {};  ///< Carries the nonces for the next report.
};

class Reporter {
public:
    struct Sources {
        std::function<cluster::SupervisorReport()> report;
        std::function<std::vector<net::Address>()> nimbuses;  ///< The leader first.
        std::string token_file;                               ///< Empty: no token.
    };

    Reporter(base::EventLoop& loop, daemon::Errands& errands, Sources sources);
    ~Reporter();
    Reporter(const Reporter&) = delete;
    Reporter& operator=(const Reporter&) = delete;

    /// Sends the first report now.
    void begin();
    void changed(bool urgent);
    /// Why Nimbus refuses the reports, which a person must mend; empty: it takes them.
    const std::string& refused() const { return refused_; }

private:
    void send_at_(Micros due);
    void send_();
    void sent_(ReportOutcome outcome);

    base::EventLoop& loop_;
    daemon::Errands& errands_;
    const Sources sources_;
    bool begun_ = false;
    bool sending_ = false;
    std::optional<Micros> due_;       ///< Time of the next report.
    std::optional<Micros> next_due_;  ///< Time asked for while a report is being sent.
    Micros last_sent_ = 0;
    Micros retry_ = kReportRetryMin;
    std::string complained_;  ///< The failure that was logged last.
    std::string refused_;
    std::optional<net::Address> leader_;  ///< Named by a Nimbus.
    net::TokenClient client_;             ///< Empty while a report is being sent, which uses it.
    base::Lifetime lifetime_;
};

/// JSON of at most `bytes_max`. If a report is too long, each worker that takes more than an equal
/// share loses its texts first, then its counts: what one says costs its neighbours nothing.
std::string fitting_json(cluster::SupervisorReport report, std::size_t bytes_max);

}  // namespace storm::supervisor
