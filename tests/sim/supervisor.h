// A Supervisor of a simulated cluster: the shipped Session, ClusterState, Assigned, reconciler and
// Slot. What is around them, which the shipped one does with files, processes and sockets, is done
// here in the same order: supervisor.cc and slot_runner.cc of supervisor/ are its models.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cluster/reports.h"
#include "cluster/worker_protocol.h"
#include "coordination/cluster_state.h"
#include "coordination/session.h"
#include "supervisor/assigned.h"
#include "supervisor/reconciler.h"
#include "supervisor/saved_worker.h"
#include "supervisor/slot.h"
#include "tests/sim/net.h"

namespace storm::sim {

class Cluster;
class Worker;
struct Host;

class Supervisor final : public Process {
public:
    Supervisor(Cluster& cluster, Host& host);
    ~Supervisor() override;

    const std::string& id() const { return record_.id; }
    /// The kernel tells of the end of a worker.
    void worker_ended(pid_t pid, int code, bool by_signal);
    /// A worker connects to the socket.
    void connected(pid_t pid, const std::shared_ptr<Wire>& wire);

private:
    using Assignment = std::shared_ptr<const cluster::Assignment>;
    struct Asked {
        supervisor::Wanted wanted;
        Assignment assignment;
    };
    struct Place {
        Place(std::uint16_t port_given, const supervisor::SlotTimes& times)
            : port(port_given), slot(times) {}

        const std::uint16_t port;
        supervisor::Slot slot;
        Assignment assignment;
        std::optional<cluster::TopologyRecord> fetched;
        std::optional<std::uint64_t> held_fetch;
        std::optional<Asked> asked;
        pid_t pid = 0;
        bool starting = false;
        bool clearing = false;
        bool adopted = false;  // So its exit code is not ours to know.
        int held_signal = 0;
        supervisor::SavedWorker saved;
        cluster::WorkerReport report;
        std::shared_ptr<Wire> wire;
        std::optional<Micros> alarm;
    };

    void adopt();
    const Worker* process_of(const supervisor::SavedWorker& saved) const;
    void follow();
    void publish();
    std::map<std::uint16_t, supervisor::Target> running() const;
    void reconcile();
    void vouch();
    cluster::Vouch vouch_now() const;
    std::vector<std::string> nimbuses() const;

    void want(Place& place, const std::optional<supervisor::Wanted>& wanted, Assignment assignment);
    void take(Place& place, const std::optional<supervisor::Wanted>& wanted, Assignment assignment,
              const supervisor::History& history);
    void apply(Place& place, const supervisor::SlotActions& actions);
    void perform(Place& place, const supervisor::SlotAction& action);
    void fetch(Place& place, std::uint64_t ticket);
    void read(const supervisor::Target& target, std::function<void(bool)> then);
    void start(Place& place, std::uint64_t incarnation);
    void started(Place& place, pid_t pid);
    void not_started(Place& place);
    void gone(Place& place, const supervisor::Ended& how);
    void signal(Place& place, int number);
    void tick_at(Place& place);
    void save(const Place& place);
    void send(Place& place, const cluster::ToWorker& message);
    std::optional<cluster::WorkerStatus> status(const Place& place) const;
    Micros disk();

    cluster::SupervisorReport report() const;
    void report_soon(Micros delay);
    void send_report();
    void try_report(cluster::SupervisorReport report, std::vector<std::string> left);

    Cluster& cluster_;
    Host& host_files_;
    cluster::SupervisorRecord record_;
    coordination::Session session_;
    coordination::ClusterState state_;
    supervisor::Assigned assigned_;
    std::map<std::uint16_t, std::unique_ptr<Place>> places_;
    /// As in Fetcher: what was read for one epoch of a worker does for earlier ones, too.
    struct Known {
        cluster::TopologyRecord record;
        std::uint64_t epoch = 0;
    };
    std::map<std::string, Known> records_;
    std::optional<cluster::Leadership> leader_;
    std::map<std::string, cluster::NimbusRecord> live_;
    std::optional<Micros> vouched_;
    std::string told_leader_;  // Named by a Nimbus that does not lead.
    bool reporting_ = false;
    std::optional<Micros> report_due_;
    Micros retry_ = 0;
};

}  // namespace storm::sim
