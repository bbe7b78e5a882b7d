// How two workers of a topology prove to each other that they are: by the secret that Nimbus made
// for the topology, without sending it.
//
//     dialer   ── Hello(nonce) ─────────────────────────────► acceptor
//              ◄─ Challenge(its own Hello(nonce), its proof) ─
//              ── Proof(what it has taken, its proof) ───────►
//              ◄─ Ready(what it has taken, its proof) ────────
//
// A proof is HMAC-SHA256 with the secret over its kind, what is said with it and both hellos, so
// that none can be played back, or at the other one, or be changed on the way.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace storm::worker {

/// What is proved: kind of frame and its fields.
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
