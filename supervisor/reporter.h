// Tells the leading Nimbus what runs here: at once when a state has changed (several changes within
// kReportCoalesce in one report), each kReportBusy while counts change, else each kReportIdle.
//
// A report is the whole state, so that a lost one does no harm; one is under way at a time. Who
// does not lead says who does (421).
//
// Threads: the loop's; the request is done on the thread of the Errands, which must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "cluster/reports.h"
#include "daemon/errands.h"
#include "net/token_client.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/limits.h"

namespace storm::supervisor {

struct ReportOutcome {
    bool ok = false;
    bool refused = false;  ///< For lack of the right token, by whoever was asked last.
    std::string why;
    std::optional<HostPort> leader;
    net::TokenClient client = {};  ///< With the nonces for the next report.
};

class Reporter {
public:
    struct Sources {
        std::function<cluster::SupervisorReport()> report;
        std::function<std::vector<HostPort>()> nimbuses;  ///< The leader first.
        std::string token_file;                           ///< Empty: there is none.
    };

    Reporter(cluster::EventLoop& loop, cluster::Errands& errands, Sources sources);
    ~Reporter();
    Reporter(const Reporter&) = delete;
    Reporter& operator=(const Reporter&) = delete;

    /// The first report goes out now.
    void begin();
    void changed(bool urgent);
    /// Why Nimbus will not have the reports: something that a person must mend. Empty: it has them.
    const std::string& refused() const { return refused_; }

private:
    void send_at_(Micros due);
    void send_();
    void sent_(ReportOutcome outcome);

    cluster::EventLoop& loop_;
    cluster::Errands& errands_;
    const Sources sources_;
    bool begun_ = false;
    bool sending_ = false;
    std::optional<Micros> due_;       ///< Of the next report.
    std::optional<Micros> next_due_;  ///< Asked for while one is under way.
    Micros last_sent_ = 0;
    Micros retry_ = kReportRetryMin;
    std::string complained_;  ///< The last that was logged.
    std::string refused_;
    std::optional<HostPort> leader_;  ///< As a Nimbus has said.
    net::TokenClient client_;         ///< Empty while a report is under way, which has it.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// At most `bytes_max` of JSON: what is too long loses texts first, then its counts.
std::string fitting_json(cluster::SupervisorReport report, std::size_t bytes_max);

}  // namespace storm::supervisor
