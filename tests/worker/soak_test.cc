// Goal:   whatever a topology looks like and however its bolts behave, the promises of
//         docs/guarantees.md hold: exactly one of ack and fail per tracked tuple, no ack before all
//         of its tree has acked, order per pair of tasks, nothing lost, finish() once, bounded
//         memory, and everything ends.
// Method: random topologies, with cycles, of bolts that fail, throw, forget, nap, hold their loop,
//         keep and join, one after the other for STORM_SOAK_SECONDS (30). Beside the engine the
//         bolts keep a book of each tuple's copies, which spouts look into when they are called
//         back. Each round prints its seed; STORM_SOAK_SEED=<seed> begins with that one.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <storm/storm.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/support/any_topology.h"
#include "tests/support/dice.h"
#include "tests/support/environment.h"
#include "tests/support/resident.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::size_t kIdsMax = 1 << 20;  // Tracked tuples in a round.
constexpr int kCopiesMax = 100;           // Copies in one tree; a little more is possible.
constexpr std::int64_t kTimeoutMs = 1'000;

// ---- The book ----------------------------------------------------------------------------------

/// The facts that must hold for each tracked tuple, kept by spouts and bolts beside the engine.
class Book {
public:
    Book() : pages_(kIdsMax) {}

    std::optional<MessageId> new_id() {
        const std::size_t id = ids_.fetch_add(1);
        if (id >= kIdsMax) return std::nullopt;
        pages_[id].emitted_ms = now_ms();
        return id;
    }
    std::size_t ids() const { return std::min(ids_.load(), kIdsMax); }
    std::size_t told() const { return told_.load(); }

    /// `copies` of a row are about to be emitted, as a part of these trees.
    void enter(const std::vector<MessageId>& trees, int copies) {
        copies_.fetch_add(static_cast<std::uint64_t>(copies));
        for (const MessageId id : trees) {
            pages_[id].open.fetch_add(copies);
            pages_[id].all.fetch_add(copies);
        }
    }
    /// Whether these trees are small enough to grow on.
    bool may_grow(const std::vector<MessageId>& trees) const {
        return std::all_of(trees.begin(), trees.end(),
                           [this](MessageId id) { return pages_[id].all.load() < kCopiesMax; });
    }
    /// A copy is about to be acked.
    void leave(const std::vector<MessageId>& trees) {
        for (const MessageId id : trees) pages_[id].open.fetch_sub(1);
    }
    /// A copy is about to be failed, one way or the other.
    void fail(const std::vector<MessageId>& trees) {
        for (const MessageId id : trees) pages_[id].failed.store(true);
    }
    void executed() { executed_.fetch_add(1); }

    void on_ack(MessageId id) {
        Page& page = pages_[id];
        tell(page, id);
        if (page.open.load() != 0)
            complain("ack of " + std::to_string(id) + " with " + std::to_string(page.open.load()) +
                     " copies open");
        if (page.failed.load()) complain("ack of " + std::to_string(id) + " which a bolt failed");
    }
    void on_fail(MessageId id, FailReason reason) {
        Page& page = pages_[id];
        tell(page, id);
        reasons_[static_cast<std::size_t>(reason)].fetch_add(1);
        if (reason == FailReason::kTimedOut && now_ms() - page.emitted_ms < kTimeoutMs - 1)
            complain("timed out after " + std::to_string(now_ms() - page.emitted_ms) + " ms");
        const bool of_a_bolt = reason == FailReason::kBoltFailed ||
                               reason == FailReason::kException || reason == FailReason::kForgotten;
        if (of_a_bolt && !page.failed.load())
            complain(std::string(to_string(reason)) + " though no bolt failed it");
    }

    void complain(const std::string& what) {
        const std::lock_guard lock(mutex_);
        if (complaints_.size() < 20) complaints_.push_back(what);
    }
    std::vector<std::string> complaints() {
        const std::lock_guard lock(mutex_);
        return complaints_;
    }
    std::uint64_t failed(FailReason reason) const {
        return reasons_[static_cast<std::size_t>(reason)].load();
    }
    std::uint64_t copies_emitted() const { return copies_.load(); }
    std::uint64_t copies_executed() const { return executed_.load(); }

private:
    struct Page {
        std::atomic<int> open{0};  // Copies that are neither acked nor failed.
        std::atomic<int> all{0};
        std::atomic<bool> failed{false};
        std::atomic<bool> told{false};
        std::int64_t emitted_ms = 0;  // The spout's.
    };

    static std::int64_t now_ms() {
        return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch())
            .count();
    }
    void tell(Page& page, MessageId id) {
        told_.fetch_add(1);
        if (page.told.exchange(true)) complain("told twice of " + std::to_string(id));
    }

    std::vector<Page> pages_;
    std::atomic<std::size_t> ids_{0};
    std::atomic<std::size_t> told_{0};
    std::atomic<std::uint64_t> copies_{0};
    std::atomic<std::uint64_t> executed_{0};
    std::atomic<std::uint64_t> reasons_[8]{};
    std::mutex mutex_;
    std::vector<std::string> complaints_;
};

/// A thread that calls things some time later.
class Later {
public:
    Later() : thread_([this](std::stop_token stop) { run(stop); }) {}

    void call(milliseconds after, std::function<void()> what) {
        const std::lock_guard lock(mutex_);
        calls_.emplace(steady_clock::now() + after, std::move(what));
        changed_.notify_one();
    }

private:
    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            if (calls_.empty() || calls_.begin()->first > steady_clock::now()) {
                changed_.wait_for(lock, stop, milliseconds(1), [] { return false; });
                continue;
            }
            const auto call = calls_.extract(calls_.begin());
            lock.unlock();
            call.mapped()();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::multimap<steady_clock::time_point, std::function<void()>> calls_;
    std::jthread thread_;
};

// ---- A random topology -------------------------------------------------------------------------

struct Input {
    std::size_t source;  // Number of a component.
    std::string stream;  // a, b, or d: direct.
    GroupingKind grouping;
};

/// Number of inputs, out of a thousand, that are treated so; the rest are acked.
struct Manners {
    std::int64_t fail = 0, raise = 0, forget = 0, nap = 0, hold = 0, keep = 0, join = 0, drop = 0,
                 forever = 0;
};

struct Part {
    std::string id;
    bool spout = false;
    bool blocking = false;
    int executors = 1;
    int tasks = 1;
    std::int64_t pending = 0;  // A spout's limit; 0: the default.
    std::vector<Input> inputs;
    Manners manners;
};

struct Plan {
    std::uint64_t seed = 0;
    std::vector<Part> parts;
    Config config;
    bool cyclic = false;
    bool times_out = false;
    std::int64_t ttl = 0;
    enum class End { kFinish, kDrain, kStop } end = End::kFinish;

    int copies(std::size_t source, std::string_view stream, std::int64_t key) const {
        int sum = 0;
        for (const Part& part : parts) {
            for (const Input& input : part.inputs) {
                if (input.source != source || input.stream != stream) continue;
                if (input.grouping == GroupingKind::kAll) {
                    sum += part.tasks;
                } else if (input.grouping == GroupingKind::kCustom) {
                    sum += static_cast<int>(key % 3);
                } else {
                    sum += 1;
                }
            }
        }
        return sum;
    }
    std::string text() const {
        std::ostringstream out;
        out << "seed " << seed << (cyclic ? ", cyclic" : "") << (times_out ? ", times out" : "")
            << ", ttl " << ttl << ", end " << static_cast<int>(end);
        for (const auto& [key, value] : config.entries()) out << ' ' << key << '=' << value;
        for (const Part& part : parts) {
            out << "\n  " << part.id << ' ' << part.executors << '/' << part.tasks
                << (part.blocking ? " blocking" : "");
            for (const Input& input : part.inputs)
                out << ' ' << parts[input.source].id << '.' << input.stream << ':'
                    << to_string(input.grouping);
        }
        return out.str();
    }
};

Input random_input(Dice& dice, std::size_t source) {
    if (dice.one_in(8)) return {source, "d", GroupingKind::kDirect};
    constexpr GroupingKind kKinds[] = {
        GroupingKind::kShuffle,   GroupingKind::kShuffle, GroupingKind::kFields,
        GroupingKind::kFields,    GroupingKind::kAll,     GroupingKind::kGlobal,
        GroupingKind::kNone,      GroupingKind::kCustom,  GroupingKind::kLocalOrShuffle,
        GroupingKind::kPartialKey};
    return {source, dice.one_in(3) ? "b" : "a", kKinds[dice.roll(0, 9)]};
}

bool has_input(const Part& part, const Input& input) {
    return std::any_of(part.inputs.begin(), part.inputs.end(), [&](const Input& other) {
        return other.source == input.source && other.stream == input.stream;
    });
}

Manners random_manners(Dice& dice, bool times_out) {
    Manners manners;
    const auto some = [&](std::int64_t one_in, std::int64_t most) {
        return dice.one_in(one_in) ? dice.roll(1, most) : 0;
    };
    manners.fail = some(2, 30);
    manners.raise = some(2, 20);
    manners.forget = some(3, 20);
    manners.nap = some(2, 20);
    manners.hold = some(3, 2);
    manners.keep = some(2, 150);
    manners.join = some(2, 150);
    manners.drop = some(3, 20);
    manners.forever = times_out ? some(2, 3) : 0;
    return manners;
}

Plan random_plan(std::uint64_t seed) {
    Dice dice(seed);
    Plan plan;
    plan.seed = seed;
    plan.times_out = dice.one_in(4);
    const auto spouts = static_cast<std::size_t>(dice.roll(1, 3));
    const auto bolts = static_cast<std::size_t>(dice.roll(1, 6));
    for (std::size_t i = 0; i < spouts + bolts; ++i) {
        Part& part = plan.parts.emplace_back();
        part.spout = i < spouts;
        part.id = (part.spout ? "spout" : "bolt") + std::to_string(i);
        part.blocking = dice.one_in(7);
        part.executors = static_cast<int>(dice.roll(1, 4));
        part.tasks = part.executors + (dice.one_in(3) ? static_cast<int>(dice.roll(1, 4)) : 0);
        if (part.spout) {
            part.pending = dice.one_in(3) ? dice.roll(1, 20) : dice.roll(50, 2'000);
            continue;
        }
        part.manners = random_manners(dice, plan.times_out);
        const std::int64_t inputs = dice.roll(1, 3);
        for (std::int64_t n = 0; n < inputs; ++n) {
            const Input input = random_input(dice, dice.index(i));
            if (!has_input(part, input)) part.inputs.push_back(input);
        }
    }
    if (dice.one_in(2)) {
        const auto last = static_cast<std::int64_t>(plan.parts.size()) - 1;
        const auto back =
            static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(spouts), last));
        const Input input = random_input(
            dice, static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(back), last)));
        if (!has_input(plan.parts[back], input)) plan.parts[back].inputs.push_back(input);
        plan.cyclic = true;  // Perhaps: the way back may lead nowhere.
    }
    plan.ttl = dice.roll(1, plan.cyclic ? 7 : 5);
    plan.config = config_of({static_cast<int>(dice.roll(1, 3)), dice.one_in(5)});
    plan.config.set("topology.worker.buffer.bytes", std::to_string(dice.roll(1, 4) * kMiB));
    plan.config.set("topology.cycle.buffer.bytes", std::to_string(dice.roll(1, 4) * kMiB));
    plan.config.set("topology.message.timeout.secs",
                    plan.times_out ? std::to_string(kTimeoutMs / 1'000) : "300");
    if (dice.one_in(3)) plan.end = dice.one_in(3) ? Plan::End::kStop : Plan::End::kDrain;
    return plan;
}

// ---- Its spouts and bolts ----------------------------------------------------------------------

/// Shared by all tasks of a round. Owners: the round and its tasks.
struct Round {
    explicit Round(Plan random) : plan(std::move(random)) {}

    const Plan plan;
    Book book;
    Later later;
    std::atomic<bool> over{false};  // Spouts emit no more.
    std::atomic<int> finishes{0};
    std::atomic<int> cleanups{0};
};

Value::Bytes pack(const std::vector<MessageId>& trees) {
    Value::Bytes bytes(trees.size() * sizeof(MessageId));
    if (!trees.empty()) std::memcpy(bytes.data(), trees.data(), bytes.size());
    return bytes;
}

std::vector<MessageId> unpack(std::span<const std::byte> bytes) {
    std::vector<MessageId> trees(bytes.size() / sizeof(MessageId));
    if (!trees.empty()) std::memcpy(trees.data(), bytes.data(), bytes.size());
    return trees;
}

void declare_streams(Outputs& outputs) {
    for (const char* const stream : {"a", "b", "d"}) {
        outputs.stream(stream,
                       {{"trees", Kind::kBytes},
                        {"ttl", Kind::kInt64},
                        {"seq", Kind::kInt64},
                        {"key", Kind::kInt64},
                        {"text", Kind::kString}},
                       *stream == 'd');
    }
}

/// Where a task's next row goes, and what it holds besides its trees.
class Author {
public:
    Author(const Round& round, const TaskContext& context, std::size_t component)
        : plan_(round.plan),
          component_(component),
          dice_(round.plan.seed * 1'000 + static_cast<std::uint64_t>(context.task())) {
        for (const Part& part : plan_.parts) {
            for (const Input& input : part.inputs) {
                if (input.source != component || input.stream != "d") continue;
                for (const TaskId task : context.tasks_of(part.id)) direct_.push_back(task);
            }
        }
    }

    Dice& dice() { return dice_; }

    /// Calls emit(stream, direct task or 0, copies, seq, key, text).
    template <typename Emit>
    void write(Emit&& emit) {
        const std::int64_t key = dice_.roll(0, 99);
        const std::string text(size(), 'x');
        if (!direct_.empty() && dice_.one_in(3)) {
            emit("d", direct_[dice_.index(direct_.size())], 1, ++seq_, key, text);
            return;
        }
        const char* const stream = dice_.one_in(3) ? "b" : "a";
        emit(stream, 0, plan_.copies(component_, stream, key), ++seq_, key, text);
    }

private:
    std::size_t size() {
        if (dice_.one_in(500)) return static_cast<std::size_t>(dice_.roll(10'000, 60'000));
        return static_cast<std::size_t>(dice_.one_in(10) ? dice_.roll(0, 3'000)
                                                         : dice_.roll(0, 60));
    }

    const Plan& plan_;
    const std::size_t component_;
    Dice dice_;
    std::vector<TaskId> direct_;
    std::int64_t seq_ = 0;
};

class SoakSpout final : public Spout {
public:
    SoakSpout(std::shared_ptr<Round> round, std::size_t component)
        : round_(std::move(round)), component_(component) {}

    void declare_outputs(Outputs& outputs) const override { declare_streams(outputs); }
    void open(const TaskContext& context, SpoutCollector& out) override {
        author_.emplace(*round_, context, component_);
        wake_later(out.waker());
    }
    Next next_tuple(SpoutCollector& out) override {
        if (round_->over.load()) {
            if (round_->plan.end == Plan::End::kFinish) out.finished();
            return Next::kIdle;
        }
        if (author_->dice().one_in(20)) return Next::kIdle;
        if (author_->dice().one_in(3'000)) throw std::runtime_error("next");
        if (author_->dice().one_in(5'000)) std::this_thread::sleep_for(milliseconds(25));
        for (std::int64_t i = author_->dice().roll(1, 3); i > 0; --i) emit(out);
        return Next::kEmitted;
    }
    void ack(MessageId id) override {
        round_->book.on_ack(id);
        if (author_->dice().one_in(3'000)) throw std::runtime_error("ack");
    }
    void fail(MessageId id, FailReason reason) override { round_->book.on_fail(id, reason); }

private:
    void emit(SpoutCollector& out) {
        const std::optional<MessageId> id = round_->book.new_id();
        if (!id) return;
        author_->write([&](const char* stream, TaskId direct, int copies, std::int64_t seq,
                           std::int64_t key, const std::string& text) {
            round_->book.enter({*id}, copies);
            SpoutCollector on = out.on(stream);
            if (direct != 0) on = on.to(direct);
            on.emit_tracked(*id, std::span<const std::byte>(pack({*id})), round_->plan.ttl, seq,
                            key, text);
        });
    }
    void wake_later(std::function<void()> waker) {
        if (round_->over.load()) return;
        Round& round = *round_;
        round_->later.call(milliseconds(7), [waker] { waker(); });
        round_->later.call(milliseconds(20), [this, &round, waker] {
            if (!round.over.load()) wake_later(waker);
        });
    }

    const std::shared_ptr<Round> round_;
    const std::size_t component_;
    std::optional<Author> author_;
};

class SoakBolt final : public Bolt {
public:
    SoakBolt(std::shared_ptr<Round> round, std::size_t component)
        : round_(std::move(round)), component_(component) {}

    void declare_outputs(Outputs& outputs) const override { declare_streams(outputs); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        author_.emplace(*round_, context, component_);
        context_.emplace(context);
        out_.emplace(out);
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        if (cleaned_) book().complain("executed after cleanup");
        if (in.is_tick()) return flush(out);
        book().executed();
        check_order(in);
        treat(in, out);
    }
    void finish(BoltCollector& out) override {
        if (finished_) book().complain("finished twice");
        finished_ = true;
        round_->finishes.fetch_add(1);
        author_->write([&](const char* stream, TaskId direct, int copies, std::int64_t seq,
                           std::int64_t key, const std::string& text) {
            book().enter({}, copies);
            BoltCollector on = out.on(stream);
            if (direct != 0) on = on.to(direct);
            on.emit_unanchored(std::span<const std::byte>(), 0, seq, key, text);
        });
    }
    void cleanup() override {
        if (cleaned_) book().complain("cleaned up twice");
        cleaned_ = true;
        round_->cleanups.fetch_add(1);
    }

private:
    Book& book() { return round_->book; }
    static std::vector<MessageId> trees_of(const Tuple& in) { return unpack(in.bytes(0)); }

    void check_order(const Tuple& in) {
        const std::int64_t seq = in.int64("seq");
        std::int64_t& last = last_[in.source_task()];
        if (seq < last)
            book().complain(std::string(context_->component()) + ": row " + std::to_string(seq) +
                            " of task " + std::to_string(in.source_task()) + " came after row " +
                            std::to_string(last));
        last = seq;
    }

    void treat(const Tuple& in, BoltCollector& out) {
        const Manners& manners = round_->plan.parts[component_].manners;
        Draw draw(author_->dice(), 1'000);
        const std::vector<MessageId> trees = trees_of(in);
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
        } else if (draw.falls(manners.forever) && round_->plan.times_out) {
            keep_for(1'400, in, out);
        } else if (draw.falls(manners.join)) {
            join(in, out);
        } else if (draw.falls(manners.drop)) {
            const Kept dropped = out.keep(in);
            book().fail(trees);
        } else {
            if (draw.falls(manners.nap))
                std::this_thread::sleep_for(
                    std::chrono::microseconds(author_->dice().roll(1, 800)));
            if (draw.falls(manners.hold)) std::this_thread::sleep_for(milliseconds(30));
            emit(in, trees, in, out);
            book().leave(trees);
            out.ack(in);
        }
    }

    /// Emits what follows from `row`, anchored to `anchor`: a tuple, or several.
    template <typename Anchor>
    void emit(const Anchor& anchor, const std::vector<MessageId>& trees, const Tuple& row,
              BoltCollector& out) {
        const std::int64_t ttl = row.int64("ttl");
        if (ttl == 0 || !book().may_grow(trees)) return;
        const std::int64_t rows = author_->dice().one_in(10)  ? 0
                                  : author_->dice().one_in(8) ? 2
                                                              : 1;
        for (std::int64_t i = 0; i < rows; ++i) {
            author_->write([&](const char* stream, TaskId direct, int copies, std::int64_t seq,
                               std::int64_t key, const std::string& text) {
                book().enter(trees, copies);
                BoltCollector on = out.on(stream);
                if (direct != 0) on = on.to(direct);
                on.emit(anchor, std::span<const std::byte>(pack(trees)), ttl - 1, seq, key, text);
            });
        }
    }

    void ack_kept(Kept kept, BoltCollector& out) {
        const std::vector<MessageId> trees = trees_of(kept.tuple());
        emit(kept.tuple(), trees, kept.tuple(), out);
        book().leave(trees);
        out.ack(std::move(kept));
    }

    /// Acks by post() from another thread.
    void keep_for(std::int64_t ms, const Tuple& in, BoltCollector& out) {
        const auto kept = std::make_shared<Kept>(out.keep(in));
        round_->later.call(milliseconds(ms), [this, kept, context = *context_] {
            context.post([this, kept] { ack_kept(std::move(*kept), *out_); });
        });
    }

    void join(const Tuple& in, BoltCollector& out) {
        if (!half_) {
            half_ = out.keep(in);
            return;
        }
        std::vector<MessageId> trees = trees_of(in);
        for (const MessageId id : trees_of(half_.tuple())) {
            if (std::find(trees.begin(), trees.end(), id) == trees.end()) trees.push_back(id);
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

    const std::shared_ptr<Round> round_;
    const std::size_t component_;
    std::optional<Author> author_;
    std::optional<TaskContext> context_;
    std::optional<BoltCollector> out_;
    std::map<TaskId, std::int64_t> last_;  // seq, by source task.
    Kept half_;
    bool finished_ = false;
    bool cleaned_ = false;
};

/// Chooses key % 3 targets.
class SoakGrouping final : public Grouping {
public:
    void prepare(const TaskContext&, std::span<const TaskId> targets) override {
        targets_.assign(targets.begin(), targets.end());
    }
    void choose(const Tuple& tuple, std::vector<TaskId>& chosen) override {
        const std::int64_t key = tuple.int64("key");
        for (std::int64_t i = 0; i < key % 3; ++i)
            chosen.push_back(targets_[static_cast<std::size_t>(key + i) % targets_.size()]);
    }

private:
    std::vector<TaskId> targets_;
};

void subscribe(BoltDeclarer& bolt, const Input& input, const std::string& source) {
    switch (input.grouping) {
        case GroupingKind::kShuffle:
            bolt.shuffle(source, input.stream);
            break;
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
        case GroupingKind::kCustom:
            bolt.custom(
                source, [] { return std::make_unique<SoakGrouping>(); }, input.stream);
            break;
    }
}

Topology topology_of(const std::shared_ptr<Round>& round) {
    TopologyBuilder t;
    for (std::size_t i = 0; i < round->plan.parts.size(); ++i) {
        const Part& part = round->plan.parts[i];
        if (part.spout) {
            auto& spout = t.spout<SoakSpout>(part.id, round, i);
            spout.parallelism(part.executors).tasks(part.tasks);
            if (part.blocking) spout.blocking();
            if (part.pending > 0)
                spout.set("topology.max.spout.pending", std::to_string(part.pending));
            continue;
        }
        auto& bolt = t.bolt<SoakBolt>(part.id, round, i);
        bolt.parallelism(part.executors).tasks(part.tasks).tick(milliseconds(40));
        if (part.blocking) bolt.blocking();
        for (const Input& input : part.inputs)
            subscribe(bolt, input, round->plan.parts[input.source].id);
    }
    return t.build();
}

// ---- The rounds --------------------------------------------------------------------------------

std::string picture(const std::vector<worker::ComponentSnapshot>& snapshot) {
    std::ostringstream out;
    for (const worker::ComponentSnapshot& component : snapshot) {
        out << "\n  " << component.id << " pending " << component.pending << " acked "
            << component.acked << " failed " << component.failed;
        for (const auto& stream : component.streams)
            out << ' ' << stream.stream << '>' << stream.transferred;
        for (const auto& input : component.inputs)
            out << ' ' << input.source << '.' << input.stream << '<' << input.executed;
    }
    return out.str();
}

void soak(const Plan& plan) {
    SCOPED_TRACE(plan.text());
    const auto round = std::make_shared<Round>(plan);
    Book& book = round->book;
    {
        Running run(topology_of(round), plan.config);
        std::int64_t most = 0;
        const auto until = steady_clock::now() + milliseconds(500);
        while (steady_clock::now() < until) {
            most = std::max(most, run.bytes_in_flight());
            std::this_thread::sleep_for(milliseconds(1));
        }
        round->over.store(true);
        if (plan.end == Plan::End::kDrain) run.engine().drain();
        if (plan.end != Plan::End::kStop) {
            ASSERT_TRUE(run.finishes()) << "it hangs:" << picture(run.engine().snapshot()) << "\n  "
                                        << run.bytes_in_flight() << " bytes in flight";
            EXPECT_EQ(book.told(), book.ids()) << "tuples without ack and fail";
            EXPECT_EQ(run.engine().pending(), 0);
            EXPECT_TRUE(run.empties()) << run.bytes_in_flight() << " bytes are left";
            int tasks = 0;
            for (const Part& part : plan.parts) tasks += part.spout ? 0 : part.tasks;
            EXPECT_EQ(round->finishes.load(), tasks);
            EXPECT_EQ(round->cleanups.load(), tasks);
            if (book.failed(FailReason::kOverflow) == 0) {
                std::uint64_t dropped = 0;
                std::uint64_t expired = 0;
                for (const auto& component : run.engine().snapshot()) {
                    dropped += component.dropped;
                    expired += component.expired;
                }
                const std::uint64_t taken = book.copies_executed() + expired;
                EXPECT_LE(taken, book.copies_emitted());
                // Tuples kept for longer than their tree lives may come back into a cycle that has
                // ended meanwhile, where nobody needs them any more.
                const bool may_come_late = plan.cyclic && plan.times_out;
                EXPECT_TRUE(dropped > 0 || may_come_late || taken == book.copies_emitted())
                    << book.copies_emitted() << " copies were emitted, " << book.copies_executed()
                    << " executed and " << expired << " expired";
                EXPECT_TRUE(plan.times_out || expired == 0);
            }
        }
        ASSERT_TRUE(run.stop()) << "it does not stop";
        EXPECT_LE(run.engine().pending(), book.ids() - book.told());
        EXPECT_LE(most, 32 * kMiB);
    }
    for (const std::string& complaint : book.complaints()) ADD_FAILURE() << complaint;
    EXPECT_EQ(book.failed(FailReason::kWorkerLost) + book.failed(FailReason::kRebalanced), 0);
    EXPECT_TRUE(plan.cyclic || book.failed(FailReason::kOverflow) == 0);
    EXPECT_TRUE(plan.times_out || book.failed(FailReason::kTimedOut) == 0);
}

TEST(Soak, ThePromisesHoldForAnyTopologyAndBehaviour) {
    base::log::set_level(base::LogLevel::kError);
    const auto seconds = static_cast<std::int64_t>(number_from("STORM_SOAK_SECONDS", 30));
    std::uint64_t seed = number_from("STORM_SOAK_SEED", base::kernel_seed() % 1'000'000'000);
    const auto until = steady_clock::now() + std::chrono::seconds(seconds);
    std::int64_t early = 0;
    int rounds = 0;
    do {
        std::cout << "STORM_SOAK_SEED=" << seed << std::endl;
        soak(random_plan(seed));
        ASSERT_FALSE(HasFailure()) << "replay with STORM_SOAK_SEED=" << seed;
        ++seed;
        if (++rounds == 5) early = resident_bytes();
    } while (steady_clock::now() < until);

    std::cout << rounds << " rounds, " << resident_bytes() / kMiB << " MiB resident" << std::endl;
    EXPECT_TRUE(early == 0 || kSanitized || resident_bytes() <= early + 64 * kMiB);
}

}  // namespace
}  // namespace storm::testing
