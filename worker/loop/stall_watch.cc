#include "worker/loop/stall_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/thread_activity.h"
#include "worker/engine.h"

namespace storm::worker {
namespace {

constexpr base::Micros kQuietMicros =
    100 * base::kMicrosPerMilli;  // Then it sleeps until a loop stirs.

}  // namespace

void StallWatch::start(const std::vector<Loop*>& loops) {
    for (Loop* const loop : loops) loops_.push_back({.loop = loop, .since = engine_.clock().now()});
    thread_ = std::make_unique<base::Thread>("stall-watch", [this] { run(); });
}

void StallWatch::join() {
    if (thread_ == nullptr) return;
    sleep_.notify();
    pause_.notify();
    thread_->join();
    thread_.reset();
}

void StallWatch::run() {
    while (!engine_.stopping()) {
        if (!look_at_all()) {
            pause_.wait(pause_.prepare_wait(), pause_micros_);
            continue;
        }
        // A loop stirs after it has something to do: look once more before sleeping.
        const base::EventCount::Ticket ticket = sleep_.prepare_wait();
        if (!engine_.stopping() && look_at_all()) {
            sleep_.wait(ticket, base::EventCount::kForever);
        } else {
            sleep_.cancel_wait(ticket);
        }
    }
}

bool StallWatch::look_at_all() {
    const base::Micros now = engine_.clock().now();
    bool quiet = true;
    bool in_user_code = false;
    for (Watched& watched : loops_) {
        look(watched, now);
        in_user_code = in_user_code || watched.word % 2 == 1;
        quiet = quiet && watched.word % 2 == 0 && now - watched.since > kQuietMicros;
    }
    // While loops mostly sleep, a stall may go unseen a little longer.
    pause_micros_ =
        in_user_code ? kStallWatchMicros : std::min(2 * pause_micros_, kStallWatchMicrosMax);
    return quiet;
}

bool StallWatch::held(Watched& watched, base::Micros now) {
    const bool asleep = base::is_asleep(watched.loop->thread());
    const bool asleep_twice = asleep && std::exchange(watched.was_asleep, asleep);
    if (now - watched.since < kStallMicros) return false;
    return asleep_twice ||
           base::cpu_time(watched.loop->thread()) - watched.cpu_then >= kStallMicros;
}

void StallWatch::look(Watched& watched, base::Micros now) {
    const std::uint64_t word = watched.loop->step_word();
    if (word != watched.word) {
        watched.word = word;
        watched.since = now;
        watched.cpu_then = base::cpu_time(watched.loop->thread());
        watched.was_asleep = false;
        return;
    }
    if (word % 2 == 0 || !watched.loop->worth_watching() || !held(watched, now)) return;
    Loop& annex = engine_.make_annex();
    Executor* const slow = watched.loop->take_over(word, annex);
    if (slow == nullptr) return;
    engine_.run_in_new_thread(*watched.loop);
    const std::string& id = engine_.wiring().topology.components()[slow->component()].id;
    base::log::warn(
        "a component held its event loop, and now has a thread of its own; declare it blocking()",
        {{"component", id},
         {"task", slow->tasks().front()->id()},
         {"held_ms", (now - watched.since) / 1000}});
}

}  // namespace storm::worker
