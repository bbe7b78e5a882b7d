// A Supervisor's identity on this host, kept from one start to the next: its id, and the ports of
// its slots.
//
// Threads: one. Reads and writes files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "supervisor/settings.h"

namespace storm::supervisor {

struct Identity {
    std::string id;
    std::string home;                  ///< Generated once per directory.
    std::vector<std::uint16_t> slots;  ///< Ports in the order of the settings, all different.
};
/// The `home` that a Supervisor has written there; empty: none, or it cannot be read.
std::string home_in(const Places& places);
/// Reads the identity from the directory, or generates it and writes it there. `free` says whether
/// a port can be used.
base::Result<Identity> identify(const Settings& settings,
                                const std::function<bool(std::uint16_t)>& free);

}  // namespace storm::supervisor
