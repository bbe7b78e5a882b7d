// `storm`: the command line of Storm. Each verb has a file of its own; this one knows what the user
// may write.

#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <storm/detail/suggest.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/new_topology.h"
#include "cli/package.h"

namespace {

using storm::cli::ExitCode;

constexpr const char* kExamples =
    "Examples:\n"
    "  storm new word-stats      a new topology, ready to be built\n"
    "  storm new --help          what a verb does, and its options";

ExitCode new_topology(const std::string& name) {
    return storm::cli::make_topology(
        {.name = name,
         .parent = std::filesystem::current_path(),
         .cmake_option = storm::cli::cmake_option_for(storm::cli::this_executable())},
        std::cout, std::cerr);
}

/// What the user most likely meant, where the first argument is no verb.
std::string mistaken_verb(const CLI::App& app, std::string_view argument) {
    std::vector<std::string> names;
    for (const CLI::App* verb : app.get_subcommands({})) names.push_back(verb->get_name());
    std::vector<std::string_view> views(names.begin(), names.end());
    for (const std::string_view name : views) {
        if (name == argument) return "";
    }
    const std::string guess = storm::detail::did_you_mean(argument, views);
    return "there is no command " + storm::detail::quoted(argument) +
           "\n  hint: " + (guess.empty() ? "storm --help lists them" : guess);
}

ExitCode run(int argc, char** argv) {
    CLI::App app("Storm: stream processing", "storm");
    app.footer(kExamples);
    app.set_version_flag("--version", "storm " STORM_VERSION);
    app.require_subcommand(1);

    ExitCode code = ExitCode::kDone;
    std::string name;
    CLI::App& create = *app.add_subcommand("new", "Create the folder of a new topology");
    create.footer("");
    create.add_option("NAME", name, "Its name, and that of its folder")->required();
    create.callback([&] { code = new_topology(name); });

    CLI::App& version = *app.add_subcommand("version", "Print the version");
    version.callback([] { std::cout << "storm " STORM_VERSION "\n"; });

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
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help, --version
        app.exit(asked, std::cout, std::cerr);
    } catch (const CLI::ParseError& error) {
        std::cerr << "storm: " << error.what() << "\n  hint: storm " << argv[1] << " --help\n";
        return ExitCode::kUsage;
    }
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "storm: " << error.what() << '\n';
        return static_cast<int>(ExitCode::kFailed);
    }
}
