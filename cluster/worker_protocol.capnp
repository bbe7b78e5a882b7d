# The messages of cluster/worker_protocol.h. Fields and kinds are only ever added; a kind that the
# reader does not know is skipped.
@0x9b3c7d1f5e2a8c47;

using Cxx = import "/capnp/c++.capnp";
using Records = import "records.capnp";
$Cxx.namespace("storm::cluster::schema");

struct Bootstrap {
  topology @0 :Records.TopologyRecord;
  assignment @1 :Records.Assignment;
  number @2 :UInt32;
  incarnation @3 :UInt64;
  supervisorSocket @4 :Text;
  token @5 :Data;
  nimbuses @6 :List(NimbusAddress);
}

struct NimbusAddress {
  host @0 :Text;
  port @1 :UInt16;
}

struct Vouch {
  sure @0 :Bool;
  nimbuses @1 :List(NimbusAddress);
}

struct Hello {
  token @0 :Data;
  stormVersion @1 :Text;
  pid @2 :Int32;
}

struct Stop {
  drain @0 :Bool = true;
}

struct ComponentReport {
  id @0 :Text;
  emitted @1 :UInt64;
  transferred @2 :UInt64;
  executed @3 :UInt64;
  acked @4 :UInt64;
  failed @5 :UInt64;
  pending @6 :UInt64;
  errors @7 :UInt64;
  completeLatency @8 :List(UInt64);
  lastErrors @9 :List(Data);
  dropped @10 :UInt64;
  lostInputs @11 :UInt64;
  lostEmits @12 :UInt64;
  unreplayed @13 :UInt64;
  kept @14 :UInt64;
  errorCounts @15 :List(UInt64);  # Of lastErrors, in their order.
  errorTasks @16 :List(UInt32);   # The same.
  statuses @17 :List(TaskStatus);
  openingTask @18 :UInt32;
  openingSecs @19 :UInt32;
}

struct TaskStatus {
  task @0 :UInt32;
  text @1 :Data;
}

struct WorkerReport {
  assignmentEpoch @0 :UInt64;
  state @1 :UInt8;
  metricsPort @2 :UInt16;
  failure @3 :Data;
  components @4 :List(ComponentReport);
  lease @5 :UInt8;
}

struct ToWorker {
  union {
    assign @0 :Records.Assignment;
    stop @1 :Stop;
    vouch @2 :Vouch;
  }
}

struct ToSupervisor {
  union {
    hello @0 :Hello;
    report @1 :WorkerReport;
  }
}
