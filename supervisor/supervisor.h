// A running Supervisor: compares what is wanted of this host with what there is, and makes them
// agree.
//
//     ZooKeeper ──► assignments ──► desired_workers() ──► SlotRunner of each port ──► processes
//     workers ────► WorkerSocket ─────────────────────────┘      │
//     files, downloads (Errands) ◄────────────────── Fetcher ◄───┤
//     Nimbus ◄── Reporter ◄──────────────────────────────────────┘
//
// Level-triggered: each set of assignments is compared as a whole with what runs; the same set
// again changes nothing. While ZooKeeper is away, or its session has ended, everything stays as it
// is. So does everything that runs by an assignment which cannot be read, is missing although
// nobody removed the topology, or is older than the one in use: ZooKeeper was emptied or restored.
// The destructor leaves the workers running; the next Supervisor of this directory finds them.
//
// Threads: that of the io_context, one each for files and reports, and some for downloads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/lifetime.h"
#include "base/result.h"
#include "coordination/cluster_state.h"
#include "coordination/session.h"
#include "daemon/asio_loop.h"
#include "daemon/errands.h"
#include "daemon/local_dir.h"
#include "net/address.h"
#include "net/http_server.h"
#include "supervisor/api.h"
#include "supervisor/assigned.h"
#include "supervisor/downloads.h"
#include "supervisor/fetcher.h"
#include "supervisor/identity.h"
#include "supervisor/isolation/isolation.h"
#include "supervisor/reconciler.h"
#include "supervisor/reporter.h"
#include "supervisor/settings.h"
#include "supervisor/slot_runner.h"
#include "supervisor/worker_socket.h"

namespace storm::supervisor {

class Supervisor {
public:
    struct Outside {
        boost::asio::io_context& io;
        coordination::Session& session;
        const base::WallClock& wall;
        /// Another Supervisor has this one's id, so this one must end. Called at most once.
        std::function<void(const std::string& who)> replaced;
    };

    /// Takes the directory, finds its workers, listens, and writes supervisor.json.
    static base::Result<std::unique_ptr<Supervisor>> start(const Outside& outside,
                                                           const Settings& settings);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();

    const std::string& id() const { return identity_.id; }
    std::uint16_t http_port() const { return http_->port(); }
    cluster::SupervisorReport report() const;
    /// Why it can do nothing for its workers; empty: it can.
    std::string problem() const;

private:
    Supervisor(const Outside& outside, const Settings& settings);

    base::Result<base::Done> begin_();
    base::Result<base::Done> isolate_();
    void adopt_workers_();
    void bury_(SavedWorker saved);
    base::Result<base::Done> listen_();
    void follow_();
    void publish_();
    /// The ports of its slots that no other program uses.
    std::vector<std::uint16_t> offered_slots_() const;
    std::map<std::uint16_t, Target> running_() const;
    void reconcile_();
    void note_mistakes_(std::vector<Mistake> mistakes);
    void clean_up_();
    void vouch_();
    cluster::Vouch vouch_now_() const;
    void look_at_socket_();
    void port_taken_(std::uint16_t port, bool taken);
    void look_at_taken_ports_();
    void look_at_ports_later_();
    SlotRunner& runner_(std::uint16_t port);
    Others others_(std::uint16_t port) const;
    std::vector<net::Address> nimbuses_() const;
    Overview overview_() const;

    const Outside outside_;
    const Settings settings_;
    daemon::AsioLoop loop_;
    std::optional<daemon::LocalDir> dir_;
    Identity identity_;
    std::int64_t started_ms_;
    coordination::ClusterState state_;
    Assigned assigned_;
    daemon::Errands files_;
    daemon::Errands removals_;
    Downloads downloads_;
    daemon::Errands reports_;
    Fetcher fetcher_;
    Reporter reporter_;
    Api api_;
    Isolation isolation_;
    Workshop shop_;
    std::map<std::uint16_t, std::unique_ptr<SlotRunner>> runners_;
    std::unique_ptr<WorkerSocket> socket_;
    std::unique_ptr<net::HttpServer> http_;
    std::set<std::uint16_t> own_ports_;  ///< Slots, and ports that workers had earlier.
    /// Ports that another program uses: of slots, and of workers that were adopted elsewhere.
    std::set<std::uint16_t> taken_ports_;
    bool looks_at_ports_ = false;
    bool ready_ = false;
    std::optional<Micros> vouched_;  ///< Time of the last vouch.
    std::vector<Mistake> mistakes_;
    std::optional<cluster::Leadership> leader_;
    std::map<std::string, cluster::NimbusRecord> live_nimbuses_;
    base::Lifetime lifetime_;
};

}  // namespace storm::supervisor
