#include "tests/sim/net.h"

#include <algorithm>

namespace storm::sim {

Wire::Wire(Net& net, std::uint64_t number, Process& dialer, Process& acceptor)
    : net_(net),
      number_(number),
      ends_{{.process = &dialer, .watch = dialer.watch(), .host = dialer.host()},
            {.process = &acceptor, .watch = acceptor.watch(), .host = acceptor.host()}} {}

void Wire::attend(int side, OnMessage message, OnClosed closed) {
    ends_[side].message = std::move(message);
    ends_[side].on_closed = std::move(closed);
    if (!ends_[side].in.empty()) pump_soon(side, 0);
}

void Wire::send(int side, std::any message) {
    if (!ends_[side].closed) put(1 - side, std::move(message));
}

void Wire::close(int side) {
    End& end = ends_[side];
    if (std::exchange(end.closed, true)) return;
    end.in.clear();
    end.message = nullptr;
    end.on_closed = nullptr;
    put(1 - side, {});
}

void Wire::put(int side, std::any message) {
    End& end = ends_[side];
    if (end.closed || end.watch.is_over()) return;
    const Micros now = end.process->loop().now();
    // Messages of one wire stay in order.
    end.last = std::max(end.last, now + net_.delay());
    end.in.emplace_back(end.last, std::move(message));
    pump_soon(side, end.last - now);
}

void Wire::pump_soon(int side, Micros delay) {
    ends_[side].process->loop().after(delay,
                                      [wire = shared_from_this(), side] { wire->pump(side); });
}

void Wire::pump(int side) {
    End& end = ends_[side];
    // Messages that come before anybody attends to them wait.
    while (!end.closed && !end.in.empty() && end.message) {
        const Micros now = end.process->loop().now();
        // Net::part() comes back to it.
        if (end.in.front().first > now || net_.is_parted(ends_[1 - side].host, end.host)) return;
        const std::any message = std::move(end.in.front().second);
        end.in.pop_front();
        if (message.has_value()) {
            // A copy, since the call may close this side, or attend to it anew.
            const OnMessage call = end.message;
            call(message);
        } else {
            const OnClosed call = std::move(end.on_closed);
            end.closed = true;
            end.message = nullptr;
            call();
        }
    }
}

void Net::part(int from, int to, bool parted) {
    if (parted) {
        parted_.insert({from, to});
        return;
    }
    if (parted_.erase({from, to}) == 0) return;
    for (const auto& each : wires_) {
        const std::shared_ptr<Wire> wire = each.lock();
        for (int side = 0; wire != nullptr && side < 2; ++side) {
            if (wire->process(side) != nullptr && !wire->ends_[side].closed)
                wire->pump_soon(side, delay());
        }
    }
}

std::shared_ptr<Wire> Net::dial(Process& dialer, Process& acceptor) {
    std::erase_if(wires_, [](const auto& wire) { return wire.expired(); });
    auto wire = std::make_shared<Wire>(*this, ++last_wire_, dialer, acceptor);
    wires_.push_back(wire);
    return wire;
}

void Net::ended(const Process& process) {
    for (const auto& each : wires_) {
        const std::shared_ptr<Wire> wire = each.lock();
        for (int side = 0; wire != nullptr && side < 2; ++side)
            if (wire->process(side) == &process) wire->close(side);
    }
}

void Net::lost_power(int host) {
    for (const auto& each : wires_) {
        const std::shared_ptr<Wire> wire = each.lock();
        for (int side = 0; wire != nullptr && side < 2; ++side) {
            if (wire->ends_[side].host != host) continue;
            wire->ends_[side].closed = true;
            wire->ends_[side].in.clear();
        }
    }
}

bool Net::break_one() {
    std::vector<std::shared_ptr<Wire>> open;
    for (const auto& each : wires_) {
        const std::shared_ptr<Wire> wire = each.lock();
        if (wire != nullptr && wire->ends_[0].host != wire->ends_[1].host && !wire->is_closed(0) &&
            !wire->is_closed(1))
            open.push_back(wire);
    }
    if (open.empty()) return false;
    Wire& wire = *open[dice_.index(open.size())];
    // Both sides see the end; what was on its way is lost, from some point on.
    for (int side = 0; side < 2; ++side) {
        auto& in = wire.ends_[side].in;
        in.resize(dice_.index(in.size() + 1));
    }
    for (int side = 0; side < 2; ++side) wire.put(side, {});
    return true;
}

}  // namespace storm::sim
