// A topology that ends in every way that one can: -c mode=…
//
//     finish    emits 1000 numbers, and has finished when they are acked
//     endless   emits until it is stopped
//     keep      emits until it is stopped, and the first 10 tuples are never acked
//     hang      a bolt does not return
//     open      the spout cannot be opened
//     mistake   the topology subscribes to what is not there
//     crash     a bolt ends the process by abort()
//     segv      a bolt touches what is not there
//     deep      a bolt's calls never end
//     throw     a bolt throws what the standard library throws
//     forget    a bolt acks nothing
//     wait      a bolt's prepare() does not return
//     give-up   a bolt fails a tuple of ten, and nobody emits it again
//     refuse    a bolt throws at a tuple of ten, and they are untracked
//     misfit    every tenth emit does not fit its stream
//     exit      a bolt calls exit(0) in the middle
//     fork      a bolt makes a copy of the process, which ends by exit(0)
//     late      the spout emits a tracked number in close()
//     print     the bolt prints its numbers
//     read      the spout waits for a line of stdin before each number
//     silent    emits nothing, untracked, until it is stopped

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <storm/storm.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::uint64_t kNumbers = 1000;
constexpr std::uint64_t kKept = 10;

class Numbers final : public storm::Spout {
public:
    explicit Numbers(std::string mode) : mode_(std::move(mode)) {}

    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"number", storm::Kind::kInt64}});
    }
    void open(const storm::TaskContext& context, storm::SpoutCollector& out) override {
        if (mode_ == "open") throw std::runtime_error("no numbers today");
        out_.emplace(out);
        acked_ = &context.counter("numbers_acked");
        context.set_status("counting\non");
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        if (mode_ == "silent") return storm::Next::kIdle;
        if (mode_ == "read") {
            std::string line;
            if (!std::getline(std::cin, line)) {
                out.finished();
                return storm::Next::kIdle;
            }
        } else if (mode_ != "endless" && mode_ != "keep" && mode_ != "hang" && next_ == kNumbers) {
            out.finished();
            return storm::Next::kIdle;
        }
        const std::uint64_t number = next_++;
        if (mode_ == "refuse") {
            out.emit(number);
        } else if (mode_ == "misfit" && number % 10 == 0) {
            out.emit_tracked(number, "no number");
        } else {
            out.emit_tracked(number, number);
        }
        return storm::Next::kEmitted;
    }
    void ack(storm::MessageId) override { acked_->add(); }
    void close() override {
        if (mode_ == "late") out_->emit_tracked(next_, next_);
    }

private:
    const std::string mode_;
    std::uint64_t next_ = 0;
    std::optional<storm::SpoutCollector> out_;
    storm::Counter* acked_ = nullptr;
};

class Sink final : public storm::Bolt {
public:
    explicit Sink(std::string mode) : mode_(std::move(mode)) {}

    void prepare(const storm::TaskContext&, storm::BoltCollector&) override {
        while (mode_ == "wait") pause();
    }

    void execute(const storm::Tuple& number, storm::BoltCollector& out) override {
        while (mode_ == "hang") pause();
        if (mode_ == "crash") std::abort();
        if (mode_ == "segv") touch(nullptr);
        if (mode_ == "deep") goes_deeper(0);
        if (mode_ == "throw") static_cast<void>(std::stoi("x"));
        if (mode_ == "forget") return;
        const bool tenth = number.int64(0) % 10 == 0;
        if (mode_ == "exit" && number.int64(0) == 500) std::exit(0);
        if (mode_ == "fork" && number.int64(0) == 500) {
            const pid_t child = fork();
            if (child == 0) std::exit(0);
            int status = -1;
            waitpid(child, &status, 0);
            if (status != 0) throw std::runtime_error("the copy did not end with 0");
        }
        if (mode_ == "refuse" && tenth) throw std::runtime_error("it divides by ten");
        if (mode_ == "print") std::cout << number.int64(0) << '\n';
        ++executed_;
        if (mode_ == "give-up" && tenth) return out.fail(number);
        if (mode_ == "keep" && kept_.size() < kKept) {
            kept_.push_back(out.keep(number));
        } else {
            out.ack(number);
        }
    }

    void finish(storm::BoltCollector&) override {
        if (mode_ == "read") std::cout << "executed " << executed_ << '\n';
    }

private:
    // NOLINTBEGIN(clang-analyzer-*): they are to crash.
    [[gnu::noinline]] static int touch(const volatile int* at) { return *at; }
    // NOLINTNEXTLINE(misc-no-recursion)
    [[gnu::noinline]] static int goes_deeper(int depth) {
        volatile int here = depth;  // Used after the call, so that this is not a loop.
        return depth < 0 ? 0 : goes_deeper(depth + 1) + here;
    }
    // NOLINTEND(clang-analyzer-*)

    const std::string mode_;
    std::uint64_t executed_ = 0;
    std::vector<storm::Kept> kept_;
};

storm::Topology tiny_topology(const storm::Config& config) {
    const std::string mode = config.string("mode");
    storm::TopologyBuilder t;
    auto& numbers = t.spout<Numbers>("numbers", mode);
    if (mode == "read") numbers.blocking();
    t.bolt<Sink>("sink", mode).shuffle(mode == "mistake" ? "number" : "numbers");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(tiny_topology)
