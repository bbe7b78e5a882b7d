#include "cli/completion.h"

#include <exception>
#include <ostream>

#include <CLI/CLI.hpp>

#include "base/check.h"

namespace storm::cli {
namespace {

#include "completion.inc"

constexpr std::string_view kAsk = "__complete";
constexpr std::string_view kFiles = ":files";

bool is_option(std::string_view word) {
    return word.size() > 1 && word.starts_with('-');
}

const CLI::App* verb_of(const CLI::App& app, const std::string& word) {
    for (const CLI::App* const verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (verb->get_name() == word) return verb;
    }
    return nullptr;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* option) { return !option->get_positional(); });
}

/// The option that takes the word after `word` as its value; null: none does.
const CLI::Option* taker_after(const CLI::App& app, const std::string& word) {
    for (const CLI::Option* const option : options_of(app)) {
        if (option->get_items_expected_max() > 0 && option->check_name(word)) return option;
    }
    return nullptr;
}

/// The argument at that place, counted from 0; null: there is none.
const CLI::Option* argument_at(const CLI::App& app, std::size_t place) {
    const std::vector<const CLI::Option*> arguments =
        app.get_options([](const CLI::Option* option) { return option->get_positional(); });
    return place < arguments.size() ? arguments[place] : nullptr;
}

/// Walks along the words, and offers what may come next.
class Walk {
public:
    Walk(const CLI::App& app, const Offers& offers) : app_(&app), offers_(offers) {}

    /// Follows what is complete on the line, as CLI would: what may come next depends on the verb,
    /// and on the settings, which say where the cluster is.
    void pass(const std::string& word) {
        if (taker_ != nullptr) {
            if (taker_->check_name("-c")) given_.assignments.push_back(word);
            if (taker_->check_name("--config")) given_.files.push_back(word);
            taker_ = nullptr;
        } else if (is_option(word)) {
            taker_ = taker_after(*app_, word);
        } else if (const CLI::App* const verb = verb_of(*app_, word); verb && arguments_ == 0) {
            app_ = verb;
        } else {
            ++arguments_;
        }
    }

    std::vector<std::string> complete(const std::string& last) {
        last_ = last;
        if (taker_ != nullptr) {
            offer_values(*taker_);
        } else if (last.starts_with('-')) {
            offer_options();
        } else {
            for (const CLI::App* const verb :
                 app_->get_subcommands([](const CLI::App*) { return true; }))
                offer(verb->get_name(), verb->get_description());
            if (const CLI::Option* const argument = argument_at(*app_, arguments_))
                offer_values(*argument);
        }
        return std::move(lines_);
    }

private:
    void offer(const std::string& word, const std::string& meaning) {
        if (!word.starts_with(last_)) return;
        lines_.push_back(meaning.empty() ? word : word + '\t' + meaning);
    }

    void offer_options() {
        for (const CLI::Option* const option : options_of(*app_)) {
            for (const std::string& name : option->get_lnames())
                offer("--" + name, option->get_description());
            for (const std::string& name : option->get_snames())
                offer("-" + name, option->get_description());
        }
    }

    void offer_values(const CLI::Option& option) {
        const auto found = offers_.find(&option);
        if (found == offers_.end()) {
            const std::string type = option.get_type_name();
            if (type == "FILE" || type == "PATH") lines_.emplace_back(kFiles);
            return;
        }
        try {
            for (const std::string& value : found->second(given_)) offer(value, "");
        } catch (const std::exception&) {
            // While somebody types is not the time for an error: the command itself will tell it.
            lines_.clear();
        }
    }

    const CLI::App* app_;
    const Offers& offers_;
    const CLI::Option* taker_ = nullptr;  // It takes the next word as its value.
    std::size_t arguments_ = 0;           // Number of arguments so far, without verbs.
    SettingsOptions given_;
    std::string last_;
    std::vector<std::string> lines_;
};

}  // namespace

std::string_view completion_script(std::string_view shell) {
    if (shell == "bash") return kBash;
    if (shell == "zsh") return kZsh;
    STORM_CHECK(shell == "fish", "the command line takes no others");
    return kFish;
}

std::optional<std::vector<std::string>> words_to_complete(int argc, const char* const* argv) {
    if (argc < 3 || argv[1] != kAsk) return std::nullopt;
    return std::vector<std::string>(argv + 2, argv + argc);
}

std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const Offers& offers) {
    Walk walk(app, offers);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) walk.pass(words[i]);
    return walk.complete(words.empty() ? "" : words.back());
}

bool complete_if_asked(const CLI::App& app, int argc, const char* const* argv, const Offers& offers,
                       std::ostream& out) {
    const auto words = words_to_complete(argc, argv);
    if (!words) return false;
    for (const std::string& line : complete(app, *words, offers)) out << line << '\n';
    return true;
}

}  // namespace storm::cli
