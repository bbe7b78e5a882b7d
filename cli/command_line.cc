#include "cli/command_line.h"

#include <iostream>

#include <poll.h>

#include <CLI/CLI.hpp>

#include "cli/failure.h"

namespace storm::cli {
namespace {

ExitCode tell(const std::string& program, ExitCode code, std::string what,
              const std::string& hint) {
    while (!what.empty() && what.back() == '\n') what.pop_back();
    std::cout.flush();
    std::cerr << program << ": " << what << '\n';
    if (!hint.empty()) std::cerr << "  hint: " << hint << '\n';
    return code;
}

/// Names the verbs given: "storm config check --help".
std::string help_of(const CLI::App& app) {
    std::string words = app.get_name();
    for (const CLI::App* verb = &app; !verb->get_subcommands().empty();) {
        verb = verb->get_subcommands().front();
        words += ' ' + verb->get_name();
    }
    return words + " --help";
}

}  // namespace

CLI::Option& add_settings_options(CLI::App& app, SettingsOptions& options) {
    CLI::Option* const assignment =
        app.add_option("-c", options.assignments, "Set a setting, as in -c nimbus.seeds=alpha")
            ->type_name("KEY=VALUE")
            ->allow_extra_args(false);
    app.add_option("--config", options.files, "Read settings from a YAML file")
        ->type_name("FILE")
        ->allow_extra_args(false);
    return *assignment;
}

cluster::LayeredSettings layered(const SettingsOptions& options) {
    auto settings =
        cluster::layer_settings(cluster::settings_files(options.files), options.assignments);
    if (!settings) throw Failure(ExitCode::kUsage, settings.error().message);
    return std::move(settings).value();
}

/// All of CLI's are ParseErrors, so the particular ones are caught first. Output that cannot be
/// written is a failure, or a script would take half of a list for all of it.
ExitCode run_command_line(CLI::App& app, int argc, char** argv) {
    const std::string program = app.get_name();
    try {
        app.parse(argc, argv);
        std::cout.flush();
        if (!std::cout) return tell(program, ExitCode::kFailed, "cannot write to stdout", "");
        return ExitCode::kDone;
    } catch (const CLI::RuntimeError& ended) {  // The error has been printed.
        return static_cast<ExitCode>(ended.get_exit_code());
    } catch (const CLI::Success& asked) {  // --help or --version.
        app.exit(asked, std::cout, std::cerr);
        return ExitCode::kDone;
    } catch (const CLI::ExtrasError&) {
        const std::vector<std::string> unknown = app.remaining(true);
        return tell(program, ExitCode::kUsage,
                    "unknown argument \"" + (unknown.empty() ? "" : unknown.front()) + '"',
                    help_of(app) + " lists all");
    } catch (const CLI::ParseError& error) {
        return tell(program, ExitCode::kUsage, error.what(), help_of(app));
    } catch (const Failure& failure) {
        return tell(program, failure.code(), failure.what(), failure.hint());
    } catch (const ConfigError& error) {
        return tell(program, ExitCode::kUsage, error.what(), "");
    } catch (const std::exception& error) {
        return tell(program, ExitCode::kFailed, error.what(), "");
    }
}

Patience real_patience(const base::Clock& clock) {
    return {clock, [](std::chrono::milliseconds pause) {
                ::poll(nullptr, 0, static_cast<int>(pause.count()));
            }};
}

}  // namespace storm::cli
