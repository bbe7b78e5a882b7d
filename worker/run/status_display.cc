#include "worker/run/status_display.h"

#include <cstdio>
#include <utility>

#include "worker/run/limits.h"

namespace storm::worker {

StatusDisplay::StatusDisplay(const Shared& shared, std::string topology, base::Micros started)
    : shared_(shared),
      topology_(std::move(topology)),
      started_(started),
      screen_(Screen::usable() ? std::make_unique<Screen>() : nullptr),
      interval_(screen_ == nullptr ? kPlainMicros : kScreenMicros),
      shown_at_(started) {}

void StatusDisplay::turn(base::Micros now) {
    if (now - shown_at_ < interval_) return;
    Snapshot current = take_snapshot(shared_);
    Status status = status_between(shown_, current, now - shown_at_);
    status.topology = topology_;
    status.draining = draining_;
    status.uptime = now - started_;
    shown_ = std::move(current);
    shown_at_ = now;
    if (screen_ != nullptr) {
        screen_->draw(screen_lines(status, Screen::columns()));
    } else {
        std::fprintf(stderr, "%s\n", plain_line(status).c_str());
    }
}

void StatusDisplay::end(base::Micros now, std::string_view outcome) {
    clear();
    Status whole = status_between({}, take_snapshot(shared_), now - started_);
    whole.uptime = now - started_;
    std::fprintf(stderr, "%s\n", summary_line(whole, outcome).c_str());
}

void StatusDisplay::clear() {
    if (screen_ != nullptr) screen_->clear();
}

}  // namespace storm::worker
