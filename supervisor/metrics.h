// /metrics of a Supervisor.
//
// Threads: pure functions.
#pragma once

#include "net/http_message.h"
#include "supervisor/overview.h"

namespace storm::supervisor {

net::HttpResponse metrics_response(const Overview& now);

}  // namespace storm::supervisor
