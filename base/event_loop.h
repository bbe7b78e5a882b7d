// The one thread that a daemon's cluster state lives on, as other parts see it: its time, and
// how to be called on it.
//
// AsioLoop is the daemons'; tests/support/manual_loop.h is one whose time stands still until told.
//
// Threads: post() and now() from any thread; after() from the loop's own.
// Cost:    after(): one timer, which is not taken back; keep few.
#pragma once

#include <functional>

#include "base/clock.h"

namespace storm::base {

class EventLoop : public Clock {
public:
    using Call = std::function<void()>;

    EventLoop() = default;
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Calls in the order of post().
    virtual void post(Call call) = 0;
    /// Once, when `delay` is over.
    virtual void after(Micros delay, Call call) = 0;
};

}  // namespace storm::base
