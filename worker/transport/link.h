// A link to one other worker, without socket and clock: which frames have been sent, taken and
// receipted, and which incarnation of the peer it is with.
//
//              up()                    down()              up() by the same incarnation: resumed
//     kNew ───────────► kUp ◄──────────────────────► kDown
//                        │  up() by a newer one: the     │ fence(); membership.h decides that
//                        │  old one is fenced            │
//                        └───────────► kFenced ◄─────────┘
//                                         │ up() by a newer one
//                                         └────────────► kUp
//
// A life lasts from the first up() of an incarnation to its fence. Frames of a life are numbered
// from 1 in each direction. Sent frames are retained until the peer has taken them, and are sent
// again when the life is resumed, so no frame is lost or taken twice. A fence is final: no
// incarnation up to the fenced one is let in again.
//
// Order:   judge(), then up(); ship() and took() only while kUp.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "wire/control.h"

namespace storm::worker {

struct Batch;

/// A frame to the peer: `head`, then the runs of `batch` or, without a batch, the control records.
struct Shipment {
    std::uint64_t sequence = 0;
    std::string head;
    Batch* batch = nullptr;
    std::vector<wire::ControlRecord> records;
    std::size_t bytes = 0;  ///< Head and body.
    bool matters = false;   ///< Holds rows, or the fate of rows.
};

class Link {
public:
    enum class State : std::uint8_t { kNew, kUp, kDown, kFenced };

    State state() const { return state_; }
    std::uint64_t incarnation() const { return incarnation_; }

    enum class Verdict : std::uint8_t {
        kWelcome,
        kFenced,  ///< Fenced, or older than the present one.
    };
    Verdict judge(std::uint64_t incarnation) const {
        return incarnation <= fenced_ || incarnation < incarnation_ ? Verdict::kFenced
                                                                    : Verdict::kWelcome;
    }
    /// For the handshake: the last frame that was taken from that incarnation.
    std::uint64_t received_from(std::uint64_t incarnation) const {
        return incarnation == incarnation_ && state_ != State::kFenced ? received_ : 0;
    }

    struct Beginning {
        bool new_life = false;
        bool lost = false;  ///< A former life ended with this: what the peer held is lost.
        std::vector<Shipment> taken;  ///< Frames that the peer has taken already.
    };
    /// The handshake is done. REQUIRES: judge(incarnation) is kWelcome. When a life is resumed, the
    /// caller sends the rest of retained() again, in order.
    Beginning up(std::uint64_t incarnation, std::uint64_t peer_received);
    void down(base::Micros now);

    /// The last incarnation that was fenced; 0: none.
    std::uint64_t fenced() const { return fenced_; }
    /// Fences all incarnations up to `incarnation`. True if that ends a life: what the peer held is
    /// lost.
    bool fence(std::uint64_t incarnation);
    /// Restarts the grace period, as if the link had just gone down.
    void restart_grace(base::Micros now) {
        if (state_ == State::kDown) down_since_ = now;
    }
    /// When the grace period ends; 0: the link is not down.
    base::Micros fence_due() const { return state_ == State::kDown ? down_since_ + grace_ : 0; }

    // ---- Sending.
    std::uint64_t next_sequence() const { return sent_ + 1; }
    /// REQUIRES: kUp; shipment.sequence is next_sequence().
    void ship(Shipment shipment);
    bool may_ship() const { return retained_bytes_ < retained_max_; }
    const std::deque<Shipment>& retained() const { return retained_; }
    /// The peer has taken everything up to `sequence`; appends the frames that need no longer be
    /// retained to `released`. False: that frame has not even been sent; close the connection.
    [[nodiscard]] bool receipted(std::uint64_t sequence, std::vector<Shipment>& released);

    // ---- Receiving.
    /// Whether a frame that has arrived is the next one in order. If not, something was lost or
    /// damaged: close the connection; everything after received() comes again on the next one.
    bool is_next(std::uint64_t sequence) const { return sequence == received_ + 1; }
    /// The frame has been taken completely. REQUIRES: kUp, is_next(sequence).
    void took(std::uint64_t sequence);
    std::uint64_t received() const { return received_; }
    /// A frame was refused. Returns how many were since the last one that was taken.
    int refused() { return ++refused_in_turn_; }

    Link(base::Micros grace, std::size_t retained_max)
        : grace_(grace), retained_max_(retained_max) {}
    /// Frames that ended lives had retained. The caller frees them.
    std::vector<Shipment> take_dropped();

private:
    void end_life();

    base::Micros grace_;
    std::size_t retained_max_;
    State state_ = State::kNew;
    std::uint64_t incarnation_ = 0;  // The peer's; 0: none yet.
    std::uint64_t fenced_ = 0;       // This incarnation and all before it.
    base::Micros down_since_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    int refused_in_turn_ = 0;
    std::deque<Shipment> retained_;
    std::size_t retained_bytes_ = 0;
    std::vector<Shipment> dropped_;
};

}  // namespace storm::worker
