// How two workers of a topology prove to each other that they are: by the secret that Nimbus made
// for the topology, without sending it.
//
//     dialer   ── Hello(nonce) ─────────────────────────────► acceptor
//              ◄─ Challenge(its own Hello(nonce), its proof) ─
//              ── Proof ────────────────────────────────────►
//
// A proof is HMAC-SHA256 with the secret over the role and both hellos, so that neither can be
// played back, or at the other one.
//
// Threads: pure functions, but for random_nonce(), which asks the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace storm::worker {

enum class Role : std::uint8_t { kDialer, kAcceptor };

std::string proof_of(Role role, std::string_view secret, const wire::Hello& dialer,
                     const wire::Hello& acceptor);
/// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);
std::string random_nonce();

}  // namespace storm::worker
