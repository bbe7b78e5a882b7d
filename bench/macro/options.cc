#include "bench/macro/options.h"

#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

#include <storm/errors.h>

#include <CLI/CLI.hpp>

#include "base/thread.h"

namespace storm::bench {
namespace {

constexpr int kUsage = 2;

const std::map<std::string, Scenario> kScenarios = {
    {"const-null", Scenario::kConstNull},
    {"const-id-null", Scenario::kConstIdNull},
    {"word-count", Scenario::kWordCount},
    {"word-count-loop", Scenario::kWordCountLoop},
    {"fan-out", Scenario::kFanOut},
    {"wide", Scenario::kWide},
    {"idle", Scenario::kIdle},
};

constexpr std::string_view kFooter =
    "Scenarios:\n"
    "  const-null       a spout and a bolt that does nothing\n"
    "  const-id-null    the same with a bolt between them that passes everything on\n"
    "  word-count       lines from memory, split, counted\n"
    "  word-count-loop  the same in a plain loop, without Storm\n"
    "  fan-out          a spout, all of whose tuples go to each of N bolts\n"
    "  wide             20 spouts, 80 bolts and 100 bolts, compared to 1, 2 and 2\n"
    "  idle             word-count without input\n";

/// Options that exclude each other; empty: none.
std::string contradiction(const Options& options) {
    if (options.workers > 1 &&
        (options.with_loop || options.scenario == Scenario::kWide ||
         options.scenario == Scenario::kIdle || options.scenario == Scenario::kWordCountLoop)) {
        return "--workers is for const-null, const-id-null, fan-out and word-count, without "
               "--with-loop";
    }
    if (options.parallelism && options.executors)
        return "--parallelism is for each component, --executors for all: give one of them";
    if (options.with_loop && options.scenario != Scenario::kWordCount)
        return "--with-loop compares word-count; it has no meaning for " + options.scenario_name;
    if (options.with_loop && options.rate > 0)
        return "--with-loop compares throughput: leave out --rate";
    if (options.fail_every > 0 && !options.acks)
        return "--fail-every counts failed tuples, which needs --acks on";
    return {};
}

/// Word count has one executor of each component for every thread, unless told otherwise.
void default_parallelism(Options& options) {
    if (options.scenario != Scenario::kWordCount || options.parallelism || options.executors)
        return;
    const std::int64_t cores = base::usable_cores();
    options.parallelism =
        static_cast<int>(options.settings.int64("topology.worker.threads", cores));
}

/// Throws ConfigError.
bool shuffles_lines(const Config& config) {
    const std::string grouping = config.string("split.grouping", "local_or_shuffle");
    if (grouping != "shuffle" && grouping != "local_or_shuffle")
        throw ConfigError("setting \"split.grouping\" is \"" + grouping +
                          "\"; write shuffle or local_or_shuffle");
    return grouping == "shuffle";
}

/// Throws ConfigError.
void apply_settings(const std::vector<std::string>& given, Config& config) {
    for (const std::string& setting : given) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos || equals == 0)
            throw ConfigError("cannot take setting \"" + setting + "\": write key=value");
        config.set(setting.substr(0, equals), setting.substr(equals + 1));
    }
}

}  // namespace

std::variant<Options, ExitCode> parse_options(int argc, char** argv) {
    Options options;
    std::string acks = "on";
    std::optional<int> threads;
    std::vector<std::string> settings;

    CLI::App app("Measures Storm in this process, through its public API.", "storm-bench");
    app.footer(std::string(kFooter));
    app.add_option("scenario", options.scenario_name, "What to run")
        ->required()
        ->check(CLI::IsMember(kScenarios));
    app.add_option("--acks", acks, "Whether spouts emit tracked tuples (on)")
        ->check(CLI::IsMember({"on", "off"}));
    app.add_option("--parallelism", options.parallelism,
                   "Executors of each component (1; word-count: as many as threads)")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--threads", threads, "Threads that run them (the number of cores)")
        ->check(CLI::Range(1, 1024));
    app.add_option("--workers", options.workers,
                   "Worker processes; executors are dealt out to them in turn (1)")
        ->check(CLI::Range(1, 64));
    app.add_option("--executors", options.executors,
                   "Executors of all components together, shared out as the scenario does")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--rate", options.rate, "Tuples a second (as many as possible)")
        ->check(CLI::Range(0.001, 1e9));
    app.add_option("--seconds", options.seconds,
                   "How long to measure, after a second's warm-up (5)")
        ->check(CLI::Range(0.1, 86'400.0));
    app.add_option("--text", options.text, "zipf, small or a file (zipf)");
    app.add_option("--fail-every", options.fail_every, "The last bolt fails every Nth tuple");
    app.add_flag("--with-loop", options.with_loop,
                 "word-count: compare to a plain loop over the same text, in turns");
    app.add_flag("--json", options.json, "Print one line of JSON");
    app.add_option("-c", settings, "A setting, as key=value; repeatable")->take_all();

    try {
        app.parse(argc, argv);
        options.scenario = kScenarios.at(options.scenario_name);
        options.acks = acks == "on";
        if (threads) options.settings.set("topology.worker.threads", std::to_string(*threads));
        apply_settings(settings, options.settings);
        default_parallelism(options);
        options.shuffle_lines = shuffles_lines(options.settings);
    } catch (const CLI::ParseError& error) {
        return ExitCode{app.exit(error) == 0 ? 0 : kUsage};
    } catch (const ConfigError& error) {
        std::fprintf(stderr, "storm-bench: %s\n", error.what());
        return ExitCode{kUsage};
    }
    if (const std::string wrong = contradiction(options); !wrong.empty()) {
        std::fprintf(stderr, "storm-bench: %s\n", wrong.c_str());
        return ExitCode{kUsage};
    }
    return options;
}

}  // namespace storm::bench
