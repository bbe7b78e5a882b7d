// The part of the Supervisor that looks at ports of slots which other programs have taken.
#include <utility>
#include <vector>

#include "base/log.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"
#include "supervisor/supervisor.h"

namespace storm::supervisor {

/// Somebody else's program has the port. Nimbus moves the worker when the slot is no longer
/// offered; the program may end, so the port is looked at from time to time.
void Supervisor::port_taken_(std::uint16_t port, bool taken) {
    const bool changed = taken ? taken_ports_.insert(port).second : taken_ports_.erase(port) > 0;
    if (changed) publish_();
    look_at_ports_later_();
}

void Supervisor::look_at_ports_later_() {
    if (taken_ports_.empty() || looks_at_ports_) return;
    looks_at_ports_ = true;
    loop_.after(kTakenPortMicros, lifetime_.guard([this] {
        looks_at_ports_ = false;
        look_at_taken_ports_();
    }));
}

void Supervisor::look_at_taken_ports_() {
    // Not on the loop: the host may be a name, whose look-up takes as long as its server likes.
    const bool taken = files_.run(
        [host = settings_.host, ports = taken_ports_] {
            std::vector<std::pair<std::uint16_t, bool>> found;
            for (const std::uint16_t port : ports)
                found.emplace_back(port, try_port(host, port).has_value());
            return found;
        },
        lifetime_.guard([this](const std::vector<std::pair<std::uint16_t, bool>>& found) {
            for (const auto& [port, free] : found) {
                if (free)
                    base::log::info("the port of a slot is free", {{"port", std::int64_t{port}}});
                port_taken_(port, !free);
            }
        }));
    if (!taken) look_at_ports_later_();
}

}  // namespace storm::supervisor
