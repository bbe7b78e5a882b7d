// How two workers of a topology prove to each other that they belong to it: both know the secret
// that Nimbus made for the topology. It is never sent.
//
//     dialer   ── Hello(nonce) ─────────────────────────────► acceptor
//              ◄─ Challenge(its own Hello(nonce), a proof) ───
//              ── Proof(last sequence taken, a proof) ───────►
//              ◄─ Ready(last sequence taken, a proof) ────────
//
// A proof is HMAC-SHA256 with the secret over the kind of the frame, its fields and both hellos. So
// it cannot be replayed, reflected to its sender, or altered on the way.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace storm::worker {

/// The kind and the fields of a frame that carries a proof.
struct Statement {
    enum class Kind : std::uint8_t { kChallenge, kProof, kReady };
    Kind kind = Kind::kChallenge;
    std::uint64_t received = 0;
    bool fenced = false;
    bool succeeded = false;
    std::uint32_t live = 0;
};

std::string proof_of(const Statement& statement, std::string_view secret, const wire::Hello& dialer,
                     const wire::Hello& acceptor);

}  // namespace storm::worker
