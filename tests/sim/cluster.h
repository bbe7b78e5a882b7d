// A whole cluster on simulated time, in one thread, made of the shipped state machines: Nimbuses,
// Supervisors, workers, ZooKeeper's twin, and the network between their hosts. A seed decides about
// everything: how large it is, what is asked of it, which faults come when, how long each message
// takes. Book judges each event; in the end all faults are mended, and everything must come to rest
// as it was asked for.
//
// What is not simulated: frames as bytes, credit and loops (tests/worker has these with real
// threads and sockets), files as bytes, and blobs.
//
// Deterministic: the same seed is the same run.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <storm/topology.h>
#include <sys/types.h>

#include "base/clock.h"
#include "coordination/memory_coordination.h"
#include "tests/sim/book.h"
#include "tests/sim/host.h"
#include "tests/sim/net.h"
#include "tests/sim/nimbus.h"

namespace storm::sim {

enum class Fault : std::uint8_t {
    kWorkerKilled,
    kWorkerStopped,
    kSupervisorKilled,
    kSupervisorStopped,
    kNimbusKilled,
    kNimbusStopped,
    kHostLost,
    kHostCutOff,
    kHostsParted,
    kOneWayParted,
    kWireBroken,
    kSlowNetwork,
    kSessionExpired,
    kZookeeperCut,
    kZookeeperSilent,
    kZookeeperOutage,
    kWriteRefused,
    kWriteLostBefore,
    kWriteLostAfter,
    kFetchFails,
    kStartFails,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kStartFails) + 1;
std::string_view to_string(Fault fault);

class Cluster {
public:
    static constexpr std::uint16_t kNimbusPort = 6627;
    static constexpr Micros kTaskTimeout = 4 * kMicrosPerSecond;
    static constexpr Micros kSessionTimeout = 5 * kMicrosPerSecond;

    explicit Cluster(std::uint64_t seed);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster();

    /// Faults and requests for a while, then rest. Returns what was wrong; empty: nothing.
    std::vector<std::string> play();
    bool was_hit_by(Fault fault) const { return hits_[static_cast<std::size_t>(fault)] > 0; }
    std::string summary() const;
    /// Changes with whatever happens: of two runs of one seed it must be the same.
    std::uint64_t trace() const { return trace_; }

    // ---- For processes.
    ManualTime& time() { return time_; }
    const base::WallClock& wall() const { return wall_; }
    Dice& dice() { return dice_; }
    Net& net() { return net_; }
    Book& book() { return book_; }
    coordination::MemoryServer& zookeeper() { return zookeeper_; }
    const std::vector<std::string>& seeds() const { return seeds_; }
    /// Null: it does not run.
    Nimbus* nimbus(const std::string& id);
    Supervisor* supervisor(int host) { return at(host).supervisor.get(); }
    Topology program(const cluster::TopologyRecord& record) const;
    static std::string host_name(int host) { return "h" + std::to_string(host); }
    static int host_number(const std::string& name) { return std::stoi(name.substr(1)); }

    /// 0: it cannot be started.
    pid_t start_worker(const WorkerStart& start);
    Worker* worker(pid_t pid);
    Worker* worker_in(int host, const std::string& topology, std::uint32_t number);
    /// The worker that listens there; null: none.
    Worker* listener(const std::string& host, std::uint16_t port);
    void signal(pid_t pid, int number);
    /// A worker ends by itself; in a later turn it is gone.
    void ends(pid_t pid, int code);
    /// For people who look at one seed.
    void log(const std::string& what);
    /// Its peers have told it that it is fenced.
    void superseded(const Worker& worker);
    struct End {
        int code = 0;
        bool by_signal = false;
    };
    std::optional<End> end_of(pid_t pid) const;
    bool fails_to_fetch();
    /// Whether any spout of the topology waits for what becomes of its tuples.
    bool has_pending(const std::string& topology) const;
    /// Whether sources have more messages.
    bool sources_flow() const { return sources_flow_; }

private:
    class TimeOfDay final : public base::WallClock {
    public:
        explicit TimeOfDay(const ManualTime& time) : time_(time) {}
        std::int64_t now_ms() const override { return 1'700'000'000'000 + time_.now() / 1000; }

    private:
        const ManualTime& time_;
    };
    struct NimbusPlace {
        std::string id;
        int host = 0;
        std::unique_ptr<Nimbus> process;  // Null: it does not run.
    };
    /// A topology, as far as its user knows.
    struct Asked {
        std::string id;       // Empty: nobody has confirmed the submission.
        bool killed = false;  // Confirmed.
        bool perhaps_killed = false;
        bool inactive = false;
        bool rebalanced = false;
        bool changing = false;  // A request is under way, or its outcome is unknown.
    };

    enum class Outcome : std::uint8_t { kDone, kRefused, kUnknown };

    Host& at(int host) { return *hosts_[static_cast<std::size_t>(host)]; }

    void step();
    void inject();
    bool inject(Fault fault);
    /// Stands still, as by SIGSTOP. False: it does not run.
    bool stop_for(Micros time, Process* process);
    void later(Micros delay, std::function<void()> call);
    void ask();
    void submit();
    void kill(const std::string& name);
    void rebalance(const std::string& name);
    void set_active(const std::string& name, bool active);
    /// Asks some Nimbus, and tells what the user knows then.
    void request(std::function<void(nimbus::Topologies&, const nimbus::Answered&)> ask,
                 std::function<void(Outcome)> then);
    Nimbus* any_nimbus();
    void end_process(Host& host, pid_t pid, End how);
    void start_supervisor(int host);
    void kill_supervisor(int host);
    void start_nimbus(NimbusPlace& place);
    void kill_nimbus(NimbusPlace& place);
    void hang_up_on_zookeeper(Process& process);
    void reach_zookeeper(Process& process);
    void lose_power(int host);
    void power_on(int host);
    void cut_off(int host, bool off);
    template <typename Call>
    void each_daemon_of(int host, Call call);
    bool may_come(Fault fault) const {
        return std::find(may_come_.begin(), may_come_.end(), fault) != may_come_.end();
    }
    bool links_may_fail() const;
    bool workers_may_move() const;
    void mend_all();
    std::string restless();
    void note(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x100000001b3; }

    Dice dice_;
    ManualTime time_;
    TimeOfDay wall_{time_};
    ManualLoop loop_{time_};  // For all that comes from outside of processes.
    Net net_{dice_};
    Book book_;
    ManualLoop server_loop_{time_};
    coordination::MemoryServer zookeeper_;
    std::vector<std::string> seeds_;
    std::vector<NimbusPlace> nimbuses_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<pid_t, End> ended_;
    std::map<std::string, Asked> asked_;
    std::array<std::uint32_t, kFaults> hits_{};
    std::vector<Fault> may_come_;
    pid_t last_pid_ = 100;
    int submitted_ = 0;
    Micros rested_ = 0;  // Time from the last fault to rest.
    int fetches_to_fail_ = 0;
    int starts_to_fail_ = 0;
    bool faults_come_ = true;
    int outages_ = 0;             // Outages of ZooKeeper under way.
    std::map<int, int> cut_off_;  // Hosts, and how often each is cut off.
    bool sources_flow_ = true;
    std::int64_t calm_ = 1;  // Pause between two faults, in milliseconds, on average.
    std::uint64_t trace_ = 0xcbf29ce484222325;
    Process user_{time_, -1};  // The client of all requests.
};

}  // namespace storm::sim
