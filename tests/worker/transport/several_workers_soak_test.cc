// Goal:   whatever a topology over several workers looks like, however its bolts behave, and
//         whatever becomes of its workers and their links, the promises of docs/guarantees.md hold:
//         no ack before all of its tree was executed and acked, exactly one of ack and fail for
//         each attempt while its spout lives, no row twice, order per pair of tasks, nothing lost
//         that is not told, nobody given up without a reason, and everything ends.
// Method: random topologies over two to five workers in this process, with a proxy in each link,
//         one after the other for STORM_SOAK_SECONDS (60). Links are cut, delayed, held up and
//         partitioned, bytes change, workers are killed and started anew. Beside the engines the
//         tasks keep a book (soak_book.h). Each round prints its seed; STORM_SOAK_SEED=<seed>
//         begins with that one: the same topology and the same kinds of faults, though not at the
//         same instants.
#include <iostream>
#include <set>

#include "base/random.h"
#include "tests/support/environment.h"
#include "tests/support/tcp_proxy.h"
#include "tests/worker/transport/several_workers.h"
#include "tests/worker/transport/soak_topology.h"
#include "worker/transport/limits.h"
#include "worker/wiring/cycles.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Shorter than they are, so that much fits into a minute; long enough for a loaded machine.
constexpr base::Micros kSlow = kSanitized ? 3 : 1;
constexpr worker::LinkTimes kTimes{.handshake = kSlow * 600 * base::kMicrosPerMilli,
                                   .heartbeat = kSlow * 150 * base::kMicrosPerMilli,
                                   .silence = kSlow * 900 * base::kMicrosPerMilli,
                                   .grace = kSlow * 2'000 * base::kMicrosPerMilli};
constexpr milliseconds kSilence{kTimes.silence / base::kMicrosPerMilli};
constexpr milliseconds kGrace{kTimes.grace / base::kMicrosPerMilli};
constexpr std::chrono::seconds kEndPatience{kSanitized ? 240 : 60};

// ---- The network -------------------------------------------------------------------------------

/// A proxy in each link, by who dials it.
class Network {
public:
    struct Line {
        std::uint32_t low;
        std::uint32_t high;
        std::unique_ptr<TcpProxy> proxy;
        std::array<int, 2> holds{};  // Indexed by direction.
        int flips = 0;
    };

    explicit Network(std::uint64_t seed) : seed_(seed) {}

    std::uint16_t port(std::uint32_t told, std::uint32_t worker, std::uint16_t port) {
        if (told >= worker) return port;  // It is called by the other one.
        for (const Line& line : lines_) {
            if (line.low == told && line.high == worker) return line.proxy->port();
        }
        lines_.push_back({told, worker, std::make_unique<TcpProxy>(port, ++seed_), {}, 0});
        return lines_.back().proxy->port();
    }
    std::size_t size() const { return lines_.size(); }
    Line& line(std::size_t i) { return lines_[i]; }

    void hold(std::size_t i, TcpProxy::Direction direction, int change) {
        int& holds = lines_[i].holds.at(direction);
        holds += change;
        lines_[i].proxy->pause(direction, holds > 0);
    }

private:
    std::uint64_t seed_;
    std::deque<Line> lines_;
};

// ---- A round -----------------------------------------------------------------------------------

enum class Trouble : std::uint8_t { kNetwork, kKills, kBoth, kLongHolds };

class Rounds {
public:
    explicit Rounds(const SoakPlan& plan)
        : plan_(plan),
          round_(std::make_shared<SoakRound>(plan)),
          dice_(plan.seed ^ 0x5eed),
          network_(plan.seed),
          dead_since_(plan.workers),
          cut_off_(plan.workers),
          goes_on_(plan.workers),
          has_tasks_(plan.workers),
          began_(steady_clock::now()) {
        const Topology topology = topology_of(round_);
        const worker::Cycles cycles = worker::find_cycles(topology);
        const std::uint64_t mix = dice_.seed();
        // Components of one cycle are in one worker.
        const auto place = [&](const std::string& component, std::size_t i) {
            const auto number = worker::component_index(topology, component);
            const std::size_t cycle = cycles.of_component[number];
            const std::uint64_t key = cycle == worker::kNoCycle ? 1'000 * (number + 1) + i : cycle;
            const auto worker =
                static_cast<std::uint32_t>(base::Random(mix ^ key).below(plan_.workers));
            has_tasks_[worker] = true;
            return worker;
        };
        workers_.emplace(topology, plan.config, plan.workers, place,
                         SeveralWorkers::RerouteFor(
                             [this](std::uint32_t told, std::uint32_t worker, std::uint16_t port) {
                                 return network_.port(told, worker, port);
                             }),
                         kTimes);
        trouble_ = static_cast<Trouble>(dice_.roll(0, 3));
    }

    /// The violations.
    std::vector<std::string> run() {
        suffer();
        heal();
        round_->over.store(true);
        end();
        judge();
        workers_.reset();
        for (const std::string& complaint : round_->book.complaints()) violated(complaint);
        return violations_;
    }
    std::string story() const {
        std::ostringstream out;
        for (const std::string& line : log_) out << "\n  " << line;
        return out.str();
    }
    std::string summary() const {
        std::ostringstream out;
        const Book& book = round_->book;
        out << plan_.workers << " workers, " << log_.size() << " faults, " << deaths_ << " deaths, "
            << superseded_ << " superseded, " << book.attempts() << " attempts, " << book.acked()
            << " acked, " << book.failed(FailReason::kWorkerLost) << " lost, " << book.executed()
            << " executed, " << (most_in_flight_ >> 10) << " KiB in flight";
        return out.str();
    }

private:
    // ---- Faults ----

    void note(const std::string& what) {
        const auto ms =
            std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_).count();
        log_.push_back(std::to_string(ms) + " ms: " + what);
    }
    void violated(const std::string& what) { violations_.push_back(what); }

    void after(milliseconds time, std::function<void()> what) {
        due_.emplace(steady_clock::now() + time, std::move(what));
    }
    /// Lets time pass: what is due happens, and who was superseded is started anew.
    void pass(milliseconds time) {
        const auto until = steady_clock::now() + time;
        for (;;) {
            while (!due_.empty() && due_.begin()->first <= steady_clock::now())
                due_.extract(due_.begin()).mapped()();
            replace_superseded();
            look_at_memory();
            if (steady_clock::now() >= until) return;
            std::this_thread::sleep_for(milliseconds(1));
        }
    }

    void look_at_memory() {
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            if (!dead_since_[i])
                most_in_flight_ = std::max(
                    most_in_flight_, workers_->engine(i).shared().pool.bytes_in_flight.load());
        }
    }
    /// As its Supervisor does. Is it known why?
    void replace_superseded() {
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            if (dead_since_[i] || !workers_->is_superseded(i)) continue;
            note("worker " + std::to_string(i) + " is superseded");
            ++superseded_;
            // A worker that is dead when links break counts for neither half.
            if (goes_on_[i] && killed_ == 0)
                violated("worker " + std::to_string(i) + " was of the half that goes on");
            if (!cut_off_[i])
                violated("worker " + std::to_string(i) + " was superseded without being cut off");
            if (superseded_ > broken_links_)
                violated(std::to_string(superseded_) + " workers were superseded for " +
                         std::to_string(broken_links_) + " broken links");
            kill(i);
            after(milliseconds(dice_.roll(0, 200)), [this, i] { start(i); });
        }
    }
    void kill(std::uint32_t worker) {
        if (dead_since_[worker]) return;
        note("worker " + std::to_string(worker) + " is killed");
        ++deaths_;
        killed_ += workers_->is_superseded(worker) ? 0 : 1;
        dead_since_[worker] = steady_clock::now();
        workers_->kill(worker);
    }
    void start(std::uint32_t worker) {
        if (!dead_since_[worker]) return;
        note("worker " + std::to_string(worker) + " is started");
        dead_since_[worker].reset();
        workers_->start(worker);
        workers_->tell_places();
        if (draining_) workers_->engine(worker).drain();
    }

    std::size_t any_line() { return dice_.index(network_.size()); }
    std::string name(std::size_t i) {
        return std::to_string(network_.line(i).low) + "-" + std::to_string(network_.line(i).high);
    }

    void disturb_network() {
        const std::size_t i = any_line();
        Network::Line& line = network_.line(i);
        const auto direction = dice_.one_in(2) ? TcpProxy::kThere : TcpProxy::kBack;
        switch (dice_.roll(0, 9)) {
            case 0:
            case 1:
            case 2:
            case 3:
                note("cut " + name(i));
                line.proxy->cut();
                break;
            case 4:
            case 5:
                // More in turn, with heartbeats alone between them, are a reason for a fence.
                if (++line.flips > worker::kRefusalsMax / 2) break;
                note("flip " + name(i));
                line.proxy->flip(direction);
                break;
            case 6:
            case 7: {
                const auto us = std::chrono::microseconds(dice_.roll(0, 4'000));
                note("delay " + name(i) + " by " + std::to_string(us.count()) + " us");
                line.proxy->delay(us);
                break;
            }
            default:
                hold({i}, direction, milliseconds(dice_.roll(1, 400)));
                break;
        }
    }
    void hold(const std::vector<std::size_t>& lines, std::optional<TcpProxy::Direction> direction,
              milliseconds time) {
        std::string names;
        for (const std::size_t i : lines) names += ' ' + name(i);
        note("hold" + names +
             (direction ? (*direction == TcpProxy::kThere ? " there" : " back") : "") + " for " +
             std::to_string(time.count()) + " ms");
        const auto change = [this, lines, direction](int by) {
            for (const std::size_t i : lines) {
                for (const auto each : {TcpProxy::kThere, TcpProxy::kBack}) {
                    if (!direction || *direction == each) network_.hold(i, each, by);
                }
            }
        };
        change(+1);
        after(time, [change] { change(-1); });
        // It may have been down before, and a slow machine makes it longer.
        if (time < kGrace / 2) return;
        for (const std::size_t i : lines) {
            cut_off_[network_.line(i).low] = cut_off_[network_.line(i).high] = true;
            ++broken_links_;
        }
    }
    void disturb_workers() {
        const auto worker = static_cast<std::uint32_t>(dice_.roll(0, plan_.workers - 1));
        if (dead_since_[worker]) return;
        kill(worker);
        switch (dice_.roll(0, 3)) {
            case 0:
                after(milliseconds(dice_.roll(0, 20)), [this, worker] {
                    start(worker);
                    after(milliseconds(dice_.roll(0, 20)), [this, worker] {
                        kill(worker);
                        start(worker);
                    });
                });
                break;
            case 1:
                after(milliseconds(dice_.roll(0, 500)), [this, worker] { start(worker); });
                break;
            default:
                start(worker);
                break;
        }
    }
    /// Links that fall silent for more or less than it takes to give a worker up.
    void disturb_for_long() {
        const milliseconds time = dice_.one_in(3) ? kSilence + milliseconds(dice_.roll(0, 500))
                                                  : kSilence + kGrace + kGrace / 2;
        std::vector<std::size_t> lines;
        if (plan_.workers > 2 && dice_.one_in(2)) lines = partition();
        if (lines.empty()) lines.push_back(any_line());
        hold(lines,
             dice_.one_in(2) ? std::nullopt
                             : std::optional(dice_.one_in(2) ? TcpProxy::kThere : TcpProxy::kBack),
             time);
        suffer_until_ = std::max(suffer_until_, steady_clock::now() + time + milliseconds(300));
    }
    /// The links between two halves; it says who may go on: most of them, or the lowest number.
    std::vector<std::size_t> partition() {
        std::vector<bool> inside(plan_.workers);
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            inside[i] = dice_.one_in(2);
            count += inside[i];
        }
        const bool inside_goes_on =
            2 * count == plan_.workers ? inside[0] : 2 * count > plan_.workers;
        std::vector<std::size_t> lines;
        for (std::size_t i = 0; i < network_.size(); ++i) {
            if (inside[network_.line(i).low] != inside[network_.line(i).high]) lines.push_back(i);
        }
        for (std::uint32_t i = 0; i < plan_.workers; ++i)
            goes_on_[i] = !lines.empty() && inside[i] == inside_goes_on;
        return lines;
    }

    void suffer() {
        const int faults_per_s = static_cast<int>(dice_.roll(4, 30));
        pass(milliseconds(dice_.roll(0, 300)));
        suffer_until_ = steady_clock::now() + milliseconds(dice_.roll(500, 2'000));
        if (trouble_ == Trouble::kLongHolds) disturb_for_long();
        while (steady_clock::now() < suffer_until_) {
            if (trouble_ != Trouble::kKills) disturb_network();
            if (trouble_ == Trouble::kKills || (trouble_ == Trouble::kBoth && dice_.one_in(4)) ||
                (trouble_ == Trouble::kLongHolds && dice_.one_in(40)))
                disturb_workers();
            pass(milliseconds(dice_.roll(0, 2'000 / faults_per_s)));
        }
    }

    // ---- The end ----

    /// Everything works again, and everybody knows.
    void heal() {
        while (!due_.empty()) pass(milliseconds(5));
        for (std::size_t i = 0; i < network_.size(); ++i)
            network_.line(i).proxy->delay(std::chrono::microseconds(0));
        note("healed");
        const auto give_up = steady_clock::now() + kEndPatience;
        int good = 0;
        // As of the last tick; so they must be up for two.
        while (good < 150 && steady_clock::now() < give_up) {
            pass(milliseconds(5));
            good = all_up() ? good + 1 : 0;
        }
        if (good == 0) violated("the links do not come up again");
    }
    bool all_up() {
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            if (dead_since_[i]) return false;
            const auto status = workers_->transport(i).status();
            if (status.size() + 1 < plan_.workers) return false;
            for (const worker::LinkStatus& link : status) {
                if (!link.up) return false;
            }
        }
        return true;
    }
    void end() {
        if (!plan_.ends) {
            draining_ = true;
            for (std::uint32_t i = 0; i < plan_.workers; ++i) workers_->engine(i).drain();
        }
        note(plan_.ends ? "ends" : "drains");
        if (trouble_ != Trouble::kNetwork) {
            for (std::int64_t i = dice_.roll(0, 3); i > 0; --i) {
                pass(milliseconds(dice_.roll(0, 150)));
                disturb_workers();
            }
            while (!due_.empty()) pass(milliseconds(5));
        }
        const auto give_up = steady_clock::now() + kEndPatience;
        while (!all_finished() && steady_clock::now() < give_up) pass(milliseconds(2));
        if (!all_finished()) violated("it does not end:" + picture());
    }
    bool all_finished() {
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            if (dead_since_[i]) return false;
            // One without tasks has nothing that could end.
            if (has_tasks_[i] && workers_->engine(i).wait(0) != worker::Engine::State::kFinished)
                return false;
        }
        return true;
    }
    std::string picture() {
        std::ostringstream out;
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            if (dead_since_[i]) continue;
            out << "\n  worker " << i << ", state " << static_cast<int>(workers_->engine(i).wait(0))
                << ' ' << workers_->engine(i).failure() << ", "
                << workers_->engine(i).shared().pool.bytes_in_flight << " bytes in flight";
            for (const worker::ComponentSnapshot& component : workers_->engine(i).snapshot()) {
                out << "\n    " << component.id << " pending " << component.pending << " acked "
                    << component.acked << " failed " << component.failed << " dropped "
                    << component.dropped;
                for (const auto& stream : component.streams)
                    out << ' ' << stream.stream << '>' << stream.transferred;
                for (const auto& input : component.inputs)
                    out << ' ' << input.source << '.' << input.stream << '<' << input.executed;
            }
        }
        return out.str();
    }

    void judge() {
        const Book& book = round_->book;
        if (!violations_.empty()) return;  // The rest follows from it.
        if (book.untold() > 0)
            violated(std::to_string(book.untold()) +
                     " attempts without ack and fail:" + book.untold_examples());
        std::size_t open = 0;
        for (const auto& [component, sources] : round_->sources) {
            for (const auto& source : sources) open += source->open();
        }
        if (plan_.ends && open > 0) violated(std::to_string(open) + " ids were never acked");
        std::uint64_t dropped = 0;
        for (std::uint32_t i = 0; i < plan_.workers; ++i) {
            for (const auto& component : workers_->engine(i).snapshot())
                dropped += component.dropped;
            const auto& in_flight = workers_->engine(i).shared().pool.bytes_in_flight;
            if (!eventually([&] { return in_flight.load() == 0; }))
                violated(std::to_string(in_flight.load()) + " bytes are left in worker " +
                         std::to_string(i));
        }
        for (const FailReason reason : {FailReason::kTimedOut, FailReason::kRebalanced}) {
            if (book.failed(reason) > 0)
                violated(std::to_string(book.failed(reason)) + " attempts failed as " +
                         std::string(to_string(reason)));
        }
        // Tuples of a dead worker may be counted as dropped, too.
        if (!plan_.cyclic && dropped > 0 && deaths_ == 0)
            violated(std::to_string(dropped) + " rows were dropped");
        if (!plan_.cyclic && book.failed(FailReason::kOverflow) > 0)
            violated(std::to_string(book.failed(FailReason::kOverflow)) + " attempts overflowed");
        // A few windows, what links retain, and what calls emitted beyond.
        if (most_in_flight_ > 64 << 20)
            violated(std::to_string(most_in_flight_) + " bytes were in flight");
        if (book.executed() > book.emitted()) violated("more was executed than emitted");
        if (deaths_ == 0) judge_the_living(dropped);
    }
    /// Nobody died: as if there were no network between them.
    void judge_the_living(std::uint64_t dropped) {
        const Book& book = round_->book;
        if (book.failed(FailReason::kWorkerLost) > 0)
            violated(std::to_string(book.failed(FailReason::kWorkerLost)) +
                     " attempts failed as worker_lost though nobody died");
        if (round_->finishes.load() != plan_.bolt_tasks())
            violated(std::to_string(round_->finishes.load()) + " of " +
                     std::to_string(plan_.bolt_tasks()) + " bolts finished");
        // A dropped tuple may be one of several copies, or all of them.
        const std::uint64_t missing = book.emitted() - book.executed();
        const bool counted = dropped <= missing && missing <= dropped * plan_.copies_max();
        if (book.failed(FailReason::kOverflow) == 0 && !counted)
            violated(std::to_string(book.emitted()) + " copies were emitted, " +
                     std::to_string(book.executed()) + " executed, " + std::to_string(dropped) +
                     " dropped");
    }

    const SoakPlan& plan_;
    const std::shared_ptr<SoakRound> round_;
    Dice dice_;
    Network network_;  // Before the workers, which call through it.
    std::optional<SeveralWorkers> workers_;
    Trouble trouble_{};
    std::multimap<steady_clock::time_point, std::function<void()>> due_;
    std::vector<std::optional<steady_clock::time_point>> dead_since_;
    std::vector<bool> cut_off_;  // Held up for so long that it may be given up.
    std::vector<bool> goes_on_;  // Those in the half that goes on in a partition.
    std::vector<bool> has_tasks_;
    int broken_links_ = 0;
    int superseded_ = 0;
    int deaths_ = 0;
    int killed_ = 0;  // The deaths of those that nobody had given up.
    std::int64_t most_in_flight_ = 0;
    bool draining_ = false;
    const steady_clock::time_point began_;
    steady_clock::time_point suffer_until_;
    std::vector<std::string> log_;
    std::vector<std::string> violations_;
};

TEST(SeveralWorkersSoak, ThePromisesHoldForAnyTopologyWhateverBecomesOfWorkersAndLinks) {
    base::log::set_level(base::LogLevel::kError);
    const auto seconds = static_cast<std::int64_t>(number_from("STORM_SOAK_SECONDS", 60));
    std::uint64_t seed = number_from("STORM_SOAK_SEED", base::kernel_seed() % 1'000'000'000);
    const auto until = steady_clock::now() + std::chrono::seconds(seconds);
    do {
        std::cout << "STORM_SOAK_SEED=" << seed << std::endl;
        const SoakPlan plan = random_soak_plan(seed);
        Rounds round(plan);
        const std::vector<std::string> violations = round.run();
        std::cout << "  " << round.summary() << std::endl;
        for (const std::string& violation : violations) ADD_FAILURE() << violation;
        ASSERT_TRUE(violations.empty()) << "replay with STORM_SOAK_SEED=" << seed << "\n"
                                        << plan.text() << "\n"
                                        << round.story();
        ++seed;
    } while (steady_clock::now() < until);
}

}  // namespace
}  // namespace storm::testing
