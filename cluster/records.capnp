# The records of cluster/records.h, as they lie in ZooKeeper. Fields are only ever added.
@0xd2f0a4a6c1e85b31;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("storm::cluster::schema");

struct Setting {
  key @0 :Text;
  value @1 :Data;
}

struct Artifact {
  name @0 :Text;
  sha256 @1 :Text;
  mode @2 :UInt32;
  bytes @3 :UInt64;
}

struct TopologyRecord {
  id @0 :Text;
  name @1 :Text;
  submittedMs @2 :Int64;
  description @3 :Data;
  settings @4 :List(Setting);
  artifacts @5 :List(Artifact);
  secret @6 :Data;
  status @7 :UInt8;
  killedMs @8 :Int64;
  killWaitMs @9 :Int64;
  sealed @10 :Bool;
  rebalance @11 :Rebalance;
}

struct Rebalance {
  backTo @0 :UInt8;
  workers @1 :UInt32;
  executors @2 :List(Executors);
}

struct Executors {
  component @0 :Text;
  count @1 :UInt32;
}

struct WorkerSlot {
  number @0 :UInt32;
  supervisor @1 :Text;
  host @2 :Text;
  port @3 :UInt16;
  epoch @4 :UInt64;
}

struct Assignment {
  topology @0 :Text;
  epoch @1 :UInt64;
  status @2 :UInt8;
  killWaitMs @3 :Int64;
  workers @4 :List(WorkerSlot);
  workerOfExecutor @5 :List(UInt32);
}

struct SupervisorRecord {
  id @0 :Text;
  host @1 :Text;
  httpPort @2 :UInt16;
  slots @3 :List(UInt16);
  stormVersion @4 :Text;
  machine @5 :Text;
  glibc @6 :Text;
  cpuFeatures @7 :List(Text);
  startedMs @8 :Int64;
  home @9 :Text;
  pid @10 :UInt32;
  isolation @11 :Text;
}

struct NimbusRecord {
  id @0 :Text;
  host @1 :Text;
  port @2 :UInt16;
  stormVersion @3 :Text;
  startedMs @4 :Int64;
}

struct Leadership {
  epoch @0 :UInt64;
  nimbus @1 :Text;
  startedMs @2 :Int64;
}

struct TopologyError {
  component @0 :Text;
  error @1 :Data;
  timeMs @2 :Int64;
  count @3 :UInt64;
  firstMs @4 :Int64;
  task @5 :UInt32;
}

struct TopologyErrors {
  errors @0 :List(TopologyError);
}

struct Removal {
  answerKey @0 :Data;
}
