// The event loop of a daemon: a boost::asio::io_context that one thread runs.
//
// Threads: as EventLoop. The io_context must outlive this, and every call posted to it.
#pragma once

#include "base/event_loop.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace storm::daemon {

class AsioLoop final : public base::EventLoop {
public:
    explicit AsioLoop(boost::asio::io_context& io) : io_(io) {}

    base::Micros now() const override;
    void post(Call call) override;
    void after(base::Micros delay, Call call) override;

private:
    boost::asio::io_context& io_;
};

}  // namespace storm::daemon
