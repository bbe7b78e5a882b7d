#include "worker/loop/stall_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/thread_activity.h"
#include "worker/executor/task.h"
#include "worker/loop/loop.h"
#include "worker/loop/relief.h"

namespace storm::worker {
namespace {

/// After this long without work the watch sleeps until a loop stirs.
constexpr base::Micros kQuietMicros = 100 * base::kMicrosPerMilli;
constexpr base::Micros kOpeningLookMicros = base::kMicrosPerSecond;

}  // namespace

void StallWatch::start(const std::vector<Loop*>& loops) {
    for (Loop* const loop : loops) loops_.push_back({.loop = loop, .since = shared_.clock.now()});
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
    while (!shared_.state.stopping()) {
        if (!look_at_all()) {
            pause_.wait(pause_.prepare_wait(), pause_micros_);
            continue;
        }
        // A loop stirs us only after it has something to do, so look once more before sleeping.
        const base::EventCount::Ticket ticket = sleep_.prepare_wait();
        if (!shared_.state.stopping() && look_at_all()) {
            sleep_.wait(ticket,
                        shared_.state.opening() ? kOpeningLookMicros : base::EventCount::kForever);
        } else {
            sleep_.cancel_wait(ticket);
        }
    }
}

bool StallWatch::look_at_all() {
    const base::Micros now = shared_.clock.now();
    bool quiet = true;
    bool in_user_code = false;
    for (Watched& watched : loops_) {
        look(watched, now);
        in_user_code = in_user_code || watched.word % 2 == 1;
        quiet = quiet && watched.loop->asleep() && now - watched.since > kQuietMicros;
    }
    if (shared_.state.opening() && now >= look_at_opening_) look_at_opening(now);
    // While loops mostly sleep, a stall may stay unseen a little longer.
    pause_micros_ =
        in_user_code ? kStallWatchMicros : std::min(2 * pause_micros_, kStallWatchMicrosMax);
    return quiet;
}

bool StallWatch::held(Watched& watched, base::Micros now) {
    // Two looks in a row, because any thread sleeps for a moment now and then.
    const bool asleep = base::is_asleep(watched.loop->thread());
    const bool asleep_twice = std::exchange(watched.was_asleep, asleep) && asleep;
    if (now - watched.since < kStallMicros) return false;
    return asleep_twice ||
           base::cpu_time(watched.loop->thread()) - watched.cpu_then >= kStallMicros;
}

// Word, holder and progress are read one after the other while the loop runs on, so they may belong
// to different steps. That does no harm: take_out() compares the word once more, and only a step
// that is still the same loses its loop; a hurry() at the wrong one makes it read the clock once.
void StallWatch::look(Watched& watched, base::Micros now) {
    const std::uint64_t word = watched.loop->step_word();
    // The holder of this step, if the word shows that the step is still the same.
    Executor* const holder = watched.loop->in_user_code();
    // Much longer than a step should take. Its calls end, but each of them takes long.
    if (word == watched.word && word % 2 == 1 && holder != nullptr) holder->hurry();
    const std::uint32_t progress = holder == nullptr ? 0 : holder->progress();
    if (word != watched.word || progress != watched.progress) {
        watched.word = word;
        watched.progress = progress;
        watched.since = now;
        watched.cpu_then = base::cpu_time(watched.loop->thread());
        watched.was_asleep = false;
        return;
    }
    if (word % 2 == 0 || holder == nullptr || !watched.loop->worth_watching()) return;
    if (!held(watched, now)) return;
    // An open() that takes long is nobody's mistake: it moves, and look_at_opening() names it much
    // later.
    const bool opens = holder->entry.opening_since.load(std::memory_order_relaxed) != 0;
    if (relief_.take_out(*watched.loop, word) != Relief::TakeOut::kDone || opens) return;
    const std::string& id = shared_.wiring.topology.components()[holder->component()].id;
    base::log::warn(
        "a component held its event loop, and has a thread of its own until it is quick again; "
        "declare it blocking() if it often waits",
        {{"component", id},
         {"task", holder->tasks().front()->id()},
         {"held_ms", (now - watched.since) / 1000}});
}

void StallWatch::look_at_opening(base::Micros now) {
    look_at_opening_ = now + kOpeningLookMicros;
    opening_named_.resize(shared_.wiring.topology.components().size());
    for (const Executor* const executor : shared_.executors) {
        if (executor == nullptr) continue;
        const base::Micros since = executor->entry.opening_since.load(std::memory_order_relaxed);
        base::Micros& named = opening_named_[executor->component()];
        if (since == 0 || now - since < std::max(kSlowOpenMicros, 2 * named)) continue;
        named = now - since;
        base::log::warn(executor->named() +
                            (executor->is_spout ? " is still in open()" : " is still in prepare()"),
                        {{"for_s", named / base::kMicrosPerSecond}});
    }
}

}  // namespace storm::worker
