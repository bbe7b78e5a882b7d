// The dialer's side of a handshake; transport/authentication.h draws the whole of it.
//
//     begin() ──► called ──Challenge──► proved ──Ready──► up
//                   └───────── a wrong answer ─┴──► refused, or one of the two must end
//
// Threads: the links' thread. No socket: frames go in, steps come out.
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
    /// The caller's next step after a frame.
    struct Step {
        enum class Kind : std::uint8_t {
            kProve,    // Send `proof` and wait for the next frame.
            kUp,       // The peer has proved its identity.
            kRefused,  // The peer broke the protocol; `why` says how.
            kOver,     // Nobody did, but one of the two is fenced; see `why`.
        };
        Kind kind;
        std::string why;
        std::optional<wire::Proof> proof;
        std::uint64_t incarnation = 0;  // kUp: the peer's incarnation.
        std::uint64_t received = 0;     // kUp: the last frame that the peer has taken.
        std::uint64_t epoch = 0;        // kUp: epoch of the peer's assignment.
        bool superseded = false;        // kOver: this worker is the one that must end.
    };

    /// `worker` is the peer. `own` and `members` must outlive this.
    Call(const LinkIdentity& own, std::uint32_t worker, Membership& members)
        : own_(own), worker_(worker), members_(members) {}

    /// Starts a new handshake; returns its first frame.
    const wire::Hello& begin();
    /// Takes a frame of the peer. `writing`: the last frame to the peer is not sent yet.
    Step take(const wire::Frame& frame, bool writing);

private:
    Step take(const wire::Challenge& challenge, bool writing);
    Step take(const wire::Ready& ready);

    const LinkIdentity& own_;
    const std::uint32_t worker_;
    Membership& members_;
    wire::Hello hello_;  // Our own.
    wire::Hello theirs_;
    std::uint64_t greeted_ = 0;  // The incarnation that has proved its identity; 0: none yet.
    Standing said_;              // The standing that we told it.
};

}  // namespace storm::worker
