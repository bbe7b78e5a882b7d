#include "worker/executor/shared.h"

#include <utility>

#include "worker/executor/spout_settings.h"

namespace storm::worker {

Shared::Shared(Topology topology, const Config& config, const base::Clock& clock_given, Share share)
    : wiring(std::move(topology), config, std::move(share)),
      limits(limits_of(wiring)),
      timeouts(wiring),
      clock(clock_given),
      errors(wiring, clock) {
    for (const Component& component : wiring.topology.components()) {
        std::unique_ptr<SpoutWindow>& window = spout_windows.emplace_back();
        if (!component.is_spout()) continue;
        const Config own = cluster::component_config(component, wiring.config);
        window = std::make_unique<SpoutWindow>(message_timeout(own), max_spout_pending(own));
    }
    for (std::size_t i = 0; i < wiring.cycles.count; ++i) {
        cycles.push_back(
            std::make_unique<Cycle>(wiring.config.int64("topology.cycle.buffer.bytes")));
    }
    for (std::uint32_t i = 0; wiring.share.workers > 1 && i < wiring.share.workers; ++i)
        peers.push_back(i == wiring.share.own ? nullptr : std::make_unique<PeerOutbox>());
}

Shared::~Shared() {
    // Output that no link took before it ended.
    for (const auto& peer : peers) {
        if (peer == nullptr) continue;
        peer->batches.take_all(free_batch);
        peer->control.take_all([](ControlBatch* left) { delete left; });
    }
}

Cycle* Shared::cycle_of(std::size_t component) const {
    const std::size_t cycle = wiring.cycles.of_component[component];
    return cycle == kNoCycle ? nullptr : cycles[cycle].get();
}

Cycle* Shared::cycle_between(std::size_t source, std::size_t target) const {
    return wiring.cycles.inside(source, target) ? cycle_of(source) : nullptr;
}

}  // namespace storm::worker
