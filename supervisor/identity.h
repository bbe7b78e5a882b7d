// Who a Supervisor is on this host, from one start to the next: its id, and the ports of its slots.
//
// Threads: one. Files are read and written.
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
    std::string home;                  ///< Made up once for the directory.
    std::vector<std::uint16_t> slots;  ///< In the order of the settings, each a port of its own.
};
/// As kept in the directory, or made up and kept there. `free` says whether a port can be had.
base::Result<Identity> identify(const Settings& settings,
                                const std::function<bool(std::uint16_t)>& free);

}  // namespace storm::supervisor
