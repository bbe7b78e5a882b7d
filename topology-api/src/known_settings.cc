// The table of Storm's own settings. A new one is an entry here, and where it is read.
#include <algorithm>
#include <array>

#include "topology-api/src/settings.h"

namespace storm {
namespace {

using Type = Setting::Type;
using By = Setting::SetBy;

constexpr std::int64_t kWeekSecs = 7 * 24 * 3600;
constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
constexpr std::int64_t kTasksMax = (1 << 20) - 1;
constexpr std::int64_t kRootsMax = 1 << 20;
constexpr std::int64_t kRowMax = 16'777'208;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kTiB = kMiB * kMiB;
constexpr std::int64_t kPortMax = 65'535;

// Sorted by key.
constexpr std::array kSettings = {
    Setting{"nimbus.port", Type::kInt, "6627", 0, kPortMax,
            "Port of Nimbus' HTTP interface; 0: any free port."},
    Setting{"nimbus.seeds", Type::kList, "[\"127.0.0.1\"]", 0, 0,
            "Hosts (or host:port) where Nimbuses run."},
    Setting{"nimbus.task.timeout.secs", Type::kInt, "4", 1, kWeekSecs,
            "Seconds without a report from a Supervisor whose session has ended, before "
            "its workers are assigned elsewhere."},
    Setting{"storm.insecure", Type::kBool, "false", 0, 0,
            "Allow listening on addresses other than 127.0.0.1 without TLS and "
            "authentication. Anybody who reaches them can then run programs here."},
    Setting{"storm.local.dir", Type::kString, "storm-local", 0, 0,
            "Directory of a daemon's own files."},
    Setting{"storm.local.hostname", Type::kString, "127.0.0.1", 0, 0,
            "Address of this host: daemons and workers listen on it, and others reach them "
            "there."},
    Setting{"storm.log.dir", Type::kString, "", 0, 0,
            "Directory for the logs of workers. Not set: logs in storm.local.dir."},
    Setting{"storm.log.level", Type::kString, "info", 0, 0, "Least severe level that is logged.",
            "debug|info|warn|error"},
    Setting{"storm.readonly.token.file", Type::kString, "", 0, 0,
            "File with a token that may read everything and change nothing. Not set: there is "
            "none."},
    Setting{"storm.token.file", Type::kString, "", 0, 0,
            "File with the token that requests to Nimbus carry. $STORM_TOKEN_FILE "
            "overrides it."},
    Setting{"storm.zookeeper.auth.file", Type::kString, "", 0, 0,
            "File with USER:PASSWORD for ZooKeeper's digest scheme, the same for all "
            "daemons: only they can then read what they keep there. Not set: it is open."},
    Setting{"storm.zookeeper.port", Type::kInt, "2181", 1, kPortMax,
            "Port of ZooKeeper servers that are given without one."},
    Setting{"storm.zookeeper.root", Type::kString, "/storm", 0, 0,
            "Path in ZooKeeper below which this cluster keeps everything."},
    Setting{"storm.zookeeper.servers", Type::kList, "[\"127.0.0.1\"]", 0, 0,
            "Hosts (or host:port) of the ZooKeeper servers."},
    Setting{"storm.zookeeper.session.timeout", Type::kInt, "5000", 1000, kDayMs,
            "Milliseconds without contact after which ZooKeeper ends a daemon's session."},
    Setting{"supervisor.id", Type::kString, "", 0, 0,
            "Name of the Supervisor. Not set: one is generated, and kept in "
            "storm.local.dir."},
    Setting{"supervisor.port", Type::kInt, "8000", 0, kPortMax,
            "Port of the Supervisor's HTTP interface; 0: any free port."},
    Setting{"supervisor.run.worker.as.user", Type::kBool, "true", 0, 0,
            "If the Supervisor is root: run the workers of each topology as a user of its "
            "own. Otherwise they run as the Supervisor's user."},
    Setting{"supervisor.slots.ports", Type::kList, "[6700, 6701, 6702, 6703]", 0, kPortMax,
            "One port for each worker that the Supervisor may run; 0: any free port."},
    Setting{"supervisor.worker.isolation", Type::kString, "basic", 0, 0,
            "What workers are kept from: basic, capabilities and dangerous system calls; "
            "strict, also secret files, and writing outside of "
            "supervisor.worker.writable.paths.",
            "off|basic|strict"},
    Setting{"supervisor.worker.max.memory.mb", Type::kInt, "", 64, kTiB >> 20,
            "MiB of memory that a worker may allocate, whatever its topology asks for. Not "
            "set: no limit."},
    Setting{"supervisor.worker.max.processes", Type::kInt, "4096", 16, kTasksMax,
            "Processes and threads that all workers of a topology on this host may have together, "
            "where they run as a user of their own."},
    Setting{"supervisor.worker.shutdown.sleep.secs", Type::kInt, "3", 0, 3600,
            "Seconds that a worker has to end after it was told to end at once; then it is "
            "killed."},
    Setting{"supervisor.worker.start.timeout.secs", Type::kInt, "120", 1, kWeekSecs,
            "Seconds that a worker has until its first report."},
    Setting{"supervisor.worker.timeout.secs", Type::kInt, "10", 1, kWeekSecs,
            "Seconds without a report after which a worker is killed and started again."},
    Setting{"supervisor.worker.user.ids", Type::kString, "70000-79999", 0, 0,
            "First and last of the user ids that workers run as; no other user may have "
            "them."},
    Setting{"supervisor.worker.writable.paths", Type::kList, "[\"/tmp\", \"/var/tmp\", \"/dev\"]",
            0, 0,
            "With supervisor.worker.isolation=strict: where workers may write, besides "
            "their own folder."},
    Setting{"topology.acker.executors", Type::kInt, "1", 0, 10'000,
            "0 turns tracking off: ack() is called at once and nothing is replayed. Any other "
            "number turns it on; the number itself has no effect."},
    Setting{"topology.component.executors", Type::kList, "", 0, 0,
            "Executors of components in place of those that the program asks for, as in "
            "[\"count=4\"]; at most as many as they have tasks. `storm rebalance` sets it."},
    Setting{"topology.cycle.buffer.bytes", Type::kInt, "67108864", kMiB, kTiB,
            "Bytes of tuples that may wait in a cycle of bolts before more of them fail."},
    Setting{"topology.debug",
            Type::kBool,
            "false",
            0,
            0,
            "Log every tuple that is emitted.",
            {},
            By::kComponents},
    Setting{"topology.drain.timeout.ms", Type::kInt, "5000", 0, kDayMs,
            "Milliseconds that tuples in flight have to complete when a topology is "
            "drained."},
    Setting{"topology.enable.message.timeouts",
            Type::kBool,
            "true",
            0,
            0,
            "Whether tuple trees time out.",
            {},
            By::kSpouts},
    Setting{"topology.executor.overshoot.bytes", Type::kInt, "16777216", 1024, kTiB,
            "Bytes that one call of a component may emit beyond what its targets can take."},
    Setting{"topology.executor.threads", Type::kString, "loop", 0, 0,
            "loop: executors share the worker's threads; dedicated: one thread for each.",
            "loop|dedicated"},
    Setting{
        "topology.journal.dir", Type::kString, "", 0, 0,
        "Directory for journals of what became of each tuple, as JSON lines. For checks; slow."},
    Setting{"topology.max.spout.pending",
            Type::kInt,
            "",
            1,
            kRootsMax,
            "Tracked tuples of one spout task that may be in flight. Not set: as many as fit, at "
            "most 1048576.",
            {},
            By::kSpouts},
    Setting{"topology.max.task.parallelism",
            Type::kInt,
            "",
            1,
            10'000,
            "Most executors that a component gets, whatever it asks for.",
            {},
            By::kComponents},
    Setting{"topology.max.tuple.bytes",
            Type::kInt,
            "1048576",
            1024,
            kRowMax,
            "Bytes of one encoded tuple, beside its anchors; emit() refuses larger ones.",
            {},
            By::kComponents},
    Setting{"topology.message.timeout.secs",
            Type::kInt,
            "30",
            1,
            kWeekSecs,
            "Seconds in which a tuple tree has to complete before it fails.",
            {},
            By::kSpouts},
    Setting{"topology.name", Type::kString, "", 0, 0,
            "Name of the topology. Not set: that of its program."},
    Setting{"topology.secret.settings", Type::kList, "", 0, 0,
            "Keys of your own whose values are never shown, besides those whose names say "
            "that they are secret: password, secret, token, credential, API key and the "
            "like."},
    Setting{"topology.sleep.spout.wait.strategy.time.ms", Type::kInt, "4", 1, 1000,
            "Longest pause in milliseconds before an idle spout is asked again."},
    Setting{"topology.tasks",
            Type::kInt,
            "",
            1,
            kTasksMax,
            "Tasks of each component that does not set them. Not set: one for each "
            "executor.",
            {},
            By::kComponents},
    Setting{"topology.tick.tuple.freq.secs",
            Type::kInt,
            "",
            1,
            kWeekSecs,
            "Seconds between two ticks of each bolt that asks for them with tick(), or sets this "
            "itself.",
            {},
            By::kBolts},
    Setting{"topology.worker.buffer.bytes", Type::kInt, "67108864", kMiB, kTiB,
            "Bytes of tuples in flight in one worker at which its spouts pause."},
    Setting{"topology.worker.lease.secs", Type::kInt, "", 1, 3600,
            "Seconds after which a worker ends if neither its Supervisor nor Nimbus has "
            "vouched for it. Not set: it ends only when told that it is no longer wanted."},
    Setting{"topology.worker.max.memory.mb", Type::kInt, "", 64, kTiB >> 20,
            "MiB of memory that each worker may allocate. Not set: what the Supervisor "
            "allows."},
    Setting{"topology.worker.threads", Type::kInt, "", 1, 1024,
            "Threads that run a worker's executors. Not set: one for each core."},
    Setting{"topology.workers", Type::kInt, "1", 1, 1000,
            "Processes that the topology is spread over."},
};

constexpr bool by_key(const Setting& a, const Setting& b) {
    return a.key < b.key;
}
static_assert(std::is_sorted(kSettings.begin(), kSettings.end(), by_key));

}  // namespace

std::span<const Setting> known_settings() {
    return kSettings;
}

namespace detail {

const Setting* find_setting(std::string_view key) {
    const auto* const found = std::lower_bound(
        kSettings.begin(), kSettings.end(), key,
        [](const Setting& setting, std::string_view k) { return setting.key < k; });
    return found != kSettings.end() && found->key == key ? &*found : nullptr;
}

}  // namespace detail
}  // namespace storm
