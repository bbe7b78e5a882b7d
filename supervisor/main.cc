// storm-supervisor: starts and watches the workers of one host.

#include <csignal>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "coordination/session.h"
#include "coordination/zookeeper_coordination.h"
#include "daemon/asio_loop.h"
#include "daemon/daemon_main.h"
#include "daemon/ending.h"
#include "daemon/watchdog.h"
#include "supervisor/settings.h"
#include "supervisor/stop_workers.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker_process.h"

namespace storm::supervisor {
namespace {

using base::Done;
using base::Error;
using base::Result;

/// Runs until SIGTERM or SIGINT. An error if it could not start, or had to end.
Result<Done> supervise(const Settings& settings, const coordination::ZookeeperSettings& zookeeper) {
    // Before there is any thread: those that are made later inherit it, others would not.
    const auto hardened = harden();
    if (!hardened) return hardened.error();
    boost::asio::io_context io(1);
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    daemon::AsioLoop loop(io);
    coordination::Session session(
        loop, [&] { return coordination::connect_zookeeper(loop, zookeeper); }, zookeeper.root);
    Result<Done> outcome = Done{};
    std::string id;
    const auto replaced = [&](const std::string& who) {
        outcome = Error{"another supervisor has the id \"" + id + "\": " + who +
                        "; give each a supervisor.id of its own"};
        io.stop();
    };
    const base::SystemWallClock wall;
    const auto running = Supervisor::start({io, session, wall, replaced}, settings);
    if (!running) return running.error();
    id = (*running)->id();
    signals.async_wait([&io](const boost::system::error_code& error, int) {
        if (!error) io.stop();
    });
    base::log::info("supervisor is ready",
                    {{"id", id}, {"port", std::int64_t{(*running)->http_port()}}});
    daemon::run_watched(io, session, zookeeper.session_timeout,
                        [&running] { return (*running)->problem(); });
    base::log::info("supervisor ends; its workers run on");
    daemon::begin_ending(session, outcome ? daemon::kDaemonDone : daemon::kDaemonFailed);
    return outcome;
}

Result<Done> stop_all(const Settings& settings) {
    const auto stopped = stop_workers(settings);
    if (!stopped) return stopped.error();
    base::log::info("workers stopped", {{"count", static_cast<std::int64_t>(*stopped)}});
    return Done{};
}

}  // namespace
}  // namespace storm::supervisor

int main(int argc, char** argv) {
    namespace daemon = storm::daemon;
    namespace supervisor = storm::supervisor;
    bool stop = false;
    const daemon::DaemonProgram program{
        .name = "storm-supervisor",
        .what = "Starts and watches the workers of one host of a Storm cluster.",
        .notes =
            "SIGTERM ends the supervisor and leaves its workers running: the next one that is\n"
            "started with the same storm.local.dir takes them over.\n"
            "exit code: 0 ended, 1 failed, 2 usage or settings",
        .flags = {
            {"--stop-workers",
             "Stop the workers that a supervisor has left running in storm.local.dir, and exit",
             &stop}}};
    const auto complain = [&program](const std::string& what, daemon::DaemonExitCode code) {
        return daemon::complain(program, what, code);
    };
    return daemon::daemon_main(program, argc, argv, [&](const storm::Config& config) -> int {
        const auto settings = supervisor::read_settings(config);
        if (!settings) return complain(settings.error().message, daemon::kDaemonUsage);
        const auto zookeeper = storm::coordination::zookeeper_settings(config);
        if (!zookeeper) return complain(zookeeper.error().message, daemon::kDaemonUsage);
        const auto ended =
            stop ? supervisor::stop_all(*settings) : supervisor::supervise(*settings, *zookeeper);
        if (ended) return daemon::kDaemonDone;
        return complain(ended.error().message, daemon::kDaemonFailed);
    });
}
