#include <storm/topology.h>

namespace storm {

std::string_view to_string(GroupingKind kind) {
    switch (kind) {
        case GroupingKind::kShuffle:
            return "shuffle";
        case GroupingKind::kFields:
            return "fields";
        case GroupingKind::kPartialKey:
            return "partial_key";
        case GroupingKind::kAll:
            return "all";
        case GroupingKind::kGlobal:
            return "global";
        case GroupingKind::kNone:
            return "none";
        case GroupingKind::kDirect:
            return "direct";
        case GroupingKind::kLocalOrShuffle:
            return "local_or_shuffle";
        case GroupingKind::kCustom:
            return "custom";
    }
    return "unknown";
}

const StreamDeclaration* Component::output(std::string_view stream) const {
    for (const StreamDeclaration& declared : outputs) {
        if (declared.name == stream) return &declared;
    }
    return nullptr;
}

const Component* Topology::component(std::string_view id) const {
    for (const Component& component : components_) {
        if (component.id == id) return &component;
    }
    return nullptr;
}

}  // namespace storm
