// Links by simulation: workers that are nothing but a Link for each peer, over a network of queues
// that is cut at any point, with workers that die, freeze, come back and give each other up. What
// PeerLink and Transport do around their Links is done here in the same order, without sockets.
//
// Checked at every step: within a life each frame is taken once and in order; none of another life
// is taken; nobody is let in who was given up; nothing is released that was not taken; retention
// keeps to its bound. At the end all is healed: both sides of each link agree, and hold nothing.
#include "worker/transport/link.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

constexpr base::Micros kGrace = 1'000;
constexpr std::size_t kFrameBytes = 100;
constexpr std::size_t kRetainedMax = 5 * kFrameBytes;

struct Message {
    enum class Kind : std::uint8_t {
        kHello,
        kChallenge,
        kProof,
        kReady,
        kFencedYou,
        kFrame,
        kReceipt
    };
    Kind kind = Kind::kHello;
    std::uint64_t incarnation = 0;  // kHello, kChallenge: the sender's.
    std::uint64_t number = 0;       // kProof, kReady: received. kFrame, kReceipt: sequence.
    bool fenced = false;            // kProof.
    std::uint64_t from_life = 0;    // kFrame: incarnations of sender and, as it knows, receiver.
    std::uint64_t to_life = 0;
    int fences = -1;  // kFrame: this worker's incarnation `number_fenced` is given up.
    std::uint64_t number_fenced = 0;
};

/// Two queues; what is written when it is broken, or after it, is lost.
struct Wire {
    int dialer = 0;
    int acceptor = 0;
    std::uint64_t dialer_life = 0;  // Of the process that has the socket.
    std::uint64_t acceptor_life = 0;
    std::deque<Message> to_acceptor;
    std::deque<Message> to_dialer;
    bool broken = false;

    std::deque<Message>& to(int worker) { return worker == acceptor ? to_acceptor : to_dialer; }
};

struct Peer {
    Link link{kGrace, kRetainedMax};
    int wire = -1;  // The present connection; -1: none.
    bool up = false;
    std::uint64_t greeted = 0;
    std::map<std::uint64_t, Message> sent;  // By sequence, of this life: to send it again.
    std::uint64_t shipped = 0;              // In all lives.
    std::uint64_t released = 0;
    std::uint64_t dropped = 0;
    // What the test knows.
    std::set<std::uint64_t> given_up;
    std::uint64_t taken = 0;       // In this life.
    std::uint64_t taken_life = 0;  // Of the peer.
};

struct Worker {
    std::uint64_t incarnation = 0;
    bool alive = false;
    bool frozen = false;
    std::map<int, Peer> peers;
    std::map<int, std::uint64_t> callers;  // By wire: who has said hello.
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
        worker = Worker{
            .incarnation = incarnation, .alive = true, .frozen = false, .peers = {}, .callers = {}};
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
        if (w >= p || !runs(w) || peer(w, p).wire >= 0 || !at(p).alive) return false;
        wires_.push_back({.dialer = w,
                          .acceptor = p,
                          .dialer_life = at(w).incarnation,
                          .acceptor_life = at(p).incarnation,
                          .to_acceptor = {},
                          .to_dialer = {}});
        peer(w, p).wire = static_cast<int>(wires_.size()) - 1;
        peer(w, p).greeted = 0;
        send(peer(w, p).wire, p, {.kind = Message::Kind::kHello, .incarnation = at(w).incarnation});
        return true;
    }
    /// The next message on a wire gets to its end, or the end of the wire does.
    bool deliver(int wire, int to) {
        Wire& through = wires_[static_cast<std::size_t>(wire)];
        const std::uint64_t life =
            to == through.dialer ? through.dialer_life : through.acceptor_life;
        if (!runs(to) || at(to).incarnation != life) return false;
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
    /// What is in flight arrives up to some point.
    bool cut(int wire, std::size_t arrives_there, std::size_t arrives_back) {
        Wire& broken = wires_[static_cast<std::size_t>(wire)];
        if (broken.broken) return false;
        broken.broken = true;
        if (broken.to_acceptor.size() > arrives_there) broken.to_acceptor.resize(arrives_there);
        if (broken.to_dialer.size() > arrives_back) broken.to_dialer.resize(arrives_back);
        return true;
    }
    bool ship(int w, int p, int fences = -1, std::uint64_t number_fenced = 0) {
        if (!runs(w)) return false;
        Peer& to = peer(w, p);
        if (!to.up || !to.link.may_ship()) return false;
        Message frame{.kind = Message::Kind::kFrame,
                      .number = to.link.next_sequence(),
                      .from_life = at(w).incarnation,
                      .to_life = to.link.incarnation(),
                      .fences = fences,
                      .number_fenced = number_fenced};
        Shipment shipment;
        shipment.sequence = frame.number;
        shipment.bytes = kFrameBytes;
        to.link.ship(std::move(shipment));
        to.sent[frame.number] = frame;
        ++to.shipped;
        send(to.wire, p, frame);
        return true;
    }
    bool receipt(int w, int p) {
        if (!runs(w) || !peer(w, p).up) return false;
        send(peer(w, p).wire, p,
             {.kind = Message::Kind::kReceipt, .number = peer(w, p).link.received()});
        return true;
    }
    /// As when it hears nothing for too long.
    bool hang_up(int w, int p) {
        if (!runs(w) || peer(w, p).wire < 0) return false;
        disconnected(w, p);
        return true;
    }
    bool pass(base::Micros time) {
        now_ += time;
        for (int w = 0; w < size(); ++w) {
            for (int p = 0; p < size() && runs(w); ++p) {
                if (p == w) continue;
                const base::Micros due = peer(w, p).link.fence_due();
                if (due != 0 && now_ >= due) fence(w, p, peer(w, p).link.incarnation());
            }
        }
        return true;
    }
    /// A newer assignment of p's slot says that what was there before p's present life is over.
    bool assign(int w, int p) {
        if (!runs(w)) return false;
        fence(w, p, at(p).incarnation - 1);
        return true;
    }

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
                EXPECT_EQ(to.link.state(), Link::State::kUp) << w << " to " << p;
                EXPECT_EQ(to.link.incarnation(), at(p).incarnation);
                EXPECT_TRUE(to.link.retained().empty());
                EXPECT_EQ(to.link.next_sequence() - 1, peer(p, w).link.received());
                EXPECT_EQ(to.shipped, to.released + to.dropped);
            }
        }
    }

    int size() const { return static_cast<int>(workers_.size()); }
    int wires() const { return static_cast<int>(wires_.size()); }
    const Wire& wire(int i) const { return wires_[static_cast<std::size_t>(i)]; }
    std::uint64_t taken_in_all() const { return taken_in_all_; }
    std::uint64_t fences() const { return fences_; }

private:
    Worker& at(int w) { return workers_[static_cast<std::size_t>(w)]; }
    Peer& peer(int w, int p) { return at(w).peers.at(p); }
    bool runs(int w) { return at(w).alive && !at(w).frozen; }

    bool deliver_all() {
        bool any = false;
        for (int i = 0; i < wires(); ++i) {
            while (deliver(i, wire(i).dialer) || deliver(i, wire(i).acceptor)) any = true;
        }
        return any;
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
        if (std::exchange(to.up, false)) to.link.down(now_);
    }
    void disconnected(int w, int p) { close(w, p); }

    void fence(int w, int p, std::uint64_t incarnation) {
        Peer& to = peer(w, p);
        for (std::uint64_t i = 1; i <= incarnation; ++i) to.given_up.insert(i);
        const std::uint64_t before = to.link.incarnation();
        if (!to.link.fence(incarnation)) return;
        close(w, p);
        lost(w, p, before);
    }
    void lost(int w, int p, std::uint64_t incarnation) {
        ++fences_;
        Peer& to = peer(w, p);
        to.dropped += to.link.take_dropped().size();
        to.sent.clear();
        for (std::uint64_t i = 1; i <= incarnation; ++i) to.given_up.insert(i);
        for (int other = 0; other < size(); ++other)
            if (other != w && other != p) ship(w, other, p, incarnation);
    }
    void begin(int w, int p, int wire, std::uint64_t incarnation, std::uint64_t received) {
        Peer& to = peer(w, p);
        EXPECT_FALSE(to.given_up.contains(incarnation)) << "let in after it was given up";
        const std::uint64_t before = to.link.incarnation();
        const Link::Beginning beginning = to.link.up(incarnation, received);
        to.wire = wire;
        to.up = true;
        released(w, p, beginning.taken);
        if (beginning.new_life) {
            EXPECT_GT(incarnation, to.taken_life);
            to.taken_life = incarnation;
            to.taken = 0;
        }
        if (beginning.lost) lost(w, p, before);
        for (const Shipment& shipment : to.link.retained())
            send(wire, p, to.sent.at(shipment.sequence));
    }
    void released(int w, int p, const std::vector<Shipment>& shipments) {
        Peer& to = peer(w, p);
        for (const Shipment& shipment : shipments) {
            ++to.released;
            to.sent.erase(shipment.sequence);
            if (at(p).incarnation != to.link.incarnation()) continue;  // It took them, and died.
            EXPECT_EQ(peer(p, w).taken_life, at(w).incarnation);
            EXPECT_LE(shipment.sequence, peer(p, w).taken) << "released, but not taken";
        }
    }

    void receive(int w, int p, int wire, const Message& message) {
        Peer& from = peer(w, p);
        switch (message.kind) {
            case Message::Kind::kHello:
                at(w).callers[wire] = message.incarnation;
                send(wire, p,
                     {.kind = Message::Kind::kChallenge, .incarnation = at(w).incarnation});
                return;
            case Message::Kind::kProof: {
                const std::uint64_t caller = at(w).callers.at(wire);
                if (message.fenced) return superseded(w);
                if (from.link.judge(caller) == Link::Verdict::kFenced)
                    return send(wire, p, {.kind = Message::Kind::kFencedYou});
                close(w, p);
                send(wire, p,
                     {.kind = Message::Kind::kReady, .number = from.link.received_from(caller)});
                return begin(w, p, wire, caller, message.number);
            }
            default:
                break;
        }
        if (from.wire != wire) return;  // Of a connection that has been dropped.
        switch (message.kind) {
            case Message::Kind::kChallenge: {
                const bool fenced = from.link.judge(message.incarnation) == Link::Verdict::kFenced;
                send(wire, p,
                     {.kind = Message::Kind::kProof,
                      .number = from.link.received_from(message.incarnation),
                      .fenced = fenced});
                from.greeted = message.incarnation;
                if (fenced) from.wire = -1;  // It is closed when that has been written.
                return;
            }
            case Message::Kind::kReady:
                if (from.link.judge(from.greeted) == Link::Verdict::kFenced)
                    return disconnected(w, p);
                return begin(w, p, wire, from.greeted, message.number);
            case Message::Kind::kFencedYou:
                return superseded(w);
            case Message::Kind::kReceipt: {
                std::vector<Shipment> done;
                ASSERT_TRUE(from.link.receipted(message.number, done)) << "of what was not sent";
                return released(w, p, done);
            }
            case Message::Kind::kFrame:
                return take(w, p, message);
            default:
                FAIL() << "no place for it";
        }
    }
    void take(int w, int p, const Message& frame) {
        Peer& from = peer(w, p);
        ASSERT_TRUE(from.link.is_next(frame.number)) << "a gap, or twice";
        from.link.took(frame.number);
        ASSERT_EQ(frame.from_life, from.taken_life) << "of another life";
        ASSERT_EQ(frame.to_life, at(w).incarnation) << "for another life";
        ASSERT_EQ(frame.number, ++from.taken) << "out of order";
        ++taken_in_all_;
        ASSERT_LE(peer(p, w).link.retained().size(), kRetainedMax / kFrameBytes);
        if (frame.fences == w) {
            if (frame.number_fenced >= at(w).incarnation) superseded(w);
        } else if (frame.fences >= 0 && frame.fences != p) {
            fence(w, frame.fences, frame.number_fenced);
        }
    }
    void superseded(int w) { kill(w); }

    std::vector<Worker> workers_;
    std::deque<Wire> wires_;
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
    EXPECT_FALSE(link.up(4, 0).lost);  // That has been told.
}

TEST(Link, AFenceOfOneThatHasNotComeYetKeepsItOut) {
    Link link(kGrace, kRetainedMax);

    EXPECT_FALSE(link.fence(7));

    EXPECT_EQ(link.judge(7), Link::Verdict::kFenced);
    EXPECT_EQ(link.judge(8), Link::Verdict::kWelcome);
}

}  // namespace
}  // namespace storm::worker
