#include "cli/completion.h"

#include "base/check.h"

namespace storm::cli {
namespace {

#include "completion.inc"

}  // namespace

std::string_view completion_script(std::string_view shell) {
    if (shell == "bash") return kBash;
    if (shell == "zsh") return kZsh;
    STORM_CHECK(shell == "fish", "the command line takes no others");
    return kFish;
}

}  // namespace storm::cli
