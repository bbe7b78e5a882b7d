// Records in the structs that Cap'n Proto makes of cluster/records.capnp; for codecs only, as its
// headers take long to compile.
//
// Reading checks nothing: cluster/record_check.h does.
//
// Threads: pure functions.
#pragma once

#include <capnp/orphan.h>

#include "cluster/flat_message.h"
#include "cluster/records.capnp.h"
#include "cluster/records.h"

namespace storm::cluster {

void write(const TopologyRecord& record, schema::TopologyRecord::Builder to);
void write(const Assignment& record, schema::Assignment::Builder to);
void write(const SupervisorRecord& record, schema::SupervisorRecord::Builder to);
void write(const NimbusRecord& record, schema::NimbusRecord::Builder to);
void write(const Leadership& record, schema::Leadership::Builder to);
void write(const TopologyErrors& record, schema::TopologyErrors::Builder to);
void write(const Removal& record, schema::Removal::Builder to);

TopologyRecord read(schema::TopologyRecord::Reader from);
Assignment read(schema::Assignment::Reader from);
SupervisorRecord read(schema::SupervisorRecord::Reader from);
NimbusRecord read(schema::NimbusRecord::Reader from);
Leadership read(schema::Leadership::Reader from);
TopologyErrors read(schema::TopologyErrors::Reader from);
Removal read(schema::Removal::Reader from);

// Only what this version may change, so that what a newer one wrote besides stays.
void change(const TopologyRecord& record, schema::TopologyRecord::Builder to);
void change(const Assignment& record, schema::Assignment::Reader before,
            schema::Assignment::Builder to, const capnp::Orphanage& orphanage);

}  // namespace storm::cluster
