#include <storm/topology.h>

namespace storm {

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
