#include "worker/serve/agreement.h"

#include <array>

#include <nlohmann/json.hpp>

namespace storm::worker {
namespace {

using Json = nlohmann::json;

std::string difference(const Json& submitted, const Json& built) {
    const std::string id = submitted.value("id", "");
    if (built.value("id", "") != id)
        return "component \"" + id + "\" is now \"" + built.value("id", "") + '"';
    // All that task ids, channels and the checks of rows follow from. The rest concerns one worker
    // alone: whether a component blocks, its ticks, its settings.
    for (const char* const what : {"kind", "parallelism", "tasks", "streams", "inputs"}) {
        if (submitted.value(what, Json()) == built.value(what, Json())) continue;
        return "component \"" + id + "\" has other " + what +
               " than when it was submitted: " + built.value(what, Json()).dump() + " instead of " +
               submitted.value(what, Json()).dump();
    }
    return "";
}

}  // namespace

std::string difference(std::string_view submitted, std::string_view built) {
    const Json before = Json::parse(submitted, nullptr, false);
    const Json now = Json::parse(built, nullptr, false);
    if (!before.is_object() || !before.contains("components") ||
        !before.at("components").is_array()) {
        return "the submitted description cannot be read";
    }
    const Json& was = before.at("components");
    const Json& is = now.at("components");
    for (std::size_t i = 0; i < was.size() && i < is.size(); ++i) {
        std::string found = difference(was[i], is[i]);
        if (!found.empty()) return found;
    }
    if (was.size() == is.size()) return "";
    return "there are " + std::to_string(is.size()) + " components, and were " +
           std::to_string(was.size());
}

}  // namespace storm::worker
