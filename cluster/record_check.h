// Validates records and messages: called by decoders after parsing, and by writers before encoding.
//
// A check returns the fault, such as `artifact "a/b" has a slash in its name`; empty: none.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "cluster/records.h"
#include "cluster/reports.h"
#include "cluster/worker_protocol.h"

namespace storm::cluster {

/// A topology's name or id: letters, digits, '_', '-' and '.', starting with a letter, digit or
/// '_', so that it can be a folder, a node and an argument. At most `bytes_max`.
bool is_name(std::string_view text, std::size_t bytes_max);
/// A host, a daemon's id or a file name: printable ASCII without blank and slash, not "." or "..",
/// at most kIdBytesMax.
bool is_id(std::string_view text);

std::string fault(const TopologyRecord& record);
std::string fault(const Assignment& record);
std::string fault(const SupervisorRecord& record);
std::string fault(const NimbusRecord& record);
std::string fault(const Leadership& record);
std::string fault(const TopologyErrors& record);
std::string fault(const Removal& record);

std::string fault(const Bootstrap& bootstrap);
std::string fault(const Hello& hello);
std::string fault(const WorkerReport& report);

}  // namespace storm::cluster
