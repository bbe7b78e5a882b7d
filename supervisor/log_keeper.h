// Keeps the log files of one slot's worker from filling the disk: looks at their sizes, and rotates
// those that are nearly full.
//
//     look() ──► sizes ──► nearly full: rotate, one at a time ──┐
//       ▲                  grows fast: look again soon          │
//       └───────────────────────────────────────────────────────┘
//
// Order:   began() when a worker has started or is taken over, ended() when it is gone; look() at
//          any time, and often.
// Threads: the loop's; files are touched by the Errands.
#pragma once

#include <cstdint>
#include <string>

#include "base/event_loop.h"
#include "base/lifetime.h"
#include "daemon/errands.h"

namespace storm::supervisor {

class LogKeeper {
public:
    /// Both must outlive this.
    LogKeeper(base::EventLoop& loop, daemon::Errands& files) : loop_(loop), files_(files) {}
    LogKeeper(const LogKeeper&) = delete;
    LogKeeper& operator=(const LogKeeper&) = delete;
    ~LogKeeper() { lifetime_.end(); }

    /// `folder` holds the worker's stdout and stderr. `stderr_bytes`: the size of stderr when the
    /// worker started.
    void began(std::string folder, std::uint64_t stderr_bytes);
    void ended() { runs_ = false; }
    void look();

    /// The offset in stderr at which the output of the worker that began last begins.
    std::uint64_t stderr_begin() const { return stderr_begin_; }

private:
    void saw_(const std::string& folder, std::uint64_t out_bytes, std::uint64_t err_bytes);
    void rotate_(const std::string& folder, bool is_stderr);

    base::EventLoop& loop_;
    daemon::Errands& files_;
    std::string folder_;
    bool runs_ = false;
    std::uint64_t stderr_begin_ = 0;
    std::uint64_t bytes_ = 0;  ///< Size of both files at the last look.
    bool looking_ = false;
    bool looks_again_ = false;
    int rotating_ = 0;
    base::Lifetime lifetime_;
};

}  // namespace storm::supervisor
