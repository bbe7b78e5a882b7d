// Threads for downloads, which may take minutes: those of one topology come one after the other, so
// that none is done twice; those of others need not wait for them.
//
// Threads: as Errands.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "daemon/errands.h"

namespace storm::supervisor {

/// The thread for a topology's next job: the one that has its others, else one with the fewest.
class Lanes {
public:
    explicit Lanes(std::size_t count) : jobs_(count) {}

    std::size_t begin(const std::string& topology);
    /// REQUIRES: begin() was called for it once more than this.
    void end(const std::string& topology);

private:
    struct Held {
        std::size_t lane = 0;
        std::size_t jobs = 0;
    };
    std::vector<std::size_t> jobs_;
    std::map<std::string, Held> held_;  ///< Topologies that have jobs.
};

class Downloads {
public:
    Downloads(base::EventLoop& loop, std::size_t threads, std::size_t waiting_max);

    /// As Errands::run().
    template <typename Work, typename Then>
    bool run(const std::string& topology, Work work, Then then) {
        const std::size_t lane = lanes_.begin(topology);
        const bool taken = threads_[lane]->run(
            std::move(work), [this, topology, then = std::move(then)](auto&& result) mutable {
                lanes_.end(topology);
                then(std::forward<decltype(result)>(result));
            });
        if (!taken) lanes_.end(topology);
        return taken;
    }

private:
    Lanes lanes_;
    std::vector<std::unique_ptr<daemon::Errands>> threads_;
};

}  // namespace storm::supervisor
