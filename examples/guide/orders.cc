// The topology of docs/guide.md: adds up what customers have ordered.
//
//     orders --shuffle--> parse --shuffle--> rates --by customer--> totals --global--> store
//                               --rejected, shuffle--> complain
//
//     printf 'ann 3.50\nbob 1\nann x\nann 2\n' > orders && guide-orders -c input=orders

#include <charconv>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <storm/storm.h>

namespace {

// ---- Spouts

class Orders final : public storm::Spout {
public:
    void declare_outputs(storm::Outputs& outputs) const override { outputs.stream({"line"}); }
    void open(const storm::TaskContext& context, storm::SpoutCollector&) override {
        const std::string path = context.config().string("input");  // -c input=FILE
        file_.open(path);
        if (!file_) throw std::runtime_error("cannot read \"" + path + '"');
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        storm::MessageId id = next_id_;
        std::string line;
        if (!failed_.empty()) {
            id = failed_.back();
            failed_.pop_back();
        } else if (std::getline(file_, line)) {
            pending_[next_id_++] = line;
        } else {
            out.finished();
            return storm::Next::kIdle;
        }
        out.emit_tracked(id, pending_[id]);
        return storm::Next::kEmitted;
    }
    void ack(storm::MessageId id) override { pending_.erase(id); }
    void fail(storm::MessageId id, storm::FailReason) override { failed_.push_back(id); }

private:
    std::ifstream file_;
    storm::MessageId next_id_ = 0;
    std::map<storm::MessageId, std::string> pending_;
    std::vector<storm::MessageId> failed_;
};

// ---- Basic bolts, and streams

class Parse final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"customer", {"amount", storm::Kind::kDouble}});  // The stream "default".
        outputs.stream("rejected", {"line", "why"});
    }
    void prepare(const storm::TaskContext& context) override {
        rejected_ = &context.counter("orders_rejected");
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        const std::string_view line = input.string("line");
        const std::size_t space = line.find(' ');
        double amount = 0;
        if (space == std::string_view::npos || !parse(line.substr(space + 1), amount)) {
            rejected_->add();
            out.on("rejected").emit(line, "no amount");
            return;
        }
        out.emit(line.substr(0, space), amount);
    }

private:
    static bool parse(std::string_view text, double& number) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        return error == std::errc() && end == text.data() + text.size();
    }

    storm::Counter* rejected_ = nullptr;  // Lives as long as the task.
};

// ---- Another thread

/// Asks for rates of exchange on a thread of its own, and lets its task emit what it got.
class Rates final : public storm::Bolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"customer", {"euros", storm::Kind::kDouble}});
    }
    void prepare(const storm::TaskContext& context, storm::BoltCollector& out) override {
        context_ = context;
        out_ = out;
        asker_ = std::jthread([this](const std::stop_token& stop) { ask(stop); });
    }
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(out.keep(input));  // Neither acked nor failed yet.
        wake_.notify_one();
    }
    void cleanup() override { asker_ = {}; }  // Ends and joins it.

private:
    void ask(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
            std::vector<storm::Kept> batch = std::exchange(waiting_, {});
            lock.unlock();
            const double rate = 0.9;  // A real one would wait for an answer here.
            for (storm::Kept& order : batch) {
                context_->post([this, rate, order = std::move(order)]() mutable {
                    const storm::Tuple& tuple = order.tuple();
                    out_->emit(tuple, tuple.string("customer"), rate * tuple.real("amount"));
                    out_->ack(std::move(order));
                });
            }
            lock.lock();
        }
    }

    std::optional<storm::TaskContext> context_;
    std::optional<storm::BoltCollector> out_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::vector<storm::Kept> waiting_;
    std::jthread asker_;
};

// ---- Ticks

class Totals final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"customer", {"total", storm::Kind::kDouble}});
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        if (input.is_tick()) return emit_changed(out);
        const std::string customer(input.string("customer"));
        totals_[customer] += input.real("euros");
        changed_[customer] = totals_[customer];
    }
    void finish(storm::BasicCollector& out) override { emit_changed(out); }

private:
    void emit_changed(storm::BasicCollector& out) {
        for (const auto& [customer, total] : changed_) out.emit(customer, total);
        changed_.clear();
    }

    std::map<std::string, double> totals_;
    std::map<std::string, double> changed_;  // Since the last tick.
};

// ---- Bolts that ack themselves

/// Prints totals, many at once: each is acked when it is written.
class Store final : public storm::Bolt {
public:
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
        if (!input.is_tick()) batch_.push_back(out.keep(input));
        if (input.is_tick() || batch_.size() == 100) write(out);
    }
    void inputs_ended(storm::BoltCollector& out) override { write(out); }

private:
    void write(storm::BoltCollector& out) {
        std::string lines;
        for (const storm::Kept& total : batch_) {
            lines += std::string(total.tuple().string("customer")) + ' ' +
                     std::to_string(total.tuple().real("total")) + '\n';
        }
        std::cout << lines << std::flush;
        for (storm::Kept& total : batch_) {
            if (std::cout) {
                out.ack(std::move(total));
            } else {
                out.fail(std::move(total), "cannot write it");
            }
        }
        batch_.clear();
    }

    std::vector<storm::Kept> batch_;
};

// ---- The topology

storm::Topology orders(const storm::Config& config) {
    const auto parallelism = static_cast<int>(config.int64("parallelism", 2));
    storm::TopologyBuilder t;
    t.spout<Orders>("orders").blocking().set("topology.max.spout.pending", "1000");
    t.bolt<Parse>("parse").parallelism(parallelism).shuffle("orders");
    t.bolt<Rates>("rates").shuffle("parse");
    t.bolt<Totals>("totals")
        .parallelism(parallelism)
        .tick(storm::Milliseconds(1000))
        .fields("rates", {"customer"});
    t.bolt<Store>("store").tasks(1).blocking().tick(storm::Milliseconds(200)).global("totals");
    t.bolt_fn("complain", {}, [](const storm::Tuple& input, storm::BasicCollector& out) {
         out.report_error("rejected: " + std::string(input.string("line")));
     }).shuffle("parse", "rejected");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(orders)
