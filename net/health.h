// The answer of /health, in the same words for all processes:
//
//     status        HTTP
//     ok            200   all is well
//     degraded      200   the process does its work; `problems` need somebody's attention
//     unavailable   503   it cannot do its work now; `problems` say why
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "net/http_message.h"

namespace storm::net {

struct Health {
    bool available = true;
    std::vector<std::string> problems = {};
};

/// `details`: an object with what the process knows besides.
HttpResponse health_response(const Health& health, const nlohmann::ordered_json& details);

}  // namespace storm::net
