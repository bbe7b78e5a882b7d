#include "worker/wiring/cycles.h"

#include <algorithm>

#include "base/check.h"

namespace storm::worker {
namespace {

// Walks from listeners to sources; strongly connected parts are the same in either direction. The
// depth of the recursion is bounded by the number of components.
class Tarjan {
public:
    explicit Tarjan(const Topology& topology)
        : size_(topology.components().size()), sources_(size_), state_(size_) {
        cycles_.of_component.assign(size_, kNoCycle);
        for (std::size_t c = 0; c < size_; ++c) {
            for (const Subscription& input : topology.components()[c].inputs) {
                sources_[c].push_back(component_index(topology, input.source));
            }
        }
    }

    Cycles run() {
        for (std::size_t c = 0; c < size_; ++c) {
            if (state_[c].order == 0) visit(c);
        }
        return std::move(cycles_);
    }

private:
    struct State {
        std::size_t order = 0;  // Order of discovery, from 1.
        std::size_t low = 0;
        bool on_stack = false;
    };

    void visit(std::size_t c) {
        state_[c] = {++discovered_, discovered_, true};
        stack_.push_back(c);
        for (const std::size_t source : sources_[c]) {
            if (state_[source].order == 0) {
                visit(source);
                state_[c].low = std::min(state_[c].low, state_[source].low);
            } else if (state_[source].on_stack) {
                state_[c].low = std::min(state_[c].low, state_[source].order);
            }
        }
        if (state_[c].low == state_[c].order) pop_part(c);
    }

    void pop_part(std::size_t root) {
        const auto from = std::find(stack_.begin(), stack_.end(), root);
        // A single component is a cycle only if it listens to itself.
        const bool own_listener =
            std::count(sources_[root].begin(), sources_[root].end(), root) > 0;
        const bool cycle = stack_.end() - from > 1 || own_listener;
        for (auto member = from; member != stack_.end(); ++member) {
            state_[*member].on_stack = false;
            if (cycle) cycles_.of_component[*member] = cycles_.count;
        }
        if (cycle) ++cycles_.count;
        stack_.erase(from, stack_.end());
    }

    std::size_t size_;
    std::vector<std::vector<std::size_t>> sources_;
    std::vector<State> state_;
    std::vector<std::size_t> stack_;
    std::size_t discovered_ = 0;
    Cycles cycles_;
};

}  // namespace

Cycles find_cycles(const Topology& topology) {
    return Tarjan(topology).run();
}

std::size_t component_index(const Topology& topology, std::string_view id) {
    const Component* const component = topology.component(id);
    STORM_CHECK(component != nullptr, "build() has checked every subscription");
    return static_cast<std::size_t>(component - topology.components().data());
}

}  // namespace storm::worker
