// Carries out what the Slot of one port decides: fetches, starts, tells, signals, and remembers.
//
// Everything that may wait for a disk (state, logs, the start of a process, the leftovers of an
// ended one) is done by the Errands `files`, in the order of the calls: so a read sees the last
// write.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/lifetime.h"
#include "cluster/worker_protocol.h"
#include "daemon/errands.h"
#include "supervisor/exit_watch.h"
#include "supervisor/fetcher.h"
#include "supervisor/leftover_rules.h"
#include "supervisor/log_keeper.h"
#include "supervisor/places.h"
#include "supervisor/saved_worker.h"
#include "supervisor/slot.h"
#include "supervisor/worker_process.h"
#include "supervisor/worker_socket.h"

namespace storm::supervisor {

/// Shared by all slots of a Supervisor, which owns it. Must outlive them.
struct Workshop {
    boost::asio::io_context& io;
    base::EventLoop& loop;
    const Places& places;
    const std::string& host;  ///< Address that workers listen on.
    const std::string& home;  ///< The Supervisor's Identity::home, once it has one.
    const Isolation& isolation;
    SlotTimes times;
    Fetcher& fetcher;
    daemon::Errands& files;
    std::function<void(std::uint16_t, const cluster::ToWorker&)> send;
    std::function<void(std::uint16_t)> disconnect;
    /// The result of status() has changed; `urgent`: in more than counts.
    std::function<void(bool urgent)> changed;
    /// Another program uses the slot's port, or it is free again.
    std::function<void(std::uint16_t, bool taken)> port_taken;
    std::function<std::vector<cluster::NimbusAddress>()> nimbuses;
    /// All workers but that of the slot, without their users.
    std::function<Others(std::uint16_t port)> others;
};

class SlotRunner {
public:
    SlotRunner(Workshop& shop, std::uint16_t port);
    SlotRunner(const SlotRunner&) = delete;
    SlotRunner& operator=(const SlotRunner&) = delete;
    ~SlotRunner();

    void adopt(const SavedWorker& saved, WorkerProcess process);
    /// `assignment` belongs to `wanted`.
    void want(const std::optional<Wanted>& wanted,
              std::shared_ptr<const cluster::Assignment> assignment);
    /// Whether this is the worker that runs here.
    bool recognize(const cluster::Hello& hello, pid_t pid) const;
    void connected();
    void reported(cluster::WorkerReport report);

    std::uint16_t port() const { return port_; }
    const Slot& slot() const { return slot_; }
    pid_t pid() const { return process_ ? process_->pid() : 0; }
    /// Nothing: no process lives here, and none is being started.
    std::optional<OtherWorker> worker() const;
    /// Nothing: the slot is empty.
    std::optional<cluster::WorkerStatus> status() const;

private:
    void apply_(const SlotActions& actions);
    void perform_(const SlotAction& action);
    void fetch_(std::uint64_t ticket);
    struct Started;
    struct Asked {
        Wanted wanted;
        std::shared_ptr<const cluster::Assignment> assignment;  ///< Immutable, like assignment_.
    };
    void take_(const std::optional<Wanted>& wanted,
               std::shared_ptr<const cluster::Assignment> assignment, const History& history);
    void signal_(int number);
    void start_(std::uint64_t incarnation);
    static Started try_to_start_(const Places& places, const std::string& host, SavedWorker saved,
                                 const Launch& launch);
    void started_(Started started);
    void not_started_(const base::Error& why);
    void ended_();
    void gone_(const Exit& how, std::vector<std::string> said);
    void watch_();
    void tick_at_(std::optional<Micros> due);
    void tick_();
    void save_();
    void save_later_();
    void read_history_(const Target& target);
    void saved_once_(const base::Result<base::Done>& written);

    Workshop& shop_;
    const std::uint16_t port_;
    Slot slot_;
    LogKeeper logs_;
    std::optional<WorkerProcess> process_;
    std::unique_ptr<ExitWatch> watch_exit_;
    std::optional<Fetched> fetched_;
    /// Immutable; shared with the Supervisor.
    std::shared_ptr<const cluster::Assignment> assignment_;
    std::optional<std::uint64_t> held_fetch_;  ///< Ticket of a fetch that waits for an assignment.
    std::optional<Asked> asked_;               ///< Waits until the target's history is read.
    /// Its process has ended; leftovers are searched. The slot does not know of the end yet, so
    /// that it starts no other one beside them.
    bool clearing_ = false;
    bool starting_ = false;  ///< A process is being started; there is none yet.
    int held_signal_ = 0;    ///< To be sent to the process that is being started.
    SavedWorker saved_;
    /// The state could not be written, which was logged; it will be tried again.
    bool unsaved_ = false;
    cluster::WorkerReport report_;
    std::string exit_;
    std::vector<std::string> last_stderr_;
    std::uint64_t memory_max_ = 0;    ///< Limit of the process. 0: none, or it was adopted.
    std::uint64_t kernel_kills_ = 0;  ///< When the process started.
    std::optional<Micros> alarm_;     ///< The earliest scheduled call of tick_().
    base::Lifetime lifetime_;
};

}  // namespace storm::supervisor
