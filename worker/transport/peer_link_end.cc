// The part of a link that is about the end of its topology: this worker has done its part, or the
// peer will never do its own.

#include <algorithm>
#include <utility>

#include "wire/control.h"
#include "worker/transport/peer_link.h"

namespace storm::worker {

void PeerLink::receipt() {
    // A receipt must not wait for the next tick: the peer may be waiting for it to leave.
    if (link_.received() > receipted_) heartbeat_due_ = true;
    pump();
}

void PeerLink::leave() {
    if (std::exchange(leaving_, true)) return;
    if (up_) tell(wire::make_leaving());
}

bool PeerLink::owes() {
    if (peer_leaves_) return false;
    receipt();
    if (gone_ && !up_) return false;
    const std::deque<Shipment>& retained = link_.retained();
    if (up_) {
        return connection_->writing() || !retained.empty() || out_.has_control() ||
               out_.has_batches();
    }
    return rows_lost_ || out_.has_answers() || out_.has_batches() ||
           std::any_of(retained.begin(), retained.end(),
                       [](const Shipment& shipment) { return shipment.matters; });
}

std::optional<base::Micros> PeerLink::away_since() const {
    if (up_ || gone_) return std::nullopt;
    return down_since_;
}

// Reports what is missing first, before a task ends because of it.
void PeerLink::give_up() {
    out_.collect();
    if (lacks_something()) tell_missing();
    gone_ = true;
    in_.end_sources();
    out_.give_up();
    tell_all(shared_, PeerEvent::Kind::kLost, worker_);
}

// A peer that has said LEAVING needs nothing more, but it may have said so before its last rows
// arrived.
bool PeerLink::lacks_something() const {
    if (!in_.all_ended() || out_.has_batches()) return true;
    if (peer_leaves_) return false;
    const std::deque<Shipment>& retained = link_.retained();
    return rows_lost_ || out_.has_unexecuted() ||
           std::any_of(retained.begin(), retained.end(),
                       [](const Shipment& shipment) { return shipment.batch != nullptr; });
}

void PeerLink::tell_missing() {
    if (!std::exchange(told_missing_, true)) events_.missing(worker_);
}

}  // namespace storm::worker
