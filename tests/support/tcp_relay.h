// Stands between a client and a server on 127.0.0.1, so that a test can part them while both run.
//
// Threads: one of its own; calls from the test's.
#pragma once

#include <cstdint>
#include <memory>

namespace storm::testing {

class TcpRelay {
public:
    /// To that port, from a free one.
    explicit TcpRelay(std::uint16_t to);
    ~TcpRelay();
    TcpRelay(const TcpRelay&) = delete;
    TcpRelay& operator=(const TcpRelay&) = delete;

    std::uint16_t port() const;

    /// Breaks all connections, and each new one at once.
    void cut();
    void mend();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace storm::testing
