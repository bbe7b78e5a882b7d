// Records as the bytes that lie in ZooKeeper: Cap'n Proto (cluster/records.capnp), so that daemons
// of different versions can read each other's records.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/records.h"

namespace storm::cluster {

/// Writes the unknown fields of a newer version again. If a TopologyRecord has some, only what a
/// request or a rebalance changes is taken from the value; the rest stays as it was written.
std::string encode(const TopologyRecord& record);
std::string encode(const Assignment& record);
std::string encode(const SupervisorRecord& record);
std::string encode(const NimbusRecord& record);
std::string encode(const Leadership& record);
std::string encode(const TopologyErrors& record);
std::string encode(const Removal& record);

/// Takes any bytes; the result is a record, or an error that says what is wrong.
template <typename Record>
base::Result<Record> decode(std::string_view bytes);

template <>
base::Result<TopologyRecord> decode(std::string_view bytes);
template <>
base::Result<Assignment> decode(std::string_view bytes);
template <>
base::Result<SupervisorRecord> decode(std::string_view bytes);
template <>
base::Result<NimbusRecord> decode(std::string_view bytes);
template <>
base::Result<Leadership> decode(std::string_view bytes);
template <>
base::Result<TopologyErrors> decode(std::string_view bytes);
template <>
base::Result<Removal> decode(std::string_view bytes);

}  // namespace storm::cluster
