// /metrics and /health of a running topology, over HTTP.
//
// Threads: as net::HttpServer; reads what is shared from the server's thread.
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

/// `shared` must outlive it. Port 0: any free one.
base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(std::uint16_t port,
                                                             const Shared& shared,
                                                             MetricsSource source);

/// The same on `host`, on the thread that runs `io`, where it asks for `lease`. Any free port.
base::Result<std::unique_ptr<net::HttpServer>> serve_metrics(boost::asio::io_context& io,
                                                             const std::string& host,
                                                             const Shared& shared,
                                                             MetricsSource source,
                                                             std::function<LeaseState()> lease);

}  // namespace storm::worker
