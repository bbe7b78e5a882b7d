#include "worker/serve/relative_paths.h"

#include <algorithm>
#include <string_view>

namespace storm::worker {
namespace {

bool is_own(const std::string& key) {
    const auto known = known_settings();
    return std::none_of(known.begin(), known.end(),
                        [&key](const Setting& setting) { return setting.key == key; });
}

/// Neither an absolute path nor a number nor a URL.
bool may_be_relative_path(const std::string& value) {
    constexpr std::size_t kBytesMin = 2;
    return value.size() >= kBytesMin && value.front() != '/' &&
           value.find("://") == std::string::npos &&
           value.find_first_not_of("0123456789.+-eE") != std::string::npos;
}

}  // namespace

std::string with_path_hint(const std::string& failure, const Config& config,
                           const std::string& folder) {
    if (failure.empty() || folder.empty()) return failure;
    for (const auto& [key, value] : config.entries()) {
        if (!is_own(key) || !may_be_relative_path(value)) continue;
        // Messages name files in quotes; a plain word without quotes is rather a word.
        const bool is_word = value.find_first_of("./") == std::string::npos;
        const std::string_view before = is_word ? "\"'" : "\"' ";
        const std::size_t at = failure.find(value);
        if (at == std::string::npos || at == 0) continue;
        if (before.find(failure[at - 1]) == std::string_view::npos) continue;
        std::string hint = failure;
        hint.append("; if \"").append(value).append("\" is a path: relative paths begin at the ");
        hint.append("worker's folder, ").append(folder);
        return hint;
    }
    return failure;
}

}  // namespace storm::worker
