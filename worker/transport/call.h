// A handshake, on the side of the worker that calls (transport/authentication.h draws it).
//
//     begin() ──► called ──Challenge──► proved ──Ready──► up
//                   └───────── a wrong answer ─┴──► refused, or one of the two must end
//
// Threads: the links' thread. It knows no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wire/frame.h"
#include "worker/transport/membership.h"
#include "worker/transport/peers.h"

namespace storm::worker {

class Call {
public:
    /// What is to be done after a frame.
    struct Step {
        enum class Kind : std::uint8_t {
            kProve,    // Send `proof`, and go on.
            kUp,       // The peer is who it says.
            kRefused,  // `why`: it has done something wrong.
            kOver,     // `why`: nobody has; one of the two has been given up.
        };
        Kind kind;
        std::string why;
        std::optional<wire::Proof> proof;
        std::uint64_t incarnation = 0;  // With kUp: the peer's,
        std::uint64_t received = 0;     // and what it has taken.
        bool superseded = false;        // With kOver: it is this worker that must end.
    };

    /// Both outlive it. `worker`: who is called.
    Call(const LinkIdentity& own, std::uint32_t worker, Membership& members)
        : own_(own), worker_(worker), members_(members) {}

    /// A new call; what is to be sent.
    const wire::Hello& begin();
    /// `writing`: what was sent last is not out yet.
    Step take(const wire::Frame& frame, bool writing);

private:
    Step take(const wire::Challenge& challenge, bool writing);
    Step take(const wire::Ready& ready);

    const LinkIdentity& own_;
    const std::uint32_t worker_;
    Membership& members_;
    wire::Hello hello_;  // Ours.
    wire::Hello theirs_;
    std::uint64_t greeted_ = 0;  // The incarnation that has proved itself; 0: none has yet.
    Standing said_;              // To it.
};

}  // namespace storm::worker
