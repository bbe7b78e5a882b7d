// `storm`: the command line of Storm. This file defines what the user can type; others do it.

#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <storm/detail/suggest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/config_commands.h"
#include "cli/failure.h"
#include "cli/logs.h"
#include "cli/new_topology.h"
#include "cli/operations.h"
#include "cli/package.h"

namespace storm::cli {
namespace {

constexpr const char* kNotesBegin =
    "Examples:\n"
    "  storm new word-stats      a new topology, ready to be built\n"
    "  storm list                the topologies on the cluster; storm-submit adds one\n"
    "  storm kill wc -w 10       drain it, for 10 s at most, and remove it\n"
    "  storm kill --help         what a verb does, and its options\n\n"
    "Where the cluster is: nimbus.seeds, nimbus.port and storm.token.file, from -c, --config,\n"
    "$STORM_CONFIG, ~/.storm/storm.yaml or /etc/storm/storm.yaml.\n";
constexpr const char* kNotesEnd =
    " up starts one on this machine.\n\n"
    "exit code: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 unreachable, 6 denied";

/// The verbs after `storm`. Holds parsed values until the verb has run.
class Verbs {
public:
    Verbs(CLI::App& app, Offers& offers) : app_(app), offers_(offers) {
        add_listings();
        add_changes();
        add_logs();
        add_config();
        add_local();
    }
    Verbs(const Verbs&) = delete;
    Verbs& operator=(const Verbs&) = delete;

private:
    using Listing = void (*)(const Config&, const Output&);
    using Change = void (*)(const Config&, const std::string&, const Output&);

    CLI::App& verb(CLI::App& parent, const char* name, const char* what) {
        CLI::App& added = *parent.add_subcommand(name, what);
        added.footer("");
        return added;
    }

    CLI::App& remote_verb(const char* name, const char* what) {
        CLI::App& added = verb(app_, name, what);
        add_settings(added);
        return added;
    }

    void add_settings(CLI::App& verb) {
        CLI::Option& assignment = add_settings_options(verb, options_);
        offers_[&assignment] = [](const SettingsOptions&) {
            std::vector<std::string> keys = setting_keys();
            for (std::string& key : keys) key += '=';
            return keys;
        };
    }

    void add_format(CLI::App& app, const std::map<std::string, Format>& formats) {
        const CLI::Option* const added =
            app.add_option("-o,--output", format_, "Output format")
                ->transform(CLI::Validator(
                    [formats](std::string& given) { return look_up(formats, given); }, ""))
                ->type_name("json");
        std::vector<std::string> names;
        names.reserve(formats.size());
        for (const auto& [name, format] : formats) names.push_back(name);
        offer(*added, std::move(names));
    }

    void offer(const CLI::Option& option, std::vector<std::string> values) {
        offers_[&option] = [values = std::move(values)](const SettingsOptions&) { return values; };
    }

    /// Replaces the name of a format by its number. Returns the mistake if there is no such format.
    static std::string look_up(const std::map<std::string, Format>& formats, std::string& given) {
        const auto found = formats.find(given);
        if (found != formats.end()) {
            given = std::to_string(static_cast<int>(found->second));
            return "";
        }
        std::string known;
        for (const auto& [name, format] : formats) known += (known.empty() ? "" : ", ") + name;
        return detail::quoted(given) + " is none of " + known;
    }

    void add_name(CLI::App& app) {
        const CLI::Option* const added =
            app.add_option("NAME", name_, "The topology's name")->required();
        offers_[added] = [](const SettingsOptions& given) {
            return topology_names(layered(given).config);
        };
    }

    Config config() const { return layered(options_).config; }
    Output output() const { return {std::cout, terminal_of(STDOUT_FILENO), format_}; }

    void add_listings() {
        const std::map<std::string, Format> formats = {
            {"table", Format::kTable}, {"json", Format::kJson}, {"names", Format::kNames}};
        const auto add = [&](const char* name, const char* what, Listing list) {
            CLI::App& added = remote_verb(name, what);
            add_format(added, formats);
            added.callback([this, list] { list(config(), output()); });
        };
        add("list", "List the topologies", list_topologies);
        CLI::App& status = remote_verb("status", "Show one topology: components, workers, errors");
        add_name(status);
        add_format(status, {{"table", Format::kTable}, {"json", Format::kJson}});
        status.callback([this] { show_status(config(), name_, output()); });
        add("errors", "List the latest errors of all topologies", list_errors);
        add("supervisors", "List the Supervisors, and their slots", list_supervisors);
        add("nimbuses", "List the Nimbuses, and who leads", list_nimbuses);
        add("health", "Check that the cluster is healthy; exit with 1 if it is not", show_health);
    }

    static void add_wait(CLI::App& verb, std::optional<std::int64_t>& wait_secs) {
        verb.add_option("-w,--wait", wait_secs,
                        "Longest time to drain (default: topology.message.timeout.secs)")
            ->check(CLI::Range(0, 24 * 3600))
            ->type_name("SECS");
    }

    void add_changes() {
        CLI::App& kill = remote_verb("kill", "Drain a topology, and remove it");
        add_name(kill);
        add_wait(kill, kill_.wait_secs);
        kill.add_flag("--detach", kill_.detach, "Do not wait until it has gone");
        kill.callback([this] {
            kill_.name = name_;
            kill_topology(config(), kill_, real_patience(clock_), output());
        });
        add_rebalance();
        const auto add = [this](const char* name, const char* what, Change change) {
            CLI::App& added = remote_verb(name, what);
            add_name(added);
            added.callback([this, change] { change(config(), name_, output()); });
        };
        add("activate", "Resume the spouts of a topology", activate);
        add("deactivate", "Pause the spouts of a topology", deactivate);
    }

    void add_rebalance() {
        CLI::App& verb = remote_verb("rebalance", "Drain a topology, and spread it anew");
        add_name(verb);
        verb.add_option("-n,--workers", rebalance_.workers,
                        "Processes that it is to have (default: as many as before)")
            ->check(CLI::Range(1, 1'000))
            ->type_name("WORKERS");
        verb.add_option("-e,--executor", rebalance_.executors,
                        "Executors that a component is to have, at most as many as tasks; again "
                        "for each component")
            ->type_name("COMPONENT=N")
            ->allow_extra_args(false);
        add_wait(verb, rebalance_.wait_secs);
        verb.add_flag("--detach", rebalance_.detach, "Do not wait until it runs again");
        verb.callback([this] {
            rebalance_.name = name_;
            rebalance(config(), rebalance_, real_patience(clock_), output());
        });
    }

    void add_logs() {
        CLI::App& logs = remote_verb("logs", "Show the output of a topology's workers");
        add_name(logs);
        logs.add_flag("-f,--follow", logs_.follow,
                      "Keep printing as the output grows, until Ctrl-C");
        logs.add_option("--worker", logs_.worker,
                        "Only this worker; storm status shows the numbers")
            ->check(CLI::Range(0, 1'000'000))
            ->type_name("NUMBER");
        const CLI::Option* const stream =
            logs.add_option("--stream", logs_.stream,
                            "stderr (default), stdout, or an older one: stderr.1, …")
                ->check([](const std::string& name) {
                    const std::string newest = name.substr(0, name.find('.'));
                    const bool known = newest == "stderr" || newest == "stdout";
                    return known ? std::string() : "\"" + name + "\" is not stderr or stdout";
                })
                ->type_name("NAME");
        offer(*stream, {"stderr", "stdout"});
        logs.callback([this] {
            logs_.topology = name_;
            logs_.clean = terminal_of(STDOUT_FILENO).is_terminal;
            show_logs(config(), logs_, real_patience(clock_), std::cout, std::cerr);
        });
    }

    void add_config() {
        CLI::App& config = verb(app_, "config", "Check or explain settings");
        config.require_subcommand(1);
        CLI::App& check =
            verb(config, "check", "Check settings files, and show which one sets what");
        check.add_option("FILE", file_, "Check only this file")->type_name("FILE");
        add_settings(check);
        add_format(check, {{"table", Format::kTable}, {"json", Format::kJson}});
        check.callback([this] {
            const auto files = file_.empty() ? cluster::settings_files(options_.files)
                                             : std::vector<cluster::SettingsFile>{{file_}};
            check_settings(files, options_.assignments, output());
        });
        CLI::App& explain =
            verb(config, "explain", "Explain a setting: effect, values, default, value here");
        const CLI::Option* const key =
            explain.add_option("KEY", name_, "Such as topology.workers; without it, all settings");
        offer(*key, setting_keys());
        add_settings(explain);
        add_format(explain,
                   {{"table", Format::kTable}, {"json", Format::kJson}, {"names", Format::kNames}});
        explain.callback([this] {
            if (name_.empty()) return list_settings(layered(options_), output());
            explain_setting(name_, layered(options_), output());
        });
    }

    /// Verbs that need no cluster.
    void add_local() {
        CLI::App& create = verb(app_, "new", "Create the folder of a new topology");
        create.add_option("NAME", name_, "Name of the topology and of its folder")->required();
        create.callback([this] {
            const ExitCode code =
                make_topology({.name = name_,
                               .parent = std::filesystem::current_path(),
                               .cmake_option = cmake_option_for(this_executable())},
                              std::cout, std::cerr);
            if (code != ExitCode::kDone) throw CLI::RuntimeError(static_cast<int>(code));
        });
        CLI::App& version = verb(app_, "version", "Print the version");
        version.callback([] { std::cout << "storm " STORM_VERSION "\n"; });
        CLI::App& completion = verb(app_, "completion", "Print a completion script for a shell");
        const std::vector<std::string> shells = {"bash", "zsh", "fish"};
        const CLI::Option* const shell = completion.add_option("SHELL", name_, "bash, zsh or fish")
                                             ->required()
                                             ->check(CLI::IsMember(shells));
        offer(*shell, shells);
        completion.callback([this] { std::cout << completion_script(name_); });
    }

    CLI::App& app_;
    Offers& offers_;
    const base::SteadyClock clock_;
    SettingsOptions options_;
    Format format_ = Format::kTable;
    std::string name_;
    std::string file_;
    Kill kill_;
    Rebalance rebalance_;
    Logs logs_;
};

/// The verb that the user most likely meant, if the first argument is none.
std::string mistaken_verb(const CLI::App& app, std::string_view argument) {
    std::vector<std::string> names;
    for (const CLI::App* verb : app.get_subcommands({})) names.push_back(verb->get_name());
    std::vector<std::string_view> views(names.begin(), names.end());
    for (const std::string_view name : views) {
        if (name == argument) return "";
    }
    const std::string guess = detail::did_you_mean(argument, views);
    return "there is no command " + detail::quoted(argument) +
           "\n  hint: " + (guess.empty() ? "storm --help lists them" : guess);
}

ExitCode run(int argc, char** argv) {
    CLI::App app("Storm: stream processing", "storm");
    app.footer(kNotesBegin + cluster_script_for(this_executable()) + kNotesEnd);
    app.set_version_flag("--version", "storm " STORM_VERSION);
    app.require_subcommand(1);
    Offers offers;
    const Verbs verbs(app, offers);
    // Before anything is parsed: what is still being typed is never right.
    if (complete_if_asked(app, argc, argv, offers, std::cout)) return ExitCode::kDone;
    if (argc < 2) {
        std::cerr << app.help();
        return ExitCode::kUsage;
    }
    if (argv[1][0] != '-') {
        const std::string mistake = mistaken_verb(app, argv[1]);
        if (!mistake.empty()) {
            std::cerr << "storm: " << mistake << '\n';
            return ExitCode::kUsage;
        }
    }
    return run_command_line(app, argc, argv);
}

}  // namespace
}  // namespace storm::cli

int main(int argc, char** argv) {
    return static_cast<int>(storm::cli::run(argc, argv));
}
