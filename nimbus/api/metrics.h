// /metrics of Nimbus.
//
// Threads: pure functions of borrowed data.
#pragma once

#include <cstdint>
#include <map>

#include "net/http_message.h"
#include "nimbus/api/views.h"
#include "nimbus/blobs/blob_store.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

struct MetricsSource {
    const Topologies& topologies;
    const Nimbuses& nimbuses;
    bool zookeeper_connected = false;
    BlobStore::Stock blobs;
    std::uint64_t blobs_missing = 0;
    std::uint64_t copies_lacking = 0;
    const std::map<int, std::uint64_t>& requests_by_status;
};

net::HttpResponse metrics_response(const MetricsSource& source);

}  // namespace storm::nimbus
