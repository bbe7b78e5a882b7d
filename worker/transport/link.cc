#include "worker/transport/link.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace storm::worker {

void Link::end_life() {
    // Kept for the caller, who frees them once no write can read them any more.
    std::move(retained_.begin(), retained_.end(), std::back_inserter(dropped_));
    retained_.clear();
    retained_bytes_ = 0;
    // Frames of the next life are numbered from 1 again.
    sent_ = received_ = 0;
}

Link::Beginning Link::up(std::uint64_t incarnation, std::uint64_t peer_received) {
    STORM_CHECK(judge(incarnation) == Verdict::kWelcome, "ask judge() first");
    Beginning beginning;
    if (incarnation != incarnation_) {
        beginning.new_life = true;
        beginning.lost = fence(incarnation_);
        incarnation_ = incarnation;
        refused_in_turn_ = 0;
    }
    state_ = State::kUp;
    // The peer may claim anything, but it cannot have taken more than was sent.
    const bool possible = receipted(std::min(peer_received, sent_), beginning.taken);
    STORM_CHECK(possible, "it was sent");
    return beginning;
}

void Link::down(base::Micros now) {
    if (state_ != State::kUp) return;
    state_ = State::kDown;
    down_since_ = now;
}

bool Link::fence(std::uint64_t incarnation) {
    // Even if no life ends: that incarnation must not be let in later.
    fenced_ = std::max(fenced_, incarnation);
    if (incarnation_ == 0 || incarnation_ > fenced_ || state_ == State::kFenced) return false;
    end_life();
    state_ = State::kFenced;
    return true;
}

// Retained from before it is written: if the connection ends in the middle, the frame is sent
// again.
void Link::ship(Shipment shipment) {
    STORM_CHECK(state_ == State::kUp && shipment.sequence == next_sequence(), "in order");
    sent_ = shipment.sequence;
    retained_bytes_ += shipment.bytes;
    retained_.push_back(std::move(shipment));
}

bool Link::receipted(std::uint64_t sequence, std::vector<Shipment>& released) {
    if (sequence > sent_) return false;
    while (!retained_.empty() && retained_.front().sequence <= sequence) {
        STORM_CHECK(retained_.front().bytes <= retained_bytes_, "ship() has added it");
        retained_bytes_ -= retained_.front().bytes;
        released.push_back(std::move(retained_.front()));
        retained_.pop_front();
    }
    return true;
}

// The next handshake tells the peer this number, and then it never sends the frame again. So all of
// it must have been accepted by now.
void Link::took(std::uint64_t sequence) {
    STORM_CHECK(state_ == State::kUp && is_next(sequence), "in order");
    received_ = sequence;
    refused_in_turn_ = 0;
}

std::vector<Shipment> Link::take_dropped() {
    return std::exchange(dropped_, {});
}

}  // namespace storm::worker
