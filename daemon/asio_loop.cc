#include "daemon/asio_loop.h"

#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace storm::daemon {

base::Micros AsioLoop::now() const {
    return base::SteadyClock().now();
}

void AsioLoop::post(Call call) {
    boost::asio::post(io_, std::move(call));
}

/// The timer lives in its own callback, so nobody can cancel it: callers guard what they capture. A
/// loop that is destroyed frees both.
void AsioLoop::after(base::Micros delay, Call call) {
    auto timer = std::make_unique<boost::asio::steady_timer>(io_, std::chrono::microseconds(delay));
    boost::asio::steady_timer& waiting = *timer;
    waiting.async_wait(
        [timer = std::move(timer), call = std::move(call)](const boost::system::error_code& error) {
            if (!error) call();
        });
}

}  // namespace storm::daemon
