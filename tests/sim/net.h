// The network of a simulated cluster: wires, as of TCP, and calls, as of HTTP, between processes.
//
// On a wire, what is sent between two hosts that are parted waits, as TCP sends it again, and comes
// when they are together once more; if one side has given up meanwhile, the other learns that then.
// A call, or its answer, that arrives meanwhile is lost. A process that ends takes its side of each
// wire with it; a host that goes down tells nobody.
//
// Threads: one.
#pragma once

#include <any>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/lifetime.h"
#include "tests/support/dice.h"
#include "tests/support/manual_loop.h"

namespace storm::sim {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;
using storm::testing::Dice;
using storm::testing::ManualLoop;
using storm::testing::ManualTime;

/// A process of a host. While its loop is held it is stopped, as by SIGSTOP.
class Process {
public:
    Process(ManualTime& time, int host) : host_(host), loop_(time) {}
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    virtual ~Process() = default;

    int host() const { return host_; }
    ManualLoop& loop() const { return loop_; }
    base::Lifetime::Watch watch() const { return lifetime_.watch(); }

protected:
    /// To be called first by destructors: nothing that is on its way arrives any more.
    void end() { lifetime_.end(); }
    template <typename Call>
    auto guard(Call call) const {
        return lifetime_.guard(std::move(call));
    }

private:
    const int host_;
    mutable ManualLoop loop_;
    base::Lifetime lifetime_;
};

class Net;

/// Two queues. Side 0 is the one that has dialled.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    using OnMessage = std::function<void(std::any)>;
    using OnClosed = std::function<void()>;

    Wire(Net& net, std::uint64_t number, Process& dialer, Process& acceptor);

    std::uint64_t number() const { return number_; }

    void attend(int side, OnMessage message, OnClosed closed);
    void send(int side, std::any message);
    /// The other side sees the end behind all that was sent. Nothing more comes to this one.
    void close(int side);
    bool is_closed(int side) const { return ends_[side].closed; }
    Process* process(int side) const {
        return ends_[side].watch.is_over() ? nullptr : ends_[side].process;
    }

private:
    friend class Net;
    struct End {
        Process* process = nullptr;
        base::Lifetime::Watch watch;
        int host = 0;
        OnMessage message = {};
        OnClosed on_closed = {};
        // An empty message is the end. The time is that of its arrival.
        std::deque<std::pair<Micros, std::any>> in = {};
        Micros last = 0;
        bool closed = false;
    };

    void put(int side, std::any message);
    void pump_soon(int side, Micros delay);
    void pump(int side);

    Net& net_;
    const std::uint64_t number_;
    End ends_[2];
};

class Net {
public:
    explicit Net(Dice& dice) : dice_(dice) {}

    /// Nothing gets from one host to the other; in this direction.
    void part(int from, int to, bool parted);
    bool is_parted(int from, int to) const { return from != to && parted_.contains({from, to}); }
    /// All messages take longer from now on; 0: as before.
    void slow_down(Micros by) { slower_ = by; }
    Micros delay() { return dice_.roll(20, 400) + (slower_ > 0 ? dice_.roll(0, slower_) : 0); }

    std::shared_ptr<Wire> dial(Process& dialer, Process& acceptor);
    /// The kernel closes the wires of a process that has ended.
    void ended(const Process& process);
    /// Those of a host that has lost its power: nobody is told.
    void lost_power(int host);
    /// Breaks one wire between two hosts, whichever; false: there is none.
    bool break_one();

    /// `ask` runs in `to` and gets the function that answers. `done` gets nothing if no answer came
    /// within `patience`. Null: nobody listens there.
    template <typename Answer>
    void call(Process& from, Process* to, Micros patience,
              std::function<void(std::function<void(Answer)>)> ask,
              std::function<void(std::optional<Answer>)> done);

private:
    Dice& dice_;
    std::set<std::pair<int, int>> parted_;
    std::vector<std::weak_ptr<Wire>> wires_;
    Micros slower_ = 0;
    std::uint64_t last_wire_ = 0;
};

template <typename Answer>
void Net::call(Process& from, Process* to, Micros patience,
               std::function<void(std::function<void(Answer)>)> ask,
               std::function<void(std::optional<Answer>)> done) {
    const auto once = std::make_shared<std::function<void(std::optional<Answer>)>>(std::move(done));
    const auto settle = [once](std::optional<Answer> answer) {
        if (const auto call = std::exchange(*once, nullptr)) call(std::move(answer));
    };
    if (to == nullptr) return from.loop().after(delay(), [settle] { settle(std::nullopt); });
    from.loop().after(patience, [settle] { settle(std::nullopt); });
    const auto asker = from.watch();
    to->loop().after(delay(), [this, &from, asker, to, ask = std::move(ask), settle] {
        if (asker.is_over() || is_parted(from.host(), to->host())) return;
        ask([this, &from, asker, host = to->host(), settle](Answer answer) {
            if (asker.is_over()) return;
            from.loop().after(delay(), [this, &from, host, settle, answer = std::move(answer)] {
                if (!is_parted(host, from.host())) settle(answer);
            });
        });
    });
}

}  // namespace storm::sim
