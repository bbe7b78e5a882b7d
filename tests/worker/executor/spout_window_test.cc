// Goal:   whatever the bolts can do is done, and what is in flight waits no longer than it must.
// Method: spouts and servers on simulated time, with the engine's habits: acks leave when a server
// is
//         idle or after a millisecond, a hop takes its time, what has timed out is not executed.

#include "worker/executor/spout_window.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;

constexpr Micros kTimeout = 30 * kMicrosPerSecond;
constexpr std::uint32_t kPending = 1U << 20;

struct Topology {
    std::uint32_t spouts = 1;
    std::uint32_t servers = 1;
    std::function<Micros(Micros now, base::Random& random)> service;  // Service time of one tuple.
    std::uint32_t per_call = 1;    // Tuples that a spout emits in one call.
    Micros source_interval = 0;    // Between two calls, of a source that has no more; 0: endless.
    Micros hop = 20;               // From spout to server, and back.
    std::uint32_t components = 1;  // Components that the spouts belong to, in turn.
    Micros late = 0;               // How much later the spouts of each further one begin.
};

std::function<Micros(Micros, base::Random&)> always(Micros service) {
    return [service](Micros, base::Random&) { return service; };
}
std::function<Micros(Micros, base::Random&)> about(Micros service) {
    return [service](Micros, base::Random& random) {
        return service / 2 +
               static_cast<Micros>(random.below(static_cast<std::uint32_t>(service) + 1));
    };
}

/// Measured over some stretch of time.
struct Outcome {
    double acked_per_second = 0;
    double failed_share = 0;
    Micros median = 0;  // Latencies.
    Micros p99 = 0;
};

class Simulation {
public:
    explicit Simulation(Topology topology)
        : topology_(std::move(topology)), servers_(topology_.servers) {
        for (std::uint32_t i = 0; i < topology_.components; ++i)
            windows_.emplace_back(kTimeout, kPending);
        for (std::uint32_t i = 0; i < topology_.spouts; ++i) {
            const std::uint32_t component = i % topology_.components;
            spouts_.push_back({TaskWindow(windows_[component]), i, component});
            at(now_ + component * topology_.late, [this, i] { step(spouts_[i]); });
        }
    }

    /// How many tuples of a component's spouts were acked in the last stretch.
    std::uint64_t acked_of(std::uint32_t component) const { return acked_of_[component]; }

    Outcome run(Micros duration) {
        latencies_.clear();
        failed_ = 0;
        acked_of_.assign(topology_.components, 0);
        const Micros end = now_ + duration;
        while (!events_.empty() && events_.top().time <= end) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.time;
            event.call();
        }
        now_ = end;
        return outcome(duration);
    }

private:
    struct Event {
        Micros time;
        std::uint64_t number;
        std::function<void()> call;
        bool operator<(const Event& other) const {
            return std::pair(time, number) > std::pair(other.time, other.number);
        }
    };
    struct Spout {
        TaskWindow window;
        std::uint32_t next;  // Server.
        std::uint32_t component;
        std::uint32_t in_flight = 0;
        Micros next_call = 0;
        Micros wakes = -1;
        std::deque<Micros> completed{};  // When they were emitted.
        std::uint64_t timed_out = 0;
    };
    struct Tuple {
        Spout* spout;
        Micros emitted;
    };
    struct Server {
        std::deque<Tuple> queue;
        bool busy = false;
        std::vector<Tuple> acks;
        Micros acks_since = 0;
    };

    void at(Micros time, std::function<void()> call) {
        events_.push({time, number_++, std::move(call)});
    }
    void wake(Spout& spout, Micros time) {
        if (spout.wakes >= now_ && spout.wakes <= time) return;
        spout.wakes = time;
        at(time, [this, &spout, time] {
            if (spout.wakes == time) step(spout);
        });
    }

    void step(Spout& spout) {
        spout.wakes = -1;
        TaskWindow& window = spout.window;
        window.set_time(now_);
        for (const Micros emitted : spout.completed) window.completed(emitted, 1);
        spout.completed.clear();
        window.timed_out(std::exchange(spout.timed_out, 0));
        window.turn();
        while (true) {
            if (now_ < spout.next_call) return wake(spout, spout.next_call);
            if (spout.in_flight >= window.limit()) return window.limited(true);
            for (std::uint32_t i = 0; i < topology_.per_call; ++i) emit(spout);
            spout.next_call = now_ + topology_.source_interval;
        }
    }
    void emit(Spout& spout) {
        Server& server = servers_[spout.next++ % topology_.servers];
        ++spout.in_flight;
        at(now_ + topology_.hop, [this, &server, tuple = Tuple{&spout, now_}] {
            server.queue.push_back(tuple);
            if (!server.busy) serve(server);
        });
    }
    void serve(Server& server) {
        server.busy = false;
        while (!server.queue.empty()) {
            const Tuple tuple = server.queue.front();
            server.queue.pop_front();
            if (now_ - tuple.emitted >= kTimeout) {
                fail(tuple);
                continue;
            }
            server.busy = true;
            const Micros took = std::max<Micros>(topology_.service(now_, random_), 1);
            return at(now_ + took, [this, &server, tuple] {
                if (server.acks.empty()) server.acks_since = now_;
                server.acks.push_back(tuple);
                serve(server);
                if (!server.busy || now_ - server.acks_since >= kMicrosPerMilli) flush(server);
            });
        }
    }
    void fail(const Tuple& tuple) {
        ++failed_;
        --tuple.spout->in_flight;
        ++tuple.spout->timed_out;
        wake(*tuple.spout, now_);
    }
    void flush(Server& server) {
        at(now_ + topology_.hop, [this, acks = std::exchange(server.acks, {})] {
            for (const Tuple& tuple : acks) {
                if (now_ - tuple.emitted >= kTimeout) {
                    fail(tuple);
                    continue;
                }
                --tuple.spout->in_flight;
                tuple.spout->completed.push_back(tuple.emitted);
                latencies_.push_back(now_ - tuple.emitted);
                ++acked_of_[tuple.spout->component];
                wake(*tuple.spout, now_);
            }
        });
    }
    Outcome outcome(Micros duration) {
        std::sort(latencies_.begin(), latencies_.end());
        const auto acked = static_cast<double>(latencies_.size());
        const auto failed = static_cast<double>(failed_);
        return {.acked_per_second = acked * kMicrosPerSecond / static_cast<double>(duration),
                .failed_share = failed == 0 ? 0 : failed / (acked + failed),
                .median = latencies_.empty() ? 0 : latencies_[latencies_.size() / 2],
                .p99 = latencies_.empty() ? 0 : latencies_[latencies_.size() * 99 / 100]};
    }

    const Topology topology_;
    base::Random random_{7};
    std::deque<SpoutWindow> windows_;
    std::vector<std::uint64_t> acked_of_;
    Micros now_ = kMicrosPerSecond;
    std::uint64_t number_ = 0;
    std::priority_queue<Event> events_;
    std::deque<Spout> spouts_;
    std::deque<Server> servers_;
    std::vector<Micros> latencies_;
    std::uint64_t failed_ = 0;
};

double capacity(Micros service, std::uint32_t servers) {
    return static_cast<double>(servers) * kMicrosPerSecond / static_cast<double>(service);
}

/// Long enough for slow bolts, and not too many tuples of quick ones.
Micros stretch(Micros service, std::uint32_t servers) {
    return std::clamp<Micros>(service * 50'000 / servers, kMicrosPerSecond, 200 * kMicrosPerSecond);
}

TEST(SpoutWindow, ABoltOfAnySpeedDoesNearlyWhatItCanAndNothingFails) {
    for (const Micros service : {20L, 1'000L, 10'000L, 100'000L, 1'000'000L}) {
        for (const std::uint32_t servers : {1U, 4U, 100U}) {
            for (const std::uint32_t spouts : {1U, 8U}) {
                if (service < 1'000 && servers > 4) continue;
                SCOPED_TRACE(std::to_string(service) + " us, " + std::to_string(servers) +
                             " servers, " + std::to_string(spouts) + " spouts");
                Simulation simulation(
                    {.spouts = spouts, .servers = servers, .service = always(service)});
                simulation.run(service < 100'000 ? 10 * kMicrosPerSecond : 30 * kMicrosPerSecond);

                const Outcome outcome = simulation.run(stretch(service, servers));

                EXPECT_GE(outcome.acked_per_second, 0.95 * capacity(service, servers));
                EXPECT_EQ(outcome.failed_share, 0);
                if (spouts > 1 && service == 1'000'000) continue;  // One each is more already.
                EXPECT_LE(outcome.median - service, kTimeout / 8);
                if (service <= 1'000) {
                    // One tuple of each spout is in flight whatever the window says.
                    EXPECT_LE(outcome.p99, spouts == 1 ? 20'000 : 40'000);
                }
            }
        }
    }
}

TEST(SpoutWindow, ABoltWhoseTuplesTakeDifferentTimesIsKeptBusy) {
    for (const Micros service : {1'000L, 10'000L, 100'000L}) {
        for (const std::uint32_t servers : {1U, 8U}) {
            Simulation simulation({.servers = servers, .service = about(service)});
            simulation.run(30 * kMicrosPerSecond);
            EXPECT_GE(simulation.run(60 * kMicrosPerSecond).acked_per_second,
                      0.9 * capacity(service, servers))
                << service << " " << servers;
        }
    }
}

TEST(SpoutWindow, ABoltThatNowAndThenTakesLongIsKeptBusy) {
    // As a garbage collection, or a page from disk, now and then.
    const auto service = [](Micros, base::Random& random) -> Micros {
        return random.below(100) == 0 ? 35'000 : 20;
    };
    Simulation simulation({.servers = 3, .service = service});
    simulation.run(10 * kMicrosPerSecond);

    EXPECT_GE(simulation.run(20 * kMicrosPerSecond).acked_per_second, 0.7 * capacity(20 + 350, 3));
}

TEST(SpoutWindow, WhoComesLaterIsNotStarved) {
    for (const Micros service : {20L, 1'000L, 10'000L}) {
        Simulation simulation({.spouts = 2,
                               .servers = 2,
                               .service = always(service),
                               .components = 2,
                               .late = 5 * kMicrosPerSecond});
        simulation.run(15 * kMicrosPerSecond);

        const Outcome outcome = simulation.run(10 * kMicrosPerSecond);

        EXPECT_GE(outcome.acked_per_second, 0.95 * capacity(service, 2)) << service;
        EXPECT_LE(outcome.p99, kTimeout / 8) << service;
        const std::uint64_t less = std::min(simulation.acked_of(0), simulation.acked_of(1));
        const std::uint64_t more = std::max(simulation.acked_of(0), simulation.acked_of(1));
        EXPECT_GE(static_cast<double>(less), 0.05 * static_cast<double>(more))
            << service << ": " << simulation.acked_of(0) << " " << simulation.acked_of(1);
    }
}

TEST(SpoutWindow, ABoltThatWasSlowForAWhileIsAtItsOldSpeedAtOnce) {
    for (const std::uint32_t servers : {1U, 10U}) {
        for (const Micros slow : {100'000L, 1'000'000L}) {
            Simulation simulation(
                {.servers = servers, .service = [slow](Micros now, base::Random&) {
                     const bool is_slow =
                         now > 10 * kMicrosPerSecond && now < 70 * kMicrosPerSecond;
                     return is_slow ? slow : 1'000;
                 }});
            simulation.run(9 * kMicrosPerSecond);
            simulation.run(40 * kMicrosPerSecond);
            const Outcome while_slow = simulation.run(19 * kMicrosPerSecond);
            simulation.run(4 * kMicrosPerSecond);
            const Outcome well = simulation.run(kMicrosPerSecond);

            EXPECT_GE(while_slow.acked_per_second, 0.8 * capacity(slow, servers)) << slow;
            EXPECT_EQ(while_slow.failed_share, 0);
            EXPECT_GE(well.acked_per_second, 0.97 * capacity(1'000, servers)) << slow;
        }
    }
}

TEST(SpoutWindow, ASpoutThatEmitsAHundredInEachCallKeepsItsBoltBusyAndNoMore) {
    for (const Micros service : {100L, 1'000L, 10'000L}) {
        Simulation simulation({.service = always(service), .per_call = 100});
        simulation.run(10 * kMicrosPerSecond);

        const Outcome outcome = simulation.run(20 * kMicrosPerSecond);

        EXPECT_GE(outcome.acked_per_second, 0.95 * capacity(service, 1));
        EXPECT_LE(outcome.p99, 20'000 + 110 * service);
    }
}

TEST(SpoutWindow, ASourceThatHasLessThanTheBoltCanDoIsNotHeldBack) {
    Simulation simulation({.service = always(1'000), .source_interval = 2'000});
    simulation.run(kMicrosPerSecond);

    const Outcome outcome = simulation.run(20 * kMicrosPerSecond);

    EXPECT_GE(outcome.acked_per_second, 0.98 * 500);
    EXPECT_LE(outcome.p99, 5'000);
}

TEST(SpoutWindow, ItBeginsWithOneTupleAndNeverGoesOverTheMost) {
    SpoutWindow shared(kTimeout, 100);
    TaskWindow window(shared);
    EXPECT_EQ(window.limit(), 1);
    for (Micros now = 1; now < kMicrosPerSecond; now += 200) {
        window.set_time(now);
        window.completed(now - 100, 1'000);
        window.limited(true);
        window.turn();
        ASSERT_LE(window.limit(), 100);
    }
    EXPECT_EQ(window.limit(), 100);
}

}  // namespace
}  // namespace storm::worker
