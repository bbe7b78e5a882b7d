#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/detail/names.h>
#include <storm/detail/thrown.h>
#include <storm/run.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/plan.h"
#include "cluster/settings_layers.h"
#include "worker/engine/engine.h"
#include "worker/entry/arguments.h"
#include "worker/run/crash.h"
#include "worker/run/describe.h"
#include "worker/run/exit_guard.h"
#include "worker/run/explain.h"
#include "worker/run/local_run.h"
#include "worker/run/metrics_server.h"
#include "worker/run/signals.h"
#include "worker/run/standard_streams.h"
#include "worker/serve/serve.h"

namespace storm {
namespace {

using worker::Arguments;
using worker::ExitCode;

/// Prints errors. Each line of `what` is one; an indented line continues the one before.
ExitCode complain(const std::string& what, ExitCode code) {
    std::string text;
    for (std::size_t from = 0; from < what.size();) {
        const std::size_t end = std::min(what.find('\n', from), what.size());
        const std::string line = what.substr(from, end - from);
        const bool marked = line.starts_with("error[") || line.starts_with(' ');
        text += (marked ? "" : "error: ") + line + '\n';
        from = end + 1;
    }
    std::fputs(text.c_str(), stderr);
    return code;
}

/// Failing to print the result is a failure.
ExitCode print(const std::string& text) {
    const bool printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return printed ? ExitCode::kDone : complain("cannot write to stdout", ExitCode::kFailed);
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(descriptor, text.data(), text.size());
        if (wrote < 0 && errno != EINTR) return false;
        if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return true;
}

/// Writes to the descriptor in $STORM_DESCRIBE_FD, if it is set: there the description does not mix
/// with what user code prints on stdout.
ExitCode print_description(const std::string& description) {
    const char* const named = std::getenv("STORM_DESCRIBE_FD");
    if (named == nullptr) return print(description);
    const std::string_view text = named;
    int descriptor = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), descriptor);
    if (error != std::errc() || end != text.data() + text.size() || descriptor < 0 ||
        !write_all(descriptor, description)) {
        return complain("cannot write the description to descriptor \"" + std::string(text) +
                            "\", which $STORM_DESCRIBE_FD names",
                        ExitCode::kFailed);
    }
    return ExitCode::kDone;
}

std::string program_name(int argc, char** argv) {
    const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
    return name.empty() ? "topology" : name;
}

/// Keys that this run was given, and where. Other files may be those of other topologies, too.
std::map<std::string, std::string> keys_given(const cluster::LayeredSettings& settings,
                                              const Arguments& arguments) {
    const std::vector<std::string>& files = arguments.config_files;
    std::map<std::string, std::string> keys;
    for (const auto& [key, origin] : settings.origins) {
        if (origin == "-c" || std::find(files.begin(), files.end(), origin) != files.end())
            keys.emplace(key, origin);
    }
    return keys;
}

/// In Apache Storm this setting makes all components tick. A user who relies on that would wait in
/// vain.
void warn_of_idle_tick_setting(const Topology& topology, const Config& config) {
    const std::string key = "topology.tick.tuple.freq.secs";
    const auto& components = topology.components();
    const bool ticks =
        std::any_of(components.begin(), components.end(), [&](const Component& component) {
            return cluster::tick_interval(component, cluster::component_config(component, config)) >
                   0;
        });
    if (config.has(key) && !ticks)
        base::log::warn("no bolt asks for ticks by tick(), so this has no effect", {{"key", key}});
}

/// A user who gives it on the command line expects workers.
void warn_of_idle_workers_setting(const cluster::LayeredSettings& settings) {
    const std::string key = "topology.workers";
    const auto origin = settings.origins.find(key);
    if (origin != settings.origins.end() && origin->second == "-c" &&
        settings.config.int64(key) > 1)
        base::log::warn("all runs in this one process; storm-submit starts several workers",
                        {{"key", key}});
}

ExitCode run_here(const std::string& name, Topology topology,
                  const cluster::LayeredSettings& settings, const Arguments& arguments) {
    const Config& config = settings.config;
    warn_of_idle_tick_setting(topology, config);
    warn_of_idle_workers_setting(settings);
    // Before the engine starts threads, and after user code has built the topology: handlers that
    // its main() or its topology function has set for these signals are replaced.
    worker::Signals signals;
    const base::SteadyClock clock;
    worker::Engine engine(std::move(topology), config, clock);
    // Declared after the engine, so it ends first: its answers read what the engine shares.
    std::unique_ptr<net::HttpServer> server;
    if (arguments.metrics_port) {
        auto served =
            worker::serve_metrics(*arguments.metrics_port, engine.shared(), {name, "local"});
        if (!served) {
            static_cast<void>(complain(served.error().message, ExitCode::kFailed));
            return complain("  hint: --metrics-port 0 takes any free port", ExitCode::kFailed);
        }
        server = std::move(served).value();
        std::fprintf(stderr, "metrics: http://127.0.0.1:%d/metrics\n", int{server->port()});
    }
    const worker::ExitGuard guard;
    const ExitCode code =
        worker::LocalRun(engine, name, signals, clock, keys_given(settings, arguments)).run();
    // Results of bolts may still be in a buffer, and a full disk would show only when nobody looks
    // any more.
    if (worker::stdout_is_written()) return code;
    static_cast<void>(complain("cannot write to stdout: what is there is not whole", code));
    return code == ExitCode::kDone ? ExitCode::kFailed : code;
}

std::string name_of(const Config& config, const std::string& program) {
    std::string name = config.string("topology.name", detail::as_utf8(program));
    if (detail::is_utf8(name)) return name;
    throw ConfigError("setting \"topology.name\" is \"" + detail::as_utf8(name) +
                      "\", which is not UTF-8");
}

ExitCode with_settings(const cluster::LayeredSettings& settings, const Arguments& arguments,
                       const std::string& program, TopologyFactory make) {
    const Config& config = settings.config;
    base::log::set_level(base::log::level_named(config.string("storm.log.level")));
    const std::string name = name_of(config, program);
    // Log level and name come first: user code may log here, and a name that is refused needs no
    // topology.
    Topology topology = make(config);
    switch (arguments.mode) {
        case Arguments::Mode::kExplain:
            return print(
                worker::explain(name, worker::Wiring(std::move(topology), config), settings));
        case Arguments::Mode::kDescribe:
            return print_description(
                worker::describe(name, topology, config, worker::this_platform()));
        default:
            return run_here(name, std::move(topology), settings, arguments);
    }
}

ExitCode with_arguments(const Arguments& arguments, const std::string& program,
                        TopologyFactory make) {
    if (arguments.mode == Arguments::Mode::kHelp) return print(worker::help_text(program));
    // Before any settings file is read: a worker gets its settings from the Bootstrap, as Nimbus
    // has kept them, whatever lies on this host.
    if (arguments.mode == Arguments::Mode::kWorker)
        return static_cast<ExitCode>(worker::serve_worker(make));
    if (arguments.mode == Arguments::Mode::kVersion) return print("Storm " STORM_VERSION "\n");
    const base::Result<cluster::LayeredSettings> settings = cluster::layer_settings(
        cluster::settings_files(arguments.config_files), arguments.assignments);
    if (!settings) return complain(settings.error().message, ExitCode::kUsage);
    try {
        return with_settings(*settings, arguments, program, make);
    } catch (const ConfigError& error) {
        return complain(error.what(), ExitCode::kUsage);
    } catch (...) {
        return complain(detail::what_was_thrown(), ExitCode::kFailed);
    }
}

}  // namespace

int run_topology(int argc, char** argv, TopologyFactory make) {
    // First of all, before anything opens a descriptor that could become 0, 1 or 2.
    worker::fill_closed_streams();
    worker::tell_of_crashes();
    const base::Result<Arguments> arguments =
        worker::parse_arguments(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    const ExitCode code = arguments ? with_arguments(*arguments, program_name(argc, argv), make)
                                    : complain(arguments.error().message, ExitCode::kUsage);
    return static_cast<int>(code);
}

}  // namespace storm
