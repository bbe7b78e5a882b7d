// A real ZooKeeper for a test: on a free port, with its own folder below the temp folder, and gone
// when the test is, however it ends.
//
// Cost: 0.5 s to start, 50 MB.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace storm::testing {

class Zookeeper {
public:
    /// Started, and answering. Throws std::runtime_error with the end of its log.
    Zookeeper();
    ~Zookeeper();
    Zookeeper(const Zookeeper&) = delete;
    Zookeeper& operator=(const Zookeeper&) = delete;

    std::uint16_t port() const { return port_; }
    /// "127.0.0.1:PORT"
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// SIGKILL; what was confirmed is there again after start().
    void kill();
    void start();
    /// kill(), and nothing of what it had is there after start().
    void kill_and_empty();
    /// SIGSTOP and SIGCONT: connections stay, nothing answers.
    void pause();
    void resume();

    /// Whether it has written that down somewhere.
    bool data_has(const std::string& text) const;

    /// Whether `tools/zookeeper.sh` finds what it needs on this machine.
    static bool is_installed();

private:
    bool answers_() const;
    bool is_over_();
    std::string log_end_() const;

    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace storm::testing
