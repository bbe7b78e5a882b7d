// Shows the status of a running topology on stderr: on a terminal in its last lines, every second;
// elsewhere one line every five seconds.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "worker/executor/shared.h"
#include "worker/run/screen.h"
#include "worker/run/status.h"

namespace storm::worker {

class StatusDisplay {
public:
    /// `shared` must outlive this.
    StatusDisplay(const Shared& shared, std::string topology, base::Micros started);

    /// Shows the status if it is due.
    void turn(base::Micros now);
    void set_draining() { draining_ = true; }
    /// Removes the status, and prints the outcome.
    void end(base::Micros now, std::string_view outcome);
    /// Only removes it.
    void clear();

private:
    const Shared& shared_;
    const std::string topology_;
    const base::Micros started_;
    std::unique_ptr<Screen> screen_;  // Null: not a terminal.
    const base::Micros interval_;
    bool draining_ = false;
    Snapshot shown_;
    base::Micros shown_at_;
};

}  // namespace storm::worker
