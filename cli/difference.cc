#include "cli/difference.h"

#include <algorithm>
#include <vector>

#include "cli/terminal.h"

namespace storm::cli {
namespace {

constexpr std::size_t kValueColumns = 60;

std::string shown(const Json& value) {
    return fitted(printable(value.dump(-1, ' ', false, Json::error_handler_t::replace)),
                  kValueColumns);
}

/// `"tasks": first 2, then 3`, for the first differing member.
std::string differing_member(const Json& first, const Json& second) {
    for (const auto& [key, value] : first.items()) {
        const auto other = second.find(key);
        if (other == second.end()) return '"' + printable(key) + "\" is missing the second time";
        if (*other != value) {
            return '"' + printable(key) + "\" is first " + shown(value) + ", then " + shown(*other);
        }
    }
    return "the second time it says more";
}

const Json* component_of(const Json& description, const std::string& id) {
    for (const Json& component : list_at(description, "components")) {
        if (text_at(component, "id") == id) return &component;
    }
    return nullptr;
}

std::string component_text(const std::string& id) {
    return "component \"" + printable(id) + "\": ";
}

}  // namespace

std::optional<std::string> difference(const Json& first, const Json& second) {
    if (first == second) return std::nullopt;
    for (const Json& component : list_at(first, "components")) {
        const std::string id = text_at(component, "id");
        const Json* const other = component_of(second, id);
        if (other == nullptr) return component_text(id) + "it is missing the second time";
        if (*other != component) return component_text(id) + differing_member(component, *other);
    }
    for (const Json& component : list_at(second, "components")) {
        const std::string id = text_at(component, "id");
        if (component_of(first, id) == nullptr) {
            return component_text(id) + "it is there only the second time";
        }
    }
    if (list_at(first, "components") != list_at(second, "components")) {
        return "its components come in another order";
    }
    return first.is_object() && second.is_object() ? differing_member(first, second)
                                                   : "it is something else";
}

}  // namespace storm::cli
