// The settings of a Supervisor, checked.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <storm/config.h>

#include "base/result.h"
#include "net/address.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/isolation/isolation.h"
#include "supervisor/places.h"
#include "supervisor/slot.h"

namespace storm::supervisor {

struct Settings {
    Places places;
    std::string host;  ///< Address that this process and its workers listen on.
    std::uint16_t http_port = 0;
    bool beyond_loopback = false;
    std::string id;                    ///< Empty: one is generated.
    std::vector<std::uint16_t> slots;  ///< 0: any free port.
    SlotTimes times;
    std::vector<net::Address> nimbus_seeds;
    std::string token_file;           ///< Empty: no token.
    std::string readonly_token_file;  ///< Empty: no such token.
    IsolationSettings isolation;
};

/// An error says which setting, what is wrong, and what to do.
base::Result<Settings> read_settings(const Config& config);

}  // namespace storm::supervisor
