// /metrics and /health of a running topology, over HTTP.
//
// Threads: as in net::HttpServer; reads shared data on the server's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_server.h"
#include "worker/executor/shared.h"
#include "worker/run/metrics.h"

namespace boost::asio {
class io_context;
}

namespace storm::worker {

/// `shared` must outlive the server. Port 0: any free port.
base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(std::uint16_t port,
                                                             const Shared& shared,
                                                             MetricsSource source);

/// The same on `host` and any free port, on the thread that runs `io`, which also calls `lease`.
base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(boost::asio::io_context& io,
                                                             const std::string& host,
                                                             const Shared& shared,
                                                             MetricsSource source,
                                                             std::function<LeaseState()> lease);

}  // namespace storm::worker
