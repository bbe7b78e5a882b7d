// Calls a function once when a process has ended.
//
// Threads: that of the io_context. Never calls from the constructor, nor after the destructor.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace storm::supervisor {

class ExitWatch {
public:
    /// The caller keeps `pidfd`, which must outlive this.
    ExitWatch(boost::asio::io_context& io, int pidfd, std::function<void()> ended);
    ~ExitWatch();
    ExitWatch(const ExitWatch&) = delete;
    ExitWatch& operator=(const ExitWatch&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace storm::supervisor
