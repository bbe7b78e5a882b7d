#include "worker/run/local_run.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "worker/engine/engine.h"
#include "worker/run/limits.h"
#include "worker/run/stuck.h"

namespace storm::worker {
namespace {

void say(const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
}

/// `1,024 of "lines" and 3 of "urls"`; empty: none.
std::string pending_text(const Snapshot& snapshot) {
    std::string text;
    for (const ComponentSnapshot& component : snapshot) {
        if (component.pending == 0) continue;
        text += (text.empty() ? "" : " and ") + with_commas(component.pending) + " of \"" +
                component.id + '"';
    }
    return text;
}

}  // namespace

LocalRun::LocalRun(Engine& engine, std::string topology, Signals& signals, const base::Clock& clock,
                   std::map<std::string, std::string> given)
    : engine_(engine),
      signals_(signals),
      clock_(clock),
      drain_timeout_(engine.wiring().config.int64("topology.drain.timeout.ms") *
                     base::kMicrosPerMilli),
      display_(engine.shared(), std::move(topology), clock.now()),
      given_(std::move(given)) {}

// The state is taken before stop(), which closes the tasks: only what had ended by itself counts as
// finished. The counts are taken after it, when no thread adds to them any more.
ExitCode LocalRun::run() {
    engine_.start();
    const RunState::State state = watch();
    const bool stopped = stop();
    const ExitCode code = judge(state);
    if (stopped) return code;
    say("warning: not waiting any longer for code that does not return, in " +
        stuck_components(engine_.loops().in_user_code()));
    exit_now(code);
}

RunState::State LocalRun::watch() {
    while (true) {
        const RunState::State state = engine_.wait(kSignalPollMicros);
        const base::Micros now = clock_.now();
        if (state != RunState::State::kRunning) return state;
        if (signals_.take()) {
            if (drain_until_ != 0) exit_now(ExitCode::kInterrupted);
            begin_to_drain(now);
        }
        // At each look: a system call that was just beginning at the last one has been missed.
        if (drain_until_ != 0) engine_.interrupt_spouts();
        if (drain_until_ != 0 && now >= drain_until_) return state;
        notice(now);
        display_.turn(now);
    }
}

void LocalRun::notice(base::Micros now) {
    if (now < notice_at_) return;
    const bool first = notice_at_ == 0;  // At the first look spouts have at most just been opened.
    notice_at_ = now + kNoticeMicros;
    // Keys are read in open() and prepare(), so nobody can be said to ignore one before.
    if (first || !engine_.shared().state.prepared()) return;
    tell_of_unread_keys();
    if (const auto stall = stall_.look(engine_.snapshot(), now)) say("warning: " + *stall);
}

void LocalRun::tell_of_unread_keys() {
    const std::map<std::string, std::string> given = std::exchange(given_, {});
    if (given.empty()) return;
    for (const auto& [key, close] : engine_.wiring().config.never_read()) {
        const auto origin = given.find(key);
        if (origin == given.end()) continue;
        say("warning: nobody has read the setting \"" + key + "\" of " + origin->second +
            (close.empty() ? "" : "\n  hint: did you mean \"" + close + "\"?"));
    }
}

void LocalRun::begin_to_drain(base::Micros now) {
    drain_until_ = now + drain_timeout_;
    engine_.drain();
    display_.set_draining();
    const std::string pending = pending_text(engine_.snapshot());
    say("draining, for up to " + duration_text(drain_timeout_) +
        (pending.empty() ? "" : ": tuples pending: " + pending) +
        "; another signal ends this at once");
}

// In short steps, so that a second signal still ends the process while user code does not return.
bool LocalRun::stop() {
    const base::Micros give_up = clock_.now() + kStopPatienceMicros;
    while (!engine_.stop(kSignalPollMicros)) {
        if (signals_.take() && drain_until_ != 0) exit_now(ExitCode::kInterrupted);
        if (clock_.now() >= give_up) return false;
    }
    return true;
}

ExitCode LocalRun::judge(RunState::State state) {
    tell_of_unread_keys();
    const base::Micros now = clock_.now();
    if (state == RunState::State::kFailed) {
        display_.end(now, "failed");
        say("error: " + engine_.failure());
        return ExitCode::kFailed;
    }
    const char* const outcome = state != RunState::State::kFinished ? "stopped"
                                : drain_until_ == 0                 ? "finished"
                                                                    : "drained";
    display_.end(now, outcome);
    // Lost tuples make even a run that has finished a failed one: a result would be short of them,
    // and nothing else would say so.
    const std::string lost = losses_text(engine_.snapshot(), outcome);
    if (!lost.empty()) say(lost);
    if (state == RunState::State::kFinished)
        return lost.empty() ? ExitCode::kDone : ExitCode::kFailed;
    const std::string pending = pending_text(engine_.snapshot());
    say("warning: not drained after " + duration_text(drain_timeout_) +
        (pending.empty() ? ": some bolts had not finished"
                         : ": gave up tuples that were pending: " + pending) +
        "\n  hint: topology.drain.timeout.ms is how long to wait");
    return ExitCode::kGivenUp;
}

// Without destructors: they would wait for user code that does not return.
void LocalRun::exit_now(ExitCode code) {
    display_.clear();
    std::_Exit(static_cast<int>(code));
}

}  // namespace storm::worker
