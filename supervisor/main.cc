// storm-supervisor: starts and watches the workers of one host.

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/log.h"
#include "cluster/asio_loop.h"
#include "cluster/session.h"
#include "cluster/settings_layers.h"
#include "cluster/zookeeper_coordination.h"
#include "supervisor/settings.h"
#include "supervisor/stop_workers.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker_process.h"

namespace {

namespace supervisor = storm::supervisor;

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

int complain(const std::string& what, ExitCode code) {
    std::fprintf(stderr, "storm-supervisor: %s\n", what.c_str());
    return code;
}

int supervise(const supervisor::Settings& settings,
              const storm::cluster::ZookeeperSettings& zookeeper) {
    const auto hardened = supervisor::harden();
    if (!hardened) return complain(hardened.error().message, kFailed);
    boost::asio::io_context io(1);
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    storm::cluster::AsioLoop loop(io);
    storm::cluster::Session session(
        loop, [&] { return storm::cluster::connect_zookeeper(loop, zookeeper); }, zookeeper.root);
    int outcome = kDone;
    supervisor::Supervisor::Outside outside = {
        io, session, [&](const std::string& host) {
            outcome = complain("another supervisor with the same id has started on " + host +
                                   "; give each a supervisor.id of its own",
                               kFailed);
            io.stop();
        }};
    const auto running = supervisor::Supervisor::start(outside, settings);
    if (!running) return complain(running.error().message, kFailed);
    signals.async_wait([&io](const boost::system::error_code& error, int) {
        if (!error) io.stop();
    });
    storm::base::log::info(
        "supervisor is ready",
        {{"id", (*running)->id()}, {"port", std::int64_t{(*running)->http_port()}}});
    io.run();
    storm::base::log::info("supervisor ends; its workers go on");
    return outcome;
}

int run(int argc, char** argv) {
    CLI::App app{"Starts and watches the workers of one host of a Storm cluster."};
    app.footer(
        "SIGTERM ends the supervisor and leaves its workers running: the next one that is\n"
        "started with the same storm.local.dir takes them over.\n"
        "exit code: 0 ended, 1 failed, 2 usage or settings");
    app.set_version_flag("--version", "storm-supervisor " STORM_VERSION);
    std::vector<std::string> files;
    std::vector<std::string> assignments;
    bool stop = false;
    app.add_option("--config", files, "Settings file (storm.yaml); may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_option("-c", assignments, "A setting; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--stop-workers", stop,
                 "Stop the workers that a supervisor has left running in storm.local.dir, and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;
    }
    const auto given =
        storm::cluster::layer_settings(storm::cluster::settings_files(files), assignments);
    if (!given) return complain(given.error().message, kUsage);
    const auto settings = supervisor::read_settings(given->config);
    if (!settings) return complain(settings.error().message, kUsage);
    const auto zookeeper = storm::cluster::zookeeper_settings(given->config);
    if (!zookeeper) return complain(zookeeper.error().message, kUsage);
    storm::base::log::set_level(settings->log_level);
    if (!stop) return supervise(*settings, *zookeeper);
    const auto stopped = supervisor::stop_workers(*settings);
    if (!stopped) return complain(stopped.error().message, kFailed);
    storm::base::log::info("workers stopped", {{"count", static_cast<std::int64_t>(*stopped)}});
    return kDone;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    // Few threads, of which none is busy: arenas of their own would only cost memory.
    ::mallopt(M_ARENA_MAX, 1);
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return complain(error.what(), kFailed);
    }
}
