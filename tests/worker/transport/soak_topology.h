// Random topologies of spouts and bolts that behave badly and keep a book (soak_book.h).
//
// Threads: a plan is constant once made; tasks run where the engines run them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <storm/storm.h>

#include "tests/support/dice.h"
#include "tests/worker/transport/soak_book.h"

namespace storm::testing {

// ---- The plan ----------------------------------------------------------------------------------

struct Input {
    std::size_t source;  // Number of a component.
    std::string stream;  // a, b, or d: direct.
    GroupingKind grouping;
};

/// Number of inputs, out of ten thousand, that are treated so; the rest are acked.
struct Manners {
    std::int64_t fail = 0, raise = 0, forget = 0, nap = 0, hold = 0, spin = 0, keep = 0, join = 0,
                 drop = 0, burst = 0, later = 0;
};

struct Part {
    std::string id;
    bool spout = false;
    bool tracked = true;  // Spouts only.
    bool pushed = false;  // Spouts only: most of its output comes by post().
    bool blocking = false;
    int executors = 1;
    int tasks = 1;
    std::int64_t pending = 0;  // Spouts only.
    std::vector<Input> inputs;
    Manners manners;
};

struct SoakPlan {
    std::uint64_t seed = 0;
    std::uint32_t workers = 2;
    std::vector<Part> parts;
    Config config;
    bool cyclic = false;
    bool bursts = false;  // Calls emit more than topology.executor.overshoot.bytes.
    bool large = false;   // Rows of up to 900 KB.
    bool ends = true;     // Finite; else it is drained.
    std::int64_t ttl = 0;

    int copies(std::size_t source, std::string_view stream) const {
        int sum = 0;
        for (const Part& part : parts) {
            for (const Input& input : part.inputs) {
                if (input.source != source || input.stream != stream) continue;
                sum += input.grouping == GroupingKind::kAll ? part.tasks : 1;
            }
        }
        return sum;
    }
    /// Most copies of a tuple.
    std::uint64_t copies_max() const {
        int most = 1;
        for (std::size_t source = 0; source < parts.size(); ++source) {
            for (const char* const stream : {"a", "b"})
                most = std::max(most, copies(source, stream));
        }
        return static_cast<std::uint64_t>(most);
    }
    int bolt_tasks() const {
        int sum = 0;
        for (const Part& part : parts) sum += part.spout ? 0 : part.tasks;
        return sum;
    }
    std::string text() const {
        std::ostringstream out;
        out << "seed " << seed << ", " << workers << " workers" << (cyclic ? ", cyclic" : "")
            << (bursts ? ", bursts" : "") << (large ? ", large" : "")
            << (ends ? ", finite" : ", drained") << ", ttl " << ttl;
        for (const auto& [key, value] : config.entries()) out << ' ' << key << '=' << value;
        for (const Part& part : parts) {
            out << "\n  " << part.id << ' ' << part.executors << '/' << part.tasks
                << (part.blocking ? " blocking" : "");
            if (part.spout)
                out << (part.tracked ? "" : " untracked") << (part.pushed ? " pushed" : "")
                    << " pending " << part.pending;
            for (const Input& input : part.inputs)
                out << ' ' << parts[input.source].id << '.' << input.stream << ':'
                    << to_string(input.grouping);
        }
        return out.str();
    }
};

// ---- Its spouts and bolts ----------------------------------------------------------------------

/// Shared by all tasks of a round. Owners: the round and its tasks.
struct SoakRound {
    explicit SoakRound(SoakPlan random) : plan(std::move(random)) {
        for (const Part& part : plan.parts) {
            for (int i = 0; part.spout && i < part.tasks; ++i)
                sources[part.id].push_back(std::make_unique<Source>());
        }
    }

    const SoakPlan plan;
    Book book;
    std::map<std::string, std::vector<std::unique_ptr<Source>>, std::less<>> sources;
    std::atomic<bool> over{false};  // Spouts emit nothing new.
    std::atomic<int> finishes{0};
    Later later;  // Last: what it calls uses the rest.
};

inline Value::Bytes pack(const Book::Trees& trees) {
    Value::Bytes bytes(trees.size() * sizeof(std::uint64_t));
    if (!trees.empty()) std::memcpy(bytes.data(), trees.data(), bytes.size());
    return bytes;
}

inline Book::Trees unpack(std::span<const std::byte> bytes) {
    Book::Trees trees(bytes.size() / sizeof(std::uint64_t));
    if (!trees.empty()) std::memcpy(trees.data(), bytes.data(), bytes.size());
    return trees;
}

inline void declare_soak_streams(Outputs& outputs) {
    for (const char* const stream : {"a", "b", "d"}) {
        outputs.stream(stream,
                       {{"trees", Kind::kBytes},
                        {"ttl", Kind::kInt64},
                        {"life", Kind::kInt64},
                        {"seq", Kind::kInt64},
                        {"row", Kind::kInt64},
                        {"key", Kind::kInt64},
                        {"text", Kind::kString}},
                       *stream == 'd');
    }
}

/// Where a task's next row goes, and what it holds besides its trees.
class Author {
public:
    Author(SoakRound& round, const TaskContext& context, std::size_t component)
        : round_(round),
          component_(component),
          life_(round.book.new_life()),
          dice_(round.plan.seed * 1'000'003 + life_) {
        for (const Part& part : round.plan.parts) {
            for (const Input& input : part.inputs) {
                if (input.source != component || input.stream != "d") continue;
                for (const TaskId task : context.tasks_of(part.id)) direct_.push_back(task);
            }
        }
    }

    Dice& dice() { return dice_; }
    std::uint64_t life() const { return life_; }

    /// Enters a row into the book and calls emit(stream, direct task or 0, values…).
    template <typename Emit>
    void write(const Book::Trees& trees, std::int64_t ttl, Emit&& emit) {
        const char* stream = dice_.one_in(3) ? "b" : "a";
        TaskId direct = 0;
        int copies = round_.plan.copies(component_, stream);
        if (!direct_.empty() && dice_.one_in(3)) {
            stream = "d";
            direct = direct_[dice_.index(direct_.size())];
            copies = 1;
        }
        const std::int64_t key = dice_.roll(0, 99);
        const std::string text(size(), 'x');
        const auto row = static_cast<std::int64_t>(round_.book.enter(trees, copies));
        const Value::Bytes packed = pack(trees);
        emit(stream, direct, std::span<const std::byte>(packed), ttl,
             static_cast<std::int64_t>(life_), ++seq_, row, key, text);
    }

private:
    std::size_t size() {
        if (round_.plan.large && dice_.one_in(300))
            return static_cast<std::size_t>(dice_.roll(100'000, 900'000));
        if (dice_.one_in(500) || round_.plan.parts[component_].pushed)
            return static_cast<std::size_t>(dice_.roll(1'000, 30'000));
        return static_cast<std::size_t>(dice_.one_in(10) ? dice_.roll(0, 3'000)
                                                         : dice_.roll(0, 60));
    }

    SoakRound& round_;
    const std::size_t component_;
    const std::uint64_t life_;
    Dice dice_;
    std::vector<TaskId> direct_;
    std::int64_t seq_ = 0;
};

/// Reads its source; says again what fails, and what a former life of it left open.
class SoakSpout final : public Spout {
public:
    SoakSpout(std::shared_ptr<SoakRound> round, std::size_t component)
        : round_(std::move(round)), component_(component) {}

    void declare_outputs(Outputs& outputs) const override { declare_soak_streams(outputs); }
    void open(const TaskContext& context, SpoutCollector& out) override {
        author_.emplace(*round_, context, component_);
        source_ = round_->sources.find(context.component())
                      ->second[static_cast<std::size_t>(context.index())]
                      .get();
        for (const std::uint64_t id : source_->begin(author_->life())) again_.push_back(id);
        out_.emplace(out);
        if (part().pushed) {
            push_later(*round_, context, [this] {
                for (int i = 0; i < 50 && !round_->over.load(); ++i) emit_new();
            });
        }
    }
    Next next_tuple(SpoutCollector& out) override {
        if (author_->dice().one_in(20)) return Next::kIdle;
        if (author_->dice().one_in(3'000)) throw std::runtime_error("next");
        if (author_->dice().one_in(5'000))
            std::this_thread::sleep_for(std::chrono::milliseconds(25));
        if (!again_.empty()) {
            const std::uint64_t id = again_.front();
            again_.pop_front();
            emit(id);
            return Next::kEmitted;
        }
        if (!round_->over.load() && !round_->book.is_full() && !source_->is_empty()) {
            if (part().pushed && !author_->dice().one_in(100)) return Next::kIdle;
            for (std::int64_t i = author_->dice().roll(1, 3); i > 0; --i) emit_new();
            return Next::kEmitted;
        }
        if (round_->over.load() && round_->plan.ends && source_->open() == 0) out.finished();
        return Next::kIdle;
    }
    void ack(MessageId attempt) override { round_->book.on_ack(attempt, author_->life()); }
    void fail(MessageId attempt, FailReason reason) override {
        again_.push_back(round_->book.on_fail(attempt, reason, author_->life()));
    }

private:
    const Part& part() const { return round_->plan.parts[component_]; }

    void emit_new() {
        if (round_->book.is_full() || source_->is_empty()) return;
        emit(source_->new_id());
    }
    void emit(std::uint64_t id) { part().tracked ? emit_tracked(id) : emit_untracked(id); }
    void emit_untracked(std::uint64_t id) {
        source_->acked(id);
        author_->write({}, round_->plan.ttl,
                       [&](const char* stream, TaskId direct, const auto&... values) {
                           SpoutCollector on = out_->on(stream);
                           if (direct != 0) on = on.to(direct);
                           on.emit(values...);
                       });
    }
    void emit_tracked(std::uint64_t id) {
        const auto attempt = round_->book.new_attempt(*source_, id, author_->life());
        if (!attempt) return;
        author_->write({*attempt}, round_->plan.ttl,
                       [&](const char* stream, TaskId direct, const auto&... values) {
                           SpoutCollector on = out_->on(stream);
                           if (direct != 0) on = on.to(direct);
                           on.emit_tracked(*attempt, values...);
                       });
    }
    // Posted calls run only while their task lives.
    static void push_later(SoakRound& round, const TaskContext& context,
                           const std::function<void()>& push) {
        round.later.call(std::chrono::milliseconds(3), [&round, context, push] {
            if (context.post(push) && !round.over.load()) push_later(round, context, push);
        });
    }

    const std::shared_ptr<SoakRound> round_;
    const std::size_t component_;
    std::optional<Author> author_;
    std::optional<SpoutCollector> out_;
    Source* source_ = nullptr;
    std::deque<std::uint64_t> again_;
};

class SoakBolt final : public Bolt {
public:
    SoakBolt(std::shared_ptr<SoakRound> round, std::size_t component)
        : round_(std::move(round)), component_(component) {}

    void declare_outputs(Outputs& outputs) const override { declare_soak_streams(outputs); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        author_.emplace(*round_, context, component_);
        context_.emplace(context);
        out_.emplace(out);
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        if (cleaned_) book().complain("executed after cleanup");
        if (in.is_tick()) return flush(out);
        book().executed(static_cast<std::uint64_t>(in.int64("row")), context_->task());
        check_order(in);
        treat(in, out);
    }
    void finish(BoltCollector& out) override {
        if (finished_) book().complain("finished twice");
        finished_ = true;
        round_->finishes.fetch_add(1);
        for (int i = round_->plan.bursts ? kBurstRows : 1; i > 0; --i) {
            author_->write({}, 0, [&](const char* stream, TaskId direct, const auto&... values) {
                on(out, stream, direct).emit_unanchored(values...);
            });
        }
    }
    void cleanup() override {
        if (cleaned_) book().complain("cleaned up twice");
        cleaned_ = true;
    }

private:
    static constexpr int kBurstRows = 2'000;

    Book& book() { return round_->book; }
    static Book::Trees trees_of(const Tuple& in) { return unpack(in.bytes(0)); }
    static BoltCollector on(BoltCollector& out, const char* stream, TaskId direct) {
        BoltCollector found = out.on(stream);
        return direct == 0 ? found : found.to(direct);
    }

    void check_order(const Tuple& in) {
        const std::pair now{in.int64("life"), in.int64("seq")};
        auto& last = last_[in.source_task()];
        if (now <= last)
            book().complain(std::string(context_->component()) + ": row " +
                            std::to_string(now.second) + " of life " + std::to_string(now.first) +
                            " of task " + std::to_string(in.source_task()) + " came after row " +
                            std::to_string(last.second) + " of life " + std::to_string(last.first));
        last = now;
    }

    void treat(const Tuple& in, BoltCollector& out) {
        const Manners& manners = round_->plan.parts[component_].manners;
        Draw draw(author_->dice(), 10'000);
        const Book::Trees trees = trees_of(in);
        // Else rows would beget rows for ever in a cycle.
        const bool may_grow = in.int64("ttl") > 0;
        if (draw.falls(manners.fail)) {
            emit(in, trees, in, out);
            book().fail(trees);
            out.fail(in);
        } else if (draw.falls(manners.raise)) {
            emit(in, trees, in, out);
            book().fail(trees);
            throw std::runtime_error("raised");
        } else if (draw.falls(manners.forget)) {
            emit(in, trees, in, out);
            book().fail(trees);
        } else if (draw.falls(manners.keep)) {
            keep_for(author_->dice().roll(0, 30), in, out);
        } else if (draw.falls(manners.join)) {
            join(in, out);
        } else if (draw.falls(manners.later) && may_grow) {
            emit_later(in, trees, out);
        } else if (draw.falls(manners.drop)) {
            const Kept dropped = out.keep(in);
            book().fail(trees);
        } else {
            if (draw.falls(manners.nap))
                std::this_thread::sleep_for(
                    std::chrono::microseconds(author_->dice().roll(1, 800)));
            if (draw.falls(manners.hold))
                std::this_thread::sleep_for(std::chrono::milliseconds(30));
            if (draw.falls(manners.spin)) spin(std::chrono::milliseconds(25));
            const bool burst = draw.falls(manners.burst) && round_->plan.bursts && may_grow;
            emit(in, trees, in, out);
            for (int i = burst ? kBurstRows : 0; i > 0; --i) emit_unanchored(out);
            book().leave(trees);
            out.ack(in);
        }
    }

    static void spin(std::chrono::milliseconds time) {
        const auto until = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < until) {
        }
    }

    /// Emits what follows from `row`, anchored to `anchor`: a tuple, or several.
    template <typename Anchor>
    void emit(const Anchor& anchor, const Book::Trees& trees, const Tuple& row,
              BoltCollector& out) {
        const std::int64_t ttl = row.int64("ttl");
        if (ttl == 0 || !book().may_grow(trees)) return;
        const std::int64_t rows = author_->dice().one_in(10)  ? 0
                                  : author_->dice().one_in(8) ? 2
                                                              : 1;
        for (std::int64_t i = 0; i < rows; ++i) {
            author_->write(trees, ttl - 1,
                           [&](const char* stream, TaskId direct, const auto&... values) {
                               on(out, stream, direct).emit(anchor, values...);
                           });
        }
    }
    void emit_unanchored(BoltCollector& out) {
        if (!book().may_grow({})) return;
        author_->write({}, 0, [&](const char* stream, TaskId direct, const auto&... values) {
            on(out, stream, direct).emit_unanchored(values...);
        });
    }

    void ack_kept(Kept kept, BoltCollector& out) {
        const Book::Trees trees = trees_of(kept.tuple());
        emit(kept.tuple(), trees, kept.tuple(), out);
        book().leave(trees);
        out.ack(std::move(kept));
    }

    /// Acks by post() from another thread.
    void keep_for(std::int64_t ms, const Tuple& in, BoltCollector& out) {
        const auto kept = std::make_shared<Kept>(out.keep(in));
        round_->later.call(std::chrono::milliseconds(ms), [this, kept, context = *context_] {
            context.post([this, kept] { ack_kept(std::move(*kept), *out_); });
        });
    }

    /// Emits a hundred rows by post(), as a bolt does that asks somebody else.
    void emit_later(const Tuple& in, const Book::Trees& trees, BoltCollector& out) {
        round_->later.call(std::chrono::milliseconds(author_->dice().roll(0, 5)),
                           [this, context = *context_] {
                               context.post([this] {
                                   for (int i = 0; i < 100; ++i) emit_unanchored(*out_);
                               });
                           });
        book().leave(trees);
        out.ack(in);
    }

    void join(const Tuple& in, BoltCollector& out) {
        if (!half_) {
            half_ = out.keep(in);
            return;
        }
        Book::Trees trees = trees_of(in);
        for (const std::uint64_t tree : trees_of(half_.tuple())) {
            if (std::find(trees.begin(), trees.end(), tree) == trees.end()) trees.push_back(tree);
        }
        if (trees.size() < 8) {  // A cycle may join for ever more.
            const Tuple* const both[] = {&half_.tuple(), &in};
            emit(std::span<const Tuple* const>(both), trees, in, out);
        }
        book().leave(trees_of(half_.tuple()));
        out.ack(std::move(half_));
        book().leave(trees_of(in));
        out.ack(in);
    }

    /// On a tick: nobody may come to be joined any more.
    void flush(BoltCollector& out) {
        if (half_) ack_kept(std::move(half_), out);
    }

    const std::shared_ptr<SoakRound> round_;
    const std::size_t component_;
    std::optional<Author> author_;
    std::optional<TaskContext> context_;
    std::optional<BoltCollector> out_;
    std::map<TaskId, std::pair<std::int64_t, std::int64_t>> last_;  // Life, seq; by source task.
    Kept half_;
    bool finished_ = false;
    bool cleaned_ = false;
};

inline void subscribe(BoltDeclarer& bolt, const Input& input, const std::string& source) {
    switch (input.grouping) {
        case GroupingKind::kFields:
            bolt.fields(source, {"key"}, input.stream);
            break;
        case GroupingKind::kPartialKey:
            bolt.partial_key(source, {"key"}, input.stream);
            break;
        case GroupingKind::kAll:
            bolt.all(source, input.stream);
            break;
        case GroupingKind::kGlobal:
            bolt.global(source, input.stream);
            break;
        case GroupingKind::kNone:
            bolt.none(source, input.stream);
            break;
        case GroupingKind::kDirect:
            bolt.direct(source, input.stream);
            break;
        case GroupingKind::kLocalOrShuffle:
            bolt.local_or_shuffle(source, input.stream);
            break;
        default:
            bolt.shuffle(source, input.stream);
            break;
    }
}

inline Topology topology_of(const std::shared_ptr<SoakRound>& round) {
    TopologyBuilder t;
    for (std::size_t i = 0; i < round->plan.parts.size(); ++i) {
        const Part& part = round->plan.parts[i];
        if (part.spout) {
            auto& spout = t.spout<SoakSpout>(part.id, round, i);
            spout.parallelism(part.executors).tasks(part.tasks);
            if (part.blocking) spout.blocking();
            spout.set("topology.max.spout.pending", std::to_string(part.pending));
            continue;
        }
        auto& bolt = t.bolt<SoakBolt>(part.id, round, i);
        bolt.parallelism(part.executors).tasks(part.tasks).tick(std::chrono::milliseconds(40));
        if (part.blocking) bolt.blocking();
        for (const Input& input : part.inputs)
            subscribe(bolt, input, round->plan.parts[input.source].id);
    }
    return t.build();
}

// ---- Making one up -----------------------------------------------------------------------------

inline Input random_input(Dice& dice, std::size_t source) {
    if (dice.one_in(8)) return {source, "d", GroupingKind::kDirect};
    constexpr GroupingKind kKinds[] = {GroupingKind::kShuffle,   GroupingKind::kShuffle,
                                       GroupingKind::kFields,    GroupingKind::kFields,
                                       GroupingKind::kAll,       GroupingKind::kGlobal,
                                       GroupingKind::kNone,      GroupingKind::kLocalOrShuffle,
                                       GroupingKind::kPartialKey};
    return {source, dice.one_in(3) ? "b" : "a", kKinds[dice.roll(0, 8)]};
}

inline void add_input(Part& part, const Input& input) {
    const bool has = std::any_of(part.inputs.begin(), part.inputs.end(), [&](const Input& other) {
        return other.source == input.source && other.stream == input.stream;
    });
    if (!has) part.inputs.push_back(input);
}

inline Manners random_manners(Dice& dice, const SoakPlan& plan) {
    Manners manners;
    const auto some = [&](std::int64_t one_in, std::int64_t most) {
        return dice.one_in(one_in) ? dice.roll(1, most) : 0;
    };
    manners.fail = some(2, 200);
    manners.raise = some(2, 100);
    manners.forget = some(3, 100);
    manners.nap = some(2, 200);
    manners.hold = some(3, 5);
    manners.spin = some(4, 5);
    manners.keep = some(2, 1'500);
    manners.join = some(2, 1'000);
    manners.drop = some(3, 100);
    manners.burst = plan.bursts ? some(2, 10) : 0;
    manners.later = some(3, 100);
    return manners;
}

inline SoakPlan random_soak_plan(std::uint64_t seed) {
    Dice dice(seed);
    SoakPlan plan;
    plan.seed = seed;
    plan.workers = static_cast<std::uint32_t>(dice.roll(2, 5));
    plan.bursts = dice.one_in(5);
    plan.large = dice.one_in(6);
    plan.ends = !dice.one_in(4);
    const auto spouts = static_cast<std::size_t>(dice.roll(1, 2));
    const auto bolts = static_cast<std::size_t>(dice.roll(1, 5));
    for (std::size_t i = 0; i < spouts + bolts; ++i) {
        Part& part = plan.parts.emplace_back();
        part.spout = i < spouts;
        part.id = (part.spout ? "spout" : "bolt") + std::to_string(i);
        part.blocking = dice.one_in(7);
        part.executors = static_cast<int>(dice.roll(1, 4));
        part.tasks = part.executors + (dice.one_in(4) ? static_cast<int>(dice.roll(1, 3)) : 0);
        if (part.spout) {
            part.tracked = !dice.one_in(5);
            part.pushed = dice.one_in(4);
            part.pending = dice.one_in(3) ? dice.roll(1, 20) : dice.roll(50, 2'000);
            continue;
        }
        part.manners = random_manners(dice, plan);
        for (std::int64_t n = dice.roll(1, 3); n > 0; --n) {
            add_input(part, random_input(dice, static_cast<std::size_t>(dice.roll(
                                                   0, static_cast<std::int64_t>(i) - 1))));
        }
    }
    const bool dedicated = dice.one_in(5);
    if (dice.one_in(3)) {
        const auto last = static_cast<std::int64_t>(plan.parts.size()) - 1;
        const auto back =
            static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(spouts), last));
        const auto from =
            static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(back), last));
        add_input(plan.parts[back], random_input(dice, from));
        plan.cyclic = true;  // Perhaps: the way back may lead nowhere.
    }
    plan.ttl = dice.roll(1, plan.cyclic ? 6 : 4);
    plan.config.set("topology.worker.threads", std::to_string(dice.roll(1, 2)));
    if (dedicated) plan.config.set("topology.executor.threads", "dedicated");
    plan.config.set("topology.worker.buffer.bytes", std::to_string(dice.roll(1, 4) << 20));
    plan.config.set("topology.cycle.buffer.bytes", std::to_string(dice.roll(1, 4) << 20));
    if (plan.bursts) plan.config.set("topology.executor.overshoot.bytes", "65536");
    plan.config.set("topology.message.timeout.secs", "300");
    return plan;
}

}  // namespace storm::testing
