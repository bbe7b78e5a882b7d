#include "worker/serve/lease.h"

#include <algorithm>

namespace storm::worker {

using cluster::LeaseHolder;

Lease::Lease(base::Micros silence_max, base::Micros now) : silence_max_(silence_max), began_(now) {}

void Lease::vouched(base::Micros now) {
    vouched_ = now;
    gone_ = false;
}

// Asks before the Supervisor's word lapses (kAskAfter < kVouchSilence), so that a Nimbus which
// answers takes over without a gap. One question at a time.
bool Lease::ask(base::Micros now) {
    if (asking_ || now - vouched_.value_or(began_) < kAskAfter) return false;
    if (asked_ && now - *asked_ < kAskInterval) return false;
    asked_ = now;
    return asking_ = true;
}

void Lease::answered(Answer answer) {
    if (!asking_) return;
    asking_ = false;
    switch (answer) {
        case Answer::kYours:
            // The time of the question: the answer was true then, and may have been on its way for
            // long.
            confirmed_ = asked_;
            return;
        case Answer::kGone:
            // The Supervisor may have vouched after the question.
            gone_ = vouched_.value_or(began_) < *asked_;
            return;
        case Answer::kNone:
            return;
    }
}

LeaseHolder Lease::holder(base::Micros now) const {
    if (now - vouched_.value_or(began_) < kVouchSilence) return LeaseHolder::kSupervisor;
    if (confirmed_ && now - *confirmed_ < kVouchSilence) return LeaseHolder::kNimbus;
    return LeaseHolder::kNobody;
}

base::Micros Lease::age(base::Micros now) const {
    return now - std::max(vouched_.value_or(began_), confirmed_.value_or(began_));
}

std::string Lease::over(base::Micros now) const {
    if (gone_) {
        return "its topology was removed, and its Supervisor is away";
    }
    if (silence_max_ > 0 && age(now) >= silence_max_) {
        return "neither its Supervisor nor Nimbus has vouched for it for "
               "topology.worker.lease.secs";
    }
    return {};
}

}  // namespace storm::worker
