# The messages of a link between two workers. docs/wire-format.md says how the frames follow each
# other. Fields are only ever added; a new kind of frame needs a feature bit that both sides have.

@0xa8b1f6f0c1c7d3e5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("storm::wire::schema");

struct Hello {
  protocolMin @0 :UInt16;
  protocolMax @1 :UInt16;
  worker @2 :UInt32;       # Number of the sender.
  features @3 :UInt64;
  incarnation @4 :UInt64;
  topology @5 :Text;       # Its id.
  nonce @6 :Data;          # 32 random bytes.
  epoch @7 :UInt64;        # Epoch of the sender's assignment.
}

struct Frame {
  union {
    # The handshake: the dialer says hello; each side proves that it knows the topology's secret.
    hello @0 :Hello;
    challenge :group {
      hello @1 :Hello;
      mac @2 :Data;        # HMAC-SHA256 over "accept", four zeros, both hellos.
    }
    proof :group {
      mac @3 :Data;        # HMAC-SHA256 over "dial", the other fields, both hellos.
      received @4 :UInt64; # The last sequence number taken from this incarnation.
      fenced @5 :Bool;     # The sender has fenced this incarnation,
      succeeded @17 :Bool; # and knows of a newer one, or of an assignment with one.
      live @18 :UInt32;    # Other workers that the sender is connected to.
    }
    ready :group {         # The same, said by the other side.
      received @6 :UInt64;
      fenced @8 :Bool;
      mac @16 :Data;       # HMAC-SHA256 over "ready", the other fields, both hellos.
      succeeded @19 :Bool;
      live @20 :UInt32;
    }
    refused @7 :Text;      # The reason. The connection ends.

    # After the handshake.
    batch @9 :Data;        # A batch header and the runs.
    control :group {
      sequence @10 :UInt64;
      records @11 :Data;   # 24 bytes each.
      checksum @14 :UInt64; # XXH3_64bits of the records, seed: the sequence number.
    }
    receipt :group {
      sequence @12 :UInt64; # Everything up to here has been taken.
      complement @15 :UInt64; # All bits of the sequence inverted.
    }
    heartbeat @13 :Void;
  }
}
