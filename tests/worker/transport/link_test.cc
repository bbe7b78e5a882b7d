// Links by simulation: workers that are nothing but a Membership with its Links, over a network of
// queues that is cut at any point, with workers that die, freeze, come back and give each other up.
// Who is given up, who is told and which side must end is what membership.h says; the connections
// around it are done here in the order in which PeerLink and Transport do them, without sockets.
//
// Checked at every step: within a life each frame is taken once and in order; none of another life
// is taken; nobody is let in who was given up; nothing is released that was not taken; retention
// keeps to its bound; a fence is confirmed by all, or by nobody. At the end all is healed: both
// sides of each link agree, and hold nothing; all know whom one of them has given up.
#include "worker/transport/link.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "wire/control.h"
#include "worker/transport/membership.h"

namespace storm::worker {
namespace {

constexpr LinkTimes kTimes{.heartbeat = 100, .silence = 600, .grace = 1'000};
constexpr base::Micros kGrace = kTimes.grace;
constexpr std::size_t kFrameBytes = 100;
constexpr std::size_t kRetainedMax = 5 * kFrameBytes;

struct Message {
    enum class Kind : std::uint8_t { kHello, kChallenge, kProof, kReady, kFrame, kReceipt };
    Kind kind = Kind::kHello;
    std::uint64_t incarnation = 0;  // kHello, kChallenge: the sender's.
    std::uint64_t number = 0;       // kProof, kReady: received. kFrame, kReceipt: sequence.
    Standing says{};                // kProof, kReady. Of kHello, kChallenge the epoch.
    std::uint64_t from_life = 0;    // kFrame: incarnations of sender and, as it knows, receiver.
    std::uint64_t to_life = 0;
    std::optional<wire::ControlRecord> record{};  // kFrame.
};

/// Two queues; what is written when it is broken, or after it, is lost.
struct Wire {
    int dialer = 0;
    int acceptor = 0;
    std::uint64_t dialer_life = 0;  // Life of the process that has the socket.
    std::uint64_t acceptor_life = 0;
    std::deque<Message> to_acceptor;
    std::deque<Message> to_dialer;
    bool broken = false;

    std::deque<Message>& to(int worker) { return worker == acceptor ? to_acceptor : to_dialer; }
};

struct Peer {
    int wire = -1;  // The present connection; -1: none.
    bool up = false;
    std::uint64_t greeted = 0;
    Standing said;  // To it, by who dials.
    base::Micros silent_since = 0;
    std::deque<wire::ControlRecord> waiting;  // To be told when it can be.
    std::map<std::uint64_t, Message> sent;    // Frames of this life by sequence, to be sent again.
    std::uint64_t shipped = 0;                // In all lives.
    std::uint64_t released = 0;
    std::uint64_t dropped = 0;
    // The knowledge of the test.
    std::set<std::uint64_t> given_up;
    std::uint64_t lost = 0;        // The last one of these that had a life.
    std::uint64_t taken = 0;       // In this life.
    std::uint64_t taken_life = 0;  // The peer's.
};

struct Worker {
    std::uint64_t incarnation = 0;
    bool alive = false;
    bool frozen = false;
    bool superseded = false;  // How it ended.
    std::optional<Membership> members;
    std::map<int, Peer> peers;
    std::map<int, Message> callers;  // Those that have said hello, by wire.
};

class Network {
public:
    explicit Network(int workers) : workers_(static_cast<std::size_t>(workers)) {
        for (int w = 0; w < workers; ++w) start(w);
    }

    // ---- What may happen. False: not now.

    bool start(int w) {
        Worker& worker = workers_[static_cast<std::size_t>(w)];
        if (worker.alive) return false;
        const std::uint64_t incarnation = worker.incarnation + 1;
        worker = Worker{};
        worker.incarnation = incarnation;
        worker.alive = true;
        worker.members.emplace(number(w), incarnation, number(size()), kTimes, kRetainedMax);
        worker.members->set_epoch(1);
        for (int p = 0; p < size(); ++p)
            if (p != w) worker.peers.try_emplace(p);
        return true;
    }
    bool kill(int w) {
        Worker& worker = at(w);
        if (!worker.alive) return false;
        worker.alive = worker.frozen = false;
        for (Wire& wire : wires_) {
            if ((wire.dialer == w && wire.dialer_life == worker.incarnation) ||
                (wire.acceptor == w && wire.acceptor_life == worker.incarnation))
                wire.broken = true;
        }
        return true;
    }
    bool freeze(int w, bool frozen) {
        if (!at(w).alive || at(w).frozen == frozen) return false;
        at(w).frozen = frozen;
        return true;
    }
    bool dial(int w, int p) {
        if (w >= p || !runs(w) || peer(w, p).wire >= 0 || !at(p).alive || parted(w, p))
            return false;
        wires_.push_back({.dialer = w,
                          .acceptor = p,
                          .dialer_life = at(w).incarnation,
                          .acceptor_life = at(p).incarnation,
                          .to_acceptor = {},
                          .to_dialer = {}});
        peer(w, p).wire = static_cast<int>(wires_.size()) - 1;
        peer(w, p).greeted = 0;
        send(peer(w, p).wire, p, hello(w, Message::Kind::kHello));
        return true;
    }
    /// The next message on a wire gets to its end, or the end of the wire does.
    bool deliver(int wire, int to) {
        Wire& through = wires_[static_cast<std::size_t>(wire)];
        const std::uint64_t life =
            to == through.dialer ? through.dialer_life : through.acceptor_life;
        if (!runs(to) || at(to).incarnation != life || parted(through.dialer, through.acceptor))
            return false;
        const int from = to == through.dialer ? through.acceptor : through.dialer;
        std::deque<Message>& queue = through.to(to);
        if (queue.empty()) {
            if (!through.broken || peer(to, from).wire != wire) return false;
            disconnected(to, from);
            return true;
        }
        const Message message = queue.front();
        queue.pop_front();
        receive(to, from, wire, message);
        return true;
    }
    /// Frames in flight arrive up to some point.
    bool cut(int wire, std::size_t arrives_there, std::size_t arrives_back) {
        Wire& broken = wires_[static_cast<std::size_t>(wire)];
        if (broken.broken) return false;
        broken.broken = true;
        if (broken.to_acceptor.size() > arrives_there) broken.to_acceptor.resize(arrives_there);
        if (broken.to_dialer.size() > arrives_back) broken.to_dialer.resize(arrives_back);
        return true;
    }
    bool ship(int w, int p, std::optional<wire::ControlRecord> record = std::nullopt) {
        if (!runs(w)) return false;
        Peer& to = peer(w, p);
        Link& link = this->link(w, p);
        if (!to.up || !link.may_ship()) return false;
        Message frame{.kind = Message::Kind::kFrame,
                      .number = link.next_sequence(),
                      .from_life = at(w).incarnation,
                      .to_life = link.incarnation(),
                      .record = record};
        Shipment shipment;
        shipment.sequence = frame.number;
        shipment.bytes = kFrameBytes;
        link.ship(std::move(shipment));
        to.sent[frame.number] = frame;
        ++to.shipped;
        send(to.wire, p, frame);
        return true;
    }
    bool receipt(int w, int p) {
        if (!runs(w) || !peer(w, p).up) return false;
        send(peer(w, p).wire, p,
             {.kind = Message::Kind::kReceipt, .number = link(w, p).received()});
        return true;
    }
    /// As when it hears nothing for too long.
    bool hang_up(int w, int p) {
        if (!runs(w) || peer(w, p).wire < 0) return false;
        disconnected(w, p);
        return true;
    }
    /// In ticks.
    bool pass(base::Micros time) {
        for (base::Micros left = time; left > 0; left -= kTimes.heartbeat) {
            now_ += std::min(left, kTimes.heartbeat);
            for (int w = 0; w < size(); ++w) {
                if (!runs(w)) continue;
                perform(w, members(w).tick(now_));
                for (int p = 0; p < size() && runs(w); ++p)
                    if (p != w) hang_up_if_silent(w, p);
            }
        }
        return true;
    }
    /// A newer assignment of p's slot says that what was there before p's present life is over.
    bool assign(int w, int p) {
        if (!runs(w)) return false;
        give_up(w, p, at(p).incarnation - 1);
        perform(w, members(w).fence(number(p), at(p).incarnation - 1));
        return true;
    }
    /// As an assignment does that gives p's slot to another incarnation.
    void assign_slot(int w, int p, std::uint64_t epoch) {
        give_up(w, p, at(p).incarnation);
        perform(w, members(w).set_slot_epoch(number(p), epoch));
    }
    /// An assignment that changes nothing for those who go on.
    void set_epoch(int w, std::uint64_t epoch) { members(w).set_epoch(epoch); }
    /// Nothing gets from one to the other.
    void part(int w, int p, bool parted) {
        if (parted) {
            parted_.insert(std::minmax(w, p));
        } else {
            parted_.erase(std::minmax(w, p));
        }
    }
    /// All do what they can, for a time.
    void live(base::Micros time) {
        for (base::Micros passed = 0; passed < time; passed += kTimes.heartbeat) {
            pass(kTimes.heartbeat);
            for (int w = 0; w < size(); ++w)
                for (int p = 0; p < size(); ++p)
                    if (p != w) dial(w, p);
            while (deliver_all()) {
            }
            for (int w = 0; w < size(); ++w)
                for (int p = 0; p < size(); ++p)
                    if (p != w) receipt(w, p);
            while (deliver_all()) {
            }
        }
    }
    bool was_superseded(int w) { return at(w).superseded; }

    // ---- The end.

    void heal() {
        for (int round = 0; round < 60; ++round) {
            for (int w = 0; w < size(); ++w) {
                start(w);
                freeze(w, false);
            }
            for (int w = 0; w < size(); ++w)
                for (int p = 0; p < size(); ++p)
                    if (p != w) dial(w, p);
            while (deliver_all()) {
            }
            for (int w = 0; w < size(); ++w)
                for (int p = 0; p < size(); ++p)
                    if (p != w) receipt(w, p);
            while (deliver_all()) {
            }
            // A frame of each for all, as soon as all is quiet.
            if (round == 50) {
                for (int w = 0; w < size(); ++w)
                    for (int p = 0; p < size(); ++p)
                        if (p != w) {
                            EXPECT_TRUE(ship(w, p)) << w << " to " << p;
                        }
            }
        }
    }
    void expect_healed() {
        for (int w = 0; w < size(); ++w) {
            for (int p = 0; p < size(); ++p) {
                if (p == w) continue;
                const Peer& to = peer(w, p);
                const Link& link = this->link(w, p);
                EXPECT_EQ(link.state(), Link::State::kUp) << w << " to " << p;
                EXPECT_EQ(link.incarnation(), at(p).incarnation);
                EXPECT_TRUE(link.retained().empty());
                EXPECT_EQ(link.next_sequence() - 1, this->link(p, w).received());
                EXPECT_EQ(to.shipped, to.released + to.dropped);
                EXPECT_TRUE(to.waiting.empty());
                if (!to.given_up.empty()) {
                    EXPECT_GE(link.fenced(), *to.given_up.rbegin());
                }
                for (int other = 0; other < size(); ++other) {
                    if (other == w || other == p) continue;
                    EXPECT_GE(this->link(other, p).fenced(), to.lost)
                        << w << " has told " << other << " of the end of " << p;
                }
            }
            EXPECT_TRUE(members(w).all_confirmed()) << w;
        }
    }

    int size() const { return static_cast<int>(workers_.size()); }
    int wires() const { return static_cast<int>(wires_.size()); }
    const Wire& wire(int i) const { return wires_[static_cast<std::size_t>(i)]; }
    std::uint64_t taken_in_all() const { return taken_in_all_; }
    std::uint64_t fences() const { return fences_; }

private:
    Worker& at(int w) { return workers_[static_cast<std::size_t>(w)]; }
    static std::uint32_t number(int w) { return static_cast<std::uint32_t>(w); }
    Membership& members(int w) { return *at(w).members; }
    Peer& peer(int w, int p) { return at(w).peers.at(p); }
    Link& link(int w, int p) { return members(w).link(number(p)); }
    bool parted(int w, int p) const { return parted_.contains(std::minmax(w, p)); }
    bool runs(int w) { return at(w).alive && !at(w).frozen; }

    bool deliver_all() {
        bool any = false;
        for (int i = 0; i < wires(); ++i) {
            while (deliver(i, wire(i).dialer) || deliver(i, wire(i).acceptor)) any = true;
        }
        return any;
    }
    Message hello(int w, Message::Kind kind) {
        Message hello{.kind = kind, .incarnation = at(w).incarnation};
        hello.says.worker = number(w);
        hello.says.epoch = members(w).epoch();
        return hello;
    }
    void send(int wire, int to, const Message& message) {
        Wire& through = wires_[static_cast<std::size_t>(wire)];
        if (!through.broken) through.to(to).push_back(message);
    }

    void close(int w, int p) {
        Peer& to = peer(w, p);
        if (to.wire < 0) return;
        // The other side sees its end, after what is in flight; what is unread here is gone.
        Wire& closed = wires_[static_cast<std::size_t>(std::exchange(to.wire, -1))];
        closed.broken = true;
        closed.to(w).clear();
        if (std::exchange(to.up, false)) perform(w, members(w).down(number(p), now_));
    }
    void disconnected(int w, int p) { close(w, p); }
    void hang_up_if_silent(int w, int p) {
        Peer& to = peer(w, p);
        if (to.wire < 0 || !parted(w, p)) {
            to.silent_since = 0;
        } else if (to.silent_since == 0) {
            to.silent_since = now_;
        } else if (now_ - to.silent_since >= kTimes.silence) {
            disconnected(w, p);
        }
    }
    void give_up(int w, int p, std::uint64_t incarnation) {
        for (std::uint64_t i = 1; i <= incarnation; ++i) peer(w, p).given_up.insert(i);
    }

    void perform(int w, const Membership::Actions& actions) {
        using Kind = Membership::Action::Kind;
        for (const Membership::Action& action : actions) {
            const int p = static_cast<int>(action.worker);
            if (action.kind == Kind::kTell) {
                peer(w, p).waiting.push_back(action.record);
                tell_waiting(w, p);
            } else if (action.kind == Kind::kLost) {
                close(w, p);
                lost(w, p, action.incarnation);
            } else if (action.kind == Kind::kConfirmed) {
                expect_known_to_all(w, p, action.incarnation);
            } else {
                return superseded(w);
            }
        }
    }
    void tell_waiting(int w, int p) {
        Peer& to = peer(w, p);
        while (!to.waiting.empty() && ship(w, p, to.waiting.front())) to.waiting.pop_front();
    }
    void expect_known_to_all(int w, int p, std::uint64_t incarnation) {
        if (link(w, p).state() != Link::State::kFenced) return;  // It has a successor.
        for (int other = 0; other < size(); ++other) {
            if (other == w || other == p || !at(other).alive) continue;
            const Link& known = link(w, other);
            const bool lives =
                known.state() == Link::State::kUp || known.state() == Link::State::kDown;
            if (!lives || known.incarnation() != at(other).incarnation) continue;
            EXPECT_GE(link(other, p).fenced(), incarnation)
                << w << " thinks that " << other << " knows of the end of " << p;
        }
    }

    void lost(int w, int p, std::uint64_t incarnation) {
        ++fences_;
        Peer& to = peer(w, p);
        to.dropped += link(w, p).take_dropped().size();
        to.sent.clear();
        to.lost = incarnation;
        give_up(w, p, incarnation);
    }
    void begin(int w, int p, int wire, std::uint64_t incarnation, std::uint64_t received) {
        Peer& to = peer(w, p);
        EXPECT_FALSE(to.given_up.contains(incarnation)) << "let in after it was given up";
        const std::uint64_t before = link(w, p).incarnation();
        const Membership::Up up = members(w).up(number(p), incarnation, received, 1);
        to.wire = wire;
        to.up = true;
        released(w, p, up.beginning.taken);
        if (up.beginning.lost) lost(w, p, before);
        if (up.beginning.new_life) {
            EXPECT_GT(incarnation, to.taken_life);
            give_up(w, p, before);
            to.taken_life = incarnation;
            to.taken = 0;
            to.waiting.clear();
        }
        for (const Shipment& shipment : link(w, p).retained())
            send(wire, p, to.sent.at(shipment.sequence));
        perform(w, up.actions);
        tell_waiting(w, p);
    }
    void released(int w, int p, const std::vector<Shipment>& shipments) {
        Peer& to = peer(w, p);
        for (const Shipment& shipment : shipments) {
            ++to.released;
            to.sent.erase(shipment.sequence);
            if (at(p).incarnation != link(w, p).incarnation()) continue;  // It took them, and died.
            EXPECT_EQ(peer(p, w).taken_life, at(w).incarnation);
            EXPECT_LE(shipment.sequence, peer(p, w).taken) << "released, but not taken";
        }
    }

    void receive(int w, int p, int wire, const Message& message) {
        Peer& from = peer(w, p);
        switch (message.kind) {
            case Message::Kind::kHello:
                at(w).callers[wire] = message;
                return send(wire, p, hello(w, Message::Kind::kChallenge));
            case Message::Kind::kProof: {
                const Message& caller = at(w).callers.at(wire);
                const Standing we_say = members(w).standing(number(p), caller.incarnation);
                const bool welcome = !we_say.fenced && !message.says.fenced;
                if (welcome) close(w, p);
                send(wire, p,
                     {.kind = Message::Kind::kReady,
                      .number = link(w, p).received_from(caller.incarnation),
                      .says = we_say});
                if (welcome) return begin(w, p, wire, caller.incarnation, message.number);
                if (must_end(we_say, message.says)) superseded(w);
                return;
            }
            default:
                break;
        }
        if (from.wire != wire) return;  // It comes from a connection that has been dropped.
        switch (message.kind) {
            case Message::Kind::kChallenge:
                from.said = members(w).standing(number(p), message.incarnation);
                from.greeted = message.incarnation;
                return send(wire, p,
                            {.kind = Message::Kind::kProof,
                             .number = link(w, p).received_from(message.incarnation),
                             .says = from.said});
            case Message::Kind::kReady:
                if (from.said.fenced || message.says.fenced) {
                    disconnected(w, p);
                    if (must_end(from.said, message.says)) superseded(w);
                    return;
                }
                if (link(w, p).judge(from.greeted) == Link::Verdict::kFenced)
                    return disconnected(w, p);
                return begin(w, p, wire, from.greeted, message.number);
            case Message::Kind::kReceipt: {
                std::vector<Shipment> done;
                ASSERT_TRUE(link(w, p).receipted(message.number, done)) << "of what was not sent";
                released(w, p, done);
                return tell_waiting(w, p);
            }
            case Message::Kind::kFrame:
                return take(w, p, message);
            default:
                FAIL() << "no place for it";
        }
    }
    void take(int w, int p, const Message& frame) {
        Peer& from = peer(w, p);
        ASSERT_TRUE(link(w, p).is_next(frame.number)) << "a gap, or twice";
        link(w, p).took(frame.number);
        ASSERT_EQ(frame.from_life, from.taken_life) << "of another life";
        ASSERT_EQ(frame.to_life, at(w).incarnation) << "for another life";
        ASSERT_EQ(frame.number, ++from.taken) << "out of order";
        ++taken_in_all_;
        ASSERT_LE(link(p, w).retained().size(), kRetainedMax / kFrameBytes);
        if (frame.record) perform(w, members(w).told(number(p), *frame.record, now_));
    }
    void superseded(int w) {
        kill(w);
        at(w).superseded = true;
    }

    std::vector<Worker> workers_;
    std::deque<Wire> wires_;
    std::set<std::pair<int, int>> parted_;
    base::Micros now_ = 1;
    std::uint64_t taken_in_all_ = 0;
    std::uint64_t fences_ = 0;
};

// One of everything that may happen, by chance.
void happen(Network& network, base::Random& random) {
    const auto below = [&random](int n) {
        return static_cast<int>(random.below(static_cast<std::uint32_t>(n)));
    };
    const int w = below(network.size());
    const int p = (w + 1 + below(network.size() - 1)) % network.size();
    const int choice = below(400);
    if (choice < 220) {
        // The last wires are those that live.
        for (int tries = 0; tries < 4 && network.wires() > 0; ++tries) {
            const int wire = network.wires() - 1 - below(std::min(network.wires(), 8));
            const Wire& through = network.wire(wire);
            if (network.deliver(wire, below(2) == 0 ? through.dialer : through.acceptor)) break;
        }
    } else if (choice < 290) {
        network.ship(w, p);
    } else if (choice < 320) {
        network.receipt(w, p);
    } else if (choice < 380) {
        network.dial(w, p);
    } else if (choice < 387) {
        if (network.wires() > 0) {
            network.cut(network.wires() - 1 - below(std::min(network.wires(), 4)),
                        static_cast<std::size_t>(below(4)), static_cast<std::size_t>(below(4)));
        }
    } else if (choice < 389) {
        network.hang_up(w, p);
    } else if (choice < 393) {
        network.pass(below(static_cast<int>(kGrace)));
    } else if (choice < 394) {
        network.kill(w);
    } else if (choice < 396) {
        network.start(w);
    } else if (choice < 397) {
        network.freeze(w, true);
    } else if (choice < 399) {
        network.freeze(w, false);
    } else {
        network.assign(w, p);
    }
}

TEST(LinkSimulation, WhateverHappensLinksKeepTheirPromisesAndHeal) {
    constexpr std::uint64_t kSeeds = 3'000;
    std::uint64_t taken = 0;
    std::uint64_t fences = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        base::Random random(seed);
        Network network(seed % 3 == 0 ? 2 : 3);
        for (int i = 0; i < 1'000 && !testing::Test::HasFailure(); ++i) happen(network, random);
        network.heal();
        network.expect_healed();
        if (testing::Test::HasFailure()) return;
        taken += network.taken_in_all();
        fences += network.fences();
    }
    EXPECT_GT(taken, 30 * kSeeds);  // Else it tries nothing.
    EXPECT_GT(fences, kSeeds);
}

// ---- Broken links ------------------------------------------------------------------------------

using Workers = std::set<int>;

/// All are up with each other.
Network connected(int workers) {
    Network network(workers);
    network.live(5 * kTimes.heartbeat);
    return network;
}

Workers superseded(Network& network) {
    Workers ended;
    for (int w = 0; w < network.size(); ++w)
        if (network.was_superseded(w)) ended.insert(w);
    return ended;
}

/// Nothing gets from these to the others; `apart`: nor from one of them to another one.
void cut_off(Network& network, const Workers& some, bool apart, bool parted) {
    for (int w = 0; w < network.size(); ++w) {
        for (int p = w + 1; p < network.size(); ++p) {
            const auto inside = some.count(w) + some.count(p);
            if (inside == 1 || (inside == 2 && apart)) network.part(w, p, parted);
        }
    }
}

/// The side that may decide: the larger one, of two halves that with the lowest number.
bool decides(const Workers& side, int workers) {
    const auto twice = 2 * static_cast<int>(side.size());
    return twice > workers || (twice == workers && side.contains(0));
}

void for_each_part(int workers, const std::function<void(const Workers&, const Workers&)>& f) {
    for (int mask = 1; mask < (1 << workers) - 1; ++mask) {
        Workers some;
        Workers rest;
        for (int w = 0; w < workers; ++w) (((mask >> w) & 1) != 0 ? some : rest).insert(w);
        SCOPED_TRACE(testing::Message() << "of " << workers << " workers " << mask << " (bits)");
        f(some, rest);
    }
}

constexpr base::Micros kLong =
    kTimes.silence + kTimes.grace + kTimes.collect() + 10 * kTimes.heartbeat;

void expect_all_well_once_the_ended_start_anew(Network& network) {
    network.heal();
    network.expect_healed();
}

TEST(Partitions, AShortOneEndsNobodyAndLosesNothing) {
    for (const int workers : {2, 3, 4, 5}) {
        for_each_part(workers, [&](const Workers& some, const Workers&) {
            for (const bool apart : {false, true}) {
                Network network = connected(workers);
                cut_off(network, some, apart, true);
                network.live(kTimes.grace - kTimes.heartbeat);
                cut_off(network, some, apart, false);
                network.live(kLong);

                EXPECT_EQ(superseded(network), Workers{});
                EXPECT_EQ(network.fences(), 0);
                expect_all_well_once_the_ended_start_anew(network);
            }
        });
    }
}

TEST(Partitions, AfterALongOneExactlyTheSmallerSideEnds) {
    for (const int workers : {2, 3, 4, 5}) {
        for (const bool newer_assignment : {false, true}) {
            for_each_part(workers, [&](const Workers& some, const Workers& rest) {
                const Workers& staying = decides(some, workers) ? some : rest;
                const Workers& ending = decides(some, workers) ? rest : some;
                Network network = connected(workers);
                cut_off(network, some, false, true);
                network.live(kLong);
                for (const int w : staying)
                    if (newer_assignment) network.set_epoch(w, 2);
                EXPECT_EQ(superseded(network), Workers{});
                cut_off(network, some, false, false);
                network.live(kLong);

                EXPECT_EQ(superseded(network), ending);
                expect_all_well_once_the_ended_start_anew(network);
            });
        }
    }
}

TEST(Partitions, WhoeverMeetsFirstWhenALongOneHeals) {
    for (const int workers : {2, 3, 4, 5}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            for_each_part(workers, [&](const Workers& some, const Workers& rest) {
                const Workers& ending = decides(some, workers) ? rest : some;
                Network network = connected(workers);
                cut_off(network, some, false, true);
                network.live(kLong);
                // The links come back one after the other, at any time.
                base::Random random(seed);
                std::vector<std::pair<int, int>> links;
                for (const int one : some)
                    for (const int other : rest) links.emplace_back(one, other);
                while (!links.empty()) {
                    const auto next = random.below(static_cast<std::uint32_t>(links.size()));
                    network.part(links[next].first, links[next].second, false);
                    links.erase(links.begin() + static_cast<std::ptrdiff_t>(next));
                    network.live(kTimes.heartbeat * static_cast<base::Micros>(random.below(15)));
                }
                network.live(kLong);

                EXPECT_EQ(superseded(network), ending) << "seed " << seed;
                expect_all_well_once_the_ended_start_anew(network);
            });
        }
    }
}

TEST(Partitions, HostsThatAreCutOffOneByOneEndNobodyElse) {
    for (const int workers : {3, 4, 5}) {
        for_each_part(workers, [&](const Workers& some, const Workers& rest) {
            Network network = connected(workers);
            cut_off(network, some, true, true);
            network.live(kLong);
            cut_off(network, some, true, false);
            network.live(kLong);

            // Among single workers and a small rest nobody knows enough to decide: all go on.
            const bool known = decides(rest, workers) || some.size() == 1;
            const Workers& ending = decides(rest, workers) ? some : rest;
            EXPECT_EQ(superseded(network), known ? ending : Workers{});
            expect_all_well_once_the_ended_start_anew(network);
        });
    }
}

TEST(Partitions, WhoseSlotHasMovedEndsThoughItGaveUpTheOthers) {
    for (const int moved : {0, 1}) {
        Network network = connected(2);
        cut_off(network, {moved}, false, true);
        network.live(kLong);
        network.assign_slot(1 - moved, moved, 1);
        cut_off(network, {moved}, false, false);
        network.live(kLong);

        EXPECT_EQ(superseded(network), Workers{moved});
    }
}

TEST(Partitions, OfOneBrokenLinkTheHigherNumberEndsWhateverTheOthersHearFirst) {
    for (const int workers : {2, 3, 4, 5}) {
        for (int w = 0; w < workers; ++w) {
            for (int p = w + 1; p < workers; ++p) {
                SCOPED_TRACE(testing::Message() << w << " to " << p << " of " << workers);
                Network network = connected(workers);
                network.part(w, p, true);
                network.live(kLong);
                // Two that are alone with each other learn it when they meet.
                network.part(w, p, workers > 2);
                network.live(kLong);
                EXPECT_EQ(superseded(network), Workers{p});
                network.part(w, p, false);
                expect_all_well_once_the_ended_start_anew(network);
            }
        }
    }
}

TEST(Partitions, OfSeveralBrokenLinksOfOneWorkerThatOneEnds) {
    for (const int lonely : {1, 2, 3, 4}) {  // It still has its link to 0.
        Network network = connected(5);
        for (int p = 1; p < 5; ++p)
            if (p != lonely) network.part(lonely, p, true);
        network.live(2 * kLong);

        EXPECT_EQ(superseded(network), Workers{lonely});
    }
}

TEST(Partitions, WhoWasFrozenForLongListensBeforeItGivesUpAnybody) {
    for (const int workers : {2, 3, 4}) {
        for (int w = 0; w < workers; ++w) {
            SCOPED_TRACE(testing::Message() << w << " of " << workers);
            Network network = connected(workers);
            network.freeze(w, true);
            for (int p = 0; p < workers; ++p)
                if (p != w) network.hang_up(p, w);
            network.live(kLong);
            network.freeze(w, false);
            network.pass(kTimes.heartbeat);
            EXPECT_EQ(network.fences(), workers - 1) << "it gave up somebody";
            network.live(kLong);

            EXPECT_EQ(superseded(network), Workers{w});
            expect_all_well_once_the_ended_start_anew(network);
        }
    }
}

TEST(Partitions, SoDoesOneWhoseLinksWereDownAlreadyWhenItFroze) {
    for (const int w : {0, 1}) {
        Network network = connected(2);
        network.part(0, 1, true);
        network.live(kTimes.silence + 3 * kTimes.heartbeat);
        network.freeze(w, true);
        network.live(kLong);
        EXPECT_EQ(network.fences(), 1);
        network.part(0, 1, false);
        network.freeze(w, false);
        network.pass(kTimes.heartbeat);
        EXPECT_EQ(network.fences(), 1) << "it gave up the other one";
        network.live(kLong);

        EXPECT_EQ(superseded(network), Workers{w});
    }
}

TEST(Partitions, WhoComesToDecideGivesTheOthersTimeToComeBack) {
    Network network = connected(5);
    const Workers all = {0, 1, 2, 3, 4};
    for (const int w : all)
        for (const int p : all)
            if (w < p) network.part(w, p, true);
    network.live(kLong);
    for (const auto& [w, p] : {std::pair{0, 1}, {0, 2}}) network.part(w, p, false);
    network.live(5 * kTimes.heartbeat);
    for (const int w : all)
        for (const int p : all)
            if (w < p) network.part(w, p, false);
    network.live(kLong);

    EXPECT_EQ(superseded(network), Workers{});
    EXPECT_EQ(network.fences(), 0);
}

TEST(Partitions, AWorkerThatIsGoneForGoodIsGivenUpByAllOthers) {
    for (const int workers : {2, 3, 4, 5}) {
        for (int gone = 0; gone < workers; ++gone) {
            Network network = connected(workers);
            network.kill(gone);
            network.live(kTimes.grace - 2 * kTimes.heartbeat);
            EXPECT_EQ(network.fences(), 0) << "too early";
            network.live(kLong);

            EXPECT_EQ(network.fences(), workers - 1);
            EXPECT_EQ(superseded(network), Workers{});
            expect_all_well_once_the_ended_start_anew(network);
        }
    }
}

// ---- Who must end ------------------------------------------------------------------------------

void expect_ends(const Standing& who, const Standing& other) {
    EXPECT_TRUE(must_end(who, other));
    EXPECT_FALSE(must_end(other, who));
}

TEST(Complaints, OfAFormerLifeSayNothingOfTheNextOne) {
    Membership zero(0, 1, 4, kTimes);
    const auto comes = [&](std::uint32_t worker, std::uint64_t incarnation, base::Micros now) {
        static_cast<void>(zero.up(worker, incarnation, 0, 1));
        static_cast<void>(zero.told(worker, wire::make_follows(0), now));
    };
    const auto fences = [](const Membership::Actions& actions) {
        return std::any_of(actions.begin(), actions.end(), [](const Membership::Action& action) {
            return action.kind == Membership::Action::Kind::kLost;
        });
    };
    for (std::uint32_t worker = 1; worker < 4; ++worker) comes(worker, 1, 0);
    base::Micros now = 0;
    // Worker 3 complains of worker 2, until it is given up itself.
    for (; now < kTimes.collect(); now += kTimes.heartbeat) {
        static_cast<void>(zero.told(3, wire::make_complaint(2, 1), now));
        ASSERT_FALSE(fences(zero.tick(now)));
    }
    static_cast<void>(zero.fence(3, 1));

    comes(3, 2, now);

    for (const base::Micros until = now + 2 * kTimes.complaint(); now < until;
         now += kTimes.heartbeat)
        ASSERT_FALSE(fences(zero.tick(now))) << now;
}

TEST(Fences, AreConfirmedByThoseThatComeLaterToo) {
    Membership two(2, 1, 3, kTimes);
    static_cast<void>(two.up(1, 1, 0, 1));
    static_cast<void>(two.fence(1, 1));
    ASSERT_TRUE(two.all_confirmed()) << "there is nobody else yet";

    static_cast<void>(two.up(0, 1, 0, 1));
    EXPECT_FALSE(two.all_confirmed()) << "what it sends to that one, before it knows, may be lost";
    const Membership::Actions actions = two.told(0, wire::make_fenced_seen(1, 1), 0);

    EXPECT_TRUE(two.all_confirmed());
    EXPECT_EQ(std::count_if(actions.begin(), actions.end(),
                            [](const Membership::Action& action) {
                                return action.kind == Membership::Action::Kind::kConfirmed &&
                                       action.worker == 1;
                            }),
              1);
}

TEST(MustEnd, NobodyWhomTheOtherHasNotGivenUp) {
    EXPECT_FALSE(must_end({.live = 0, .worker = 1}, {.live = 3, .worker = 0}));
    expect_ends({.live = 3, .epoch = 9, .worker = 0}, {.fenced = true, .worker = 1});
}

TEST(MustEnd, OfTwoThatHaveGivenUpEachOtherTheOneThatKnowsLess) {
    const Standing here{.fenced = true, .live = 2, .epoch = 4, .worker = 1};

    expect_ends({.fenced = true, .live = 9, .epoch = 3, .worker = 0}, here);
    expect_ends({.fenced = true, .live = 1, .epoch = 4, .worker = 0}, here);
    expect_ends({.fenced = true, .live = 2, .epoch = 4, .worker = 2}, here);
}

TEST(MustEnd, WhoeverHasASuccessor) {
    const Standing successor_is_known{.fenced = true, .succeeded = true, .worker = 1};

    expect_ends({.fenced = true, .live = 9, .epoch = 9, .worker = 0}, successor_is_known);
    expect_ends({.fenced = false, .live = 9, .epoch = 9, .worker = 0}, successor_is_known);
    EXPECT_TRUE(must_end(successor_is_known, successor_is_known));
}

// ---- All orders of few events ------------------------------------------------------------------

bool happen(Network& network, int event) {
    const int last = network.wires() - 1;
    switch (event) {
        case 0:
            return network.dial(0, 1);
        case 1:
            return last >= 0 && network.deliver(last, 0);
        case 2:
            return last >= 0 && network.deliver(last, 1);
        case 3:
            return network.ship(0, 1);
        case 4:
            return network.ship(1, 0);
        case 5:
            return network.receipt(1, 0);
        case 6:
            return last >= 0 && network.cut(last, 0, 1);
        case 7:
            return last >= 0 && network.cut(last, 1, 0);
        case 8:
            return network.hang_up(1, 0);
        case 9:
            return network.kill(1) && network.start(1);
        case 10:
            return network.pass(kGrace);
        default:
            return network.kill(0) && network.start(0);
    }
}

void explore(const Network& network, int depth, std::uint64_t& ends) {
    if (depth == 0) {
        ++ends;
        Network healed(network);
        healed.heal();
        healed.expect_healed();
        return;
    }
    for (int event = 0; event < 12 && !testing::Test::HasFailure(); ++event) {
        Network next(network);
        if (!happen(next, event)) continue;
        explore(next, depth - 1, ends);
        if (testing::Test::HasFailure())
            ADD_FAILURE() << "event " << event << ", " << depth << " before the end";
    }
}

TEST(LinkSimulation, AllOrdersOfFewEventsAfterTheFirstHandshake) {
    for (const int up_to : {0, 2, 4}) {  // Messages of the handshake that have arrived before.
        Network network(2);
        network.dial(0, 1);
        for (int i = 0; i < up_to; ++i) network.deliver(0, i % 2 == 0 ? 1 : 0);
        if (up_to == 4) {
            network.ship(0, 1);
            network.ship(1, 0);
        }
        std::uint64_t ends = 0;
        explore(network, 5, ends);
        EXPECT_GT(ends, 1'000);
    }
}

// ---- By hand -----------------------------------------------------------------------------------

Shipment shipment(std::uint64_t sequence, std::size_t bytes = kFrameBytes) {
    Shipment made;
    made.sequence = sequence;
    made.bytes = bytes;
    return made;
}

TEST(Link, AFrameIsTakenOnlyWhenItIsSaidToBe) {
    Link link(kGrace, kRetainedMax);
    link.up(1, 0);

    EXPECT_TRUE(link.is_next(1));
    EXPECT_FALSE(link.is_next(0));
    EXPECT_FALSE(link.is_next(2));
    EXPECT_TRUE(link.is_next(1));  // A look changes nothing.
    link.took(1);
    EXPECT_FALSE(link.is_next(1));
    EXPECT_EQ(link.received_from(1), 1);
}

TEST(Link, AReceiptForWhatWasNotSentIsRefusedAndOneFromThePastChangesNothing) {
    Link link(kGrace, kRetainedMax);
    link.up(1, 0);
    link.ship(shipment(1));
    link.ship(shipment(2));
    std::vector<Shipment> released;

    EXPECT_FALSE(link.receipted(3, released));
    EXPECT_FALSE(link.receipted(~std::uint64_t{0}, released));
    EXPECT_TRUE(released.empty());
    EXPECT_TRUE(link.receipted(2, released));
    EXPECT_EQ(released.size(), 2);
    EXPECT_TRUE(link.receipted(1, released));
    EXPECT_TRUE(link.receipted(0, released));
    EXPECT_EQ(released.size(), 2);
}

TEST(Link, WhoeverComesBackCanHaveTakenNoMoreThanWasSent) {
    Link link(kGrace, kRetainedMax);
    link.up(1, 0);
    link.ship(shipment(1));
    link.ship(shipment(2));
    link.down(1);

    EXPECT_EQ(link.up(1, ~std::uint64_t{0}).taken.size(), 2);
}

TEST(Link, NothingIsShippedOverTheRetentionLimitUntilAReceiptComes) {
    Link link(kGrace, kRetainedMax);
    link.up(1, 0);
    std::uint64_t sent = 0;
    while (link.may_ship()) link.ship(shipment(++sent));
    EXPECT_EQ(sent, kRetainedMax / kFrameBytes);
    std::vector<Shipment> released;

    ASSERT_TRUE(link.receipted(1, released));

    EXPECT_TRUE(link.may_ship());
}

TEST(Link, AFenceIsFinalAndEndsTheLifeOnce) {
    Link link(kGrace, kRetainedMax);
    link.up(3, 0);
    link.ship(shipment(1));

    EXPECT_FALSE(link.fence(2));  // Before it: no concern of this life.
    EXPECT_EQ(link.state(), Link::State::kUp);
    EXPECT_TRUE(link.fence(3));
    EXPECT_FALSE(link.fence(3));

    EXPECT_EQ(link.take_dropped().size(), 1);
    EXPECT_EQ(link.received_from(3), 0);
    for (const std::uint64_t incarnation : {0U, 1U, 2U, 3U})
        EXPECT_EQ(link.judge(incarnation), Link::Verdict::kFenced);
    EXPECT_EQ(link.judge(4), Link::Verdict::kWelcome);
    EXPECT_FALSE(link.up(4, 0).lost);  // It has been told already.
}

TEST(Link, WhoIsOlderThanTheOneThatCameLastIsKeptOutThoughNobodyGaveItUp) {
    Link link(kGrace, kRetainedMax);
    link.up(3, 0);
    link.up(5, 0);

    EXPECT_EQ(link.fenced(), 3);
    EXPECT_EQ(link.judge(4), Link::Verdict::kFenced);
    EXPECT_EQ(link.judge(5), Link::Verdict::kWelcome);
}

TEST(Link, GraceIsOverSoLongAfterItWentDownHoweverOftenThatIsSaid) {
    Link link(kGrace, kRetainedMax);
    EXPECT_EQ(link.fence_due(), 0);
    link.up(1, 0);
    EXPECT_EQ(link.fence_due(), 0);

    link.down(7'000);
    link.down(9'000);

    EXPECT_EQ(link.fence_due(), 7'000 + kGrace);
    link.up(1, 0);
    EXPECT_EQ(link.fence_due(), 0);
}

TEST(Link, AFenceOfOneThatHasNotComeYetKeepsItOut) {
    Link link(kGrace, kRetainedMax);

    EXPECT_FALSE(link.fence(7));

    EXPECT_EQ(link.judge(7), Link::Verdict::kFenced);
    EXPECT_EQ(link.judge(8), Link::Verdict::kWelcome);
}

}  // namespace
}  // namespace storm::worker
