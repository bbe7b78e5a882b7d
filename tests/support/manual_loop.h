// Event loops whose time stands still until a test moves it: several, as of several processes, on
// one timeline.
//
//     ManualTime time;
//     ManualLoop nimbus(time), supervisor(time);
//     time.run_for(5 * base::kMicrosPerSecond);
//     nimbus.hold();    // as SIGSTOP does: nothing of it runs …
//     nimbus.release(); // … until now: then all that has become due, in order
//
// Calls come in the order of their time, and of asking where that is the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/event_loop.h"

namespace storm::testing {

class ManualLoop;

class ManualTime {
public:
    using Call = base::EventLoop::Call;

    base::Micros now() const { return now_; }

    void add(base::Micros at, ManualLoop& loop, Call call) {
        due_.emplace(std::pair(at, next_++), Entry{&loop, std::move(call)});
    }
    void forget(const ManualLoop& loop) {
        std::erase_if(due_, [&](const auto& each) { return each.second.loop == &loop; });
    }
    /// Until all of this moment is done.
    inline void run_for(base::Micros duration);
    /// The next call, if it comes within `limit`: whose it was; null: none does.
    inline const ManualLoop* run_next(base::Micros limit);

private:
    struct Entry {
        ManualLoop* loop;
        Call call;
    };
    // A loop that asks itself for more without time passing would never end.
    static constexpr int kCallsMax = 1'000'000;

    base::Micros now_ = 1'000'000'000;
    std::uint64_t next_ = 0;
    std::map<std::pair<base::Micros, std::uint64_t>, Entry> due_;
};

class ManualLoop final : public base::EventLoop {
public:
    explicit ManualLoop(ManualTime& time) : time_(time) {}
    ~ManualLoop() override { time_.forget(*this); }

    base::Micros now() const override { return time_.now(); }
    void post(Call call) override { time_.add(time_.now(), *this, std::move(call)); }
    void after(base::Micros delay, Call call) override {
        time_.add(time_.now() + delay, *this, std::move(call));
    }

    void hold() { held_ = true; }
    void release() {
        held_ = false;
        for (Call& call : std::exchange(waiting_, {})) post(std::move(call));
    }
    void run(Call call) {
        if (held_) {
            waiting_.push_back(std::move(call));
        } else {
            call();
        }
    }

private:
    ManualTime& time_;
    bool held_ = false;
    std::deque<Call> waiting_;
};

const ManualLoop* ManualTime::run_next(base::Micros limit) {
    if (due_.empty() || due_.begin()->first.first > now_ + limit) return nullptr;
    auto first = due_.extract(due_.begin());
    now_ = std::max(now_, first.key().first);
    ManualLoop* const loop = first.mapped().loop;
    loop->run(std::move(first.mapped().call));
    return loop;
}

void ManualTime::run_for(base::Micros duration) {
    const base::Micros until = now_ + duration;
    int calls = 0;
    while (!due_.empty() && due_.begin()->first.first <= until) {
        auto first = due_.extract(due_.begin());
        now_ = std::max(now_, first.key().first);
        first.mapped().loop->run(std::move(first.mapped().call));
        STORM_CHECK(++calls < kCallsMax, "the loops come to rest");
    }
    now_ = until;
}

}  // namespace storm::testing
