#include "supervisor/exit_watch.h"

#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/check.h"

namespace storm::supervisor {

struct ExitWatch::State {
    State(boost::asio::io_context& io, int pidfd, std::function<void()> given)
        : descriptor(io, pidfd), ended(std::move(given)) {}

    boost::asio::posix::stream_descriptor descriptor;
    std::function<void()> ended;
};

ExitWatch::ExitWatch(boost::asio::io_context& io, int pidfd, std::function<void()> ended)
    : state_(std::make_shared<State>(io, pidfd, std::move(ended))) {
    STORM_CHECK(pidfd >= 0, "a process has a pidfd as long as it is known");
    // A pidfd can be read once its process has ended, and not before.
    state_->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                  [state = state_](const boost::system::error_code& error) {
                                      if (error || !state->ended) return;
                                      // Taken out first: it may destroy this watch.
                                      const auto call = std::move(state->ended);
                                      state->ended = nullptr;
                                      call();
                                  });
}

ExitWatch::~ExitWatch() {
    state_->ended = nullptr;
    // Not closed: the descriptor is the caller's.
    state_->descriptor.release();
}

}  // namespace storm::supervisor
