// A link to one other worker, without socket or clock: which frames have been sent, taken and
// receipted, whom it is with, and when that one is given up.
//
//              up()                    down()              up() by the same incarnation: resumed
//     kNew ───────────► kUp ◄──────────────────────► kDown
//                        │  up() by a newer one: the     │ fence(); who decides that:
//                        │  old one is fenced            │ membership.h
//                        └───────────► kFenced ◄─────────┘
//                                         │ up() by a newer one
//                                         └────────────► kUp
//
// A life is what lies between the first up() of an incarnation and its fence. Frames of a life are
// numbered from 1 on, in both directions. What was sent is retained until the peer says that it has
// taken it, and sent again when a life is resumed: nothing is lost or taken twice. A fence is
// final: no incarnation up to the fenced one is let in again.
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

/// A frame on its way: `head`, then the runs of `batch` or, if it has none, the control records.
struct Shipment {
    std::uint64_t sequence = 0;
    std::string head;
    Batch* batch = nullptr;
    std::vector<wire::ControlRecord> records;
    std::size_t bytes = 0;  ///< In all.
    bool matters = false;   ///< It holds rows, or what became of rows.
};

class Link {
public:
    enum class State : std::uint8_t { kNew, kUp, kDown, kFenced };

    State state() const { return state_; }
    std::uint64_t incarnation() const { return incarnation_; }

    enum class Verdict : std::uint8_t {
        kWelcome,
        kFenced,  ///< Given up, or older than the one that we know.
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
        bool lost = false;  ///< A former life ended with this: what its peer held is lost.
        std::vector<Shipment> taken;  ///< By the peer; need not be retained.
    };
    /// The handshake is done. REQUIRES: judge(incarnation) is kWelcome. When a life is resumed,
    /// what of retained() the peer has not taken is to be sent again, in order.
    Beginning up(std::uint64_t incarnation, std::uint64_t peer_received);
    void down(base::Micros now);

    /// The last incarnation that has been given up; 0: none.
    std::uint64_t fenced() const { return fenced_; }
    /// Incarnations up to `incarnation` are given up. True when that ends a life, whose peer held
    /// something: it is lost.
    bool fence(std::uint64_t incarnation);
    /// Grace begins anew, as if the link had just gone down.
    void restart_grace(base::Micros now) {
        if (state_ == State::kDown) down_since_ = now;
    }
    /// When grace is over; 0: not down.
    base::Micros fence_due() const { return state_ == State::kDown ? down_since_ + grace_ : 0; }

    // ---- Sending.
    std::uint64_t next_sequence() const { return sent_ + 1; }
    /// REQUIRES: kUp; shipment.sequence is next_sequence().
    void ship(Shipment shipment);
    bool may_ship() const { return retained_bytes_ < retained_max_; }
    const std::deque<Shipment>& retained() const { return retained_; }
    /// The peer has taken everything up to `sequence`; gives back what need not be retained. False:
    /// it has not even been sent; close the connection.
    [[nodiscard]] bool receipted(std::uint64_t sequence, std::vector<Shipment>& released);

    // ---- Receiving.
    /// Whether a frame that has arrived is the one to take. If not, something is missing or was
    /// damaged: close the connection; what follows received() comes again on the next one.
    bool is_next(std::uint64_t sequence) const { return sequence == received_ + 1; }
    /// It has been taken, all of it. REQUIRES: kUp, is_next(sequence).
    void took(std::uint64_t sequence);
    std::uint64_t received() const { return received_; }

    Link(base::Micros grace, std::size_t retained_max)
        : grace_(grace), retained_max_(retained_max) {}
    /// What lives that ended had retained; to be given back.
    std::vector<Shipment> take_dropped();

private:
    void end_life();

    base::Micros grace_;
    std::size_t retained_max_;
    State state_ = State::kNew;
    std::uint64_t incarnation_ = 0;  // Of the peer; 0: none yet.
    std::uint64_t fenced_ = 0;       // This one and all before it.
    base::Micros down_since_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t receipted_ = 0;
    std::uint64_t received_ = 0;
    std::deque<Shipment> retained_;
    std::size_t retained_bytes_ = 0;
    std::vector<Shipment> dropped_;
};

}  // namespace storm::worker
