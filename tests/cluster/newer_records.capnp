# Records as a version after this one might have them.
@0xb7f1d5a2c6e90d43;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("storm::cluster::newer");

struct Setting {
  key @0 :Text;
  value @1 :Data;
  secret @2 :Bool;
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
  rebalance @11 :AnyPointer;
  owner @12 :Text;
  priority @13 :Int64;
}

struct WorkerSlot {
  number @0 :UInt32;
  supervisor @1 :Text;
  host @2 :Text;
  port @3 :UInt16;
  epoch @4 :UInt64;
  zone @5 :Text;
  weight @6 :UInt64;
}

struct Assignment {
  topology @0 :Text;
  epoch @1 :UInt64;
  status @2 :UInt8;
  killWaitMs @3 :Int64;
  workers @4 :List(WorkerSlot);
  workerOfExecutor @5 :List(UInt32);
  reason @6 :Text;
}

struct Removal {
  answerKey @0 :Data;
  by @1 :Text;
}
