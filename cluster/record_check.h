// Validates records: called by decoders after parsing, and by writers before encoding.
//
// A check returns the fault, such as `artifact "a/b" has a slash in its name`; empty: none.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "cluster/records.h"

namespace storm::cluster {

std::string fault(const TopologyRecord& record);
std::string fault(const Assignment& record);
std::string fault(const SupervisorRecord& record);
std::string fault(const NimbusRecord& record);
std::string fault(const Leadership& record);
std::string fault(const TopologyErrors& record);
std::string fault(const Removal& record);

}  // namespace storm::cluster
