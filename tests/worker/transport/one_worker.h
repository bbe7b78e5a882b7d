// Worker 1 of two, for tests that play the other one: an engine that need not run, and the bytes
// that a peer would send it.
//
// It and worker 0 (worker 0: and worker 1) have one executor of each component: the spout
// "numbers", the bolts "pass" and "sink". Further workers have none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tests/support/any_topology.h"
#include "tests/wire/plain_row.h"
#include "wire/batch.h"
#include "wire/control.h"
#include "worker/engine/engine.h"

namespace storm::testing {

class OneWorker {
public:
    /// Set for "numbers". The others have the default, which is less.
    static constexpr std::uint64_t kTupleBytesMax = 2U << 20;

    explicit OneWorker(std::uint32_t own = 1, std::uint32_t workers = 2)
        : engine(topology(), config_of({1, false}), clock,
                 worker::Share{.own = own,
                               .workers = workers,
                               .worker_of_executor = in_turn(own == 0 ? 1 : own),
                               .workers_on_host = 2}) {}

    /// The one of the component's two tasks that is in that worker.
    TaskId task(std::string_view component, std::uint32_t worker) const {
        return engine.wiring().tasks_of(component).at(worker);
    }
    std::uint64_t channel(std::string_view source, std::uint32_t source_worker,
                          std::string_view target, std::uint32_t target_worker) const {
        const auto& executors = engine.wiring().executor_of_task;
        return worker::channel_id(executors[static_cast<std::size_t>(task(source, source_worker))],
                                  executors[static_cast<std::size_t>(task(target, target_worker))]);
    }
    static std::uint64_t root_of(TaskId task) {
        return static_cast<std::uint64_t>(task) << worker::kRootTaskShift | 5;
    }

    static std::vector<std::byte> row(std::uint64_t root = 0, std::vector<Value> values = {7},
                                      std::uint16_t stream = 0) {
        wire::PlainRow plain;
        plain.stream = stream;
        plain.values = std::move(values);
        if (root != 0) plain.anchors.push_back({root, 9});
        return wire::encode_row(plain);
    }
    static std::vector<std::byte> run(TaskId source, TaskId target,
                                      const std::vector<std::byte>& rows, std::uint32_t count = 1) {
        wire::RowBytes bytes;
        bytes.add(wire::RunHeader{static_cast<std::uint32_t>(source),
                                  static_cast<std::uint32_t>(target), count,
                                  static_cast<std::uint32_t>(rows.size())});
        bytes.append(rows);
        return bytes.take();
    }
    /// A run that worker 0 may send.
    std::vector<std::byte> good_run() const {
        return run(task("numbers", 0), task("pass", 1), row(root_of(task("numbers", 0))));
    }

    const base::SteadyClock clock;
    worker::Engine engine;

private:
    static std::vector<std::uint32_t> in_turn(std::uint32_t other) {
        return {0, other, 0, other, 0, other};
    }
    static Topology topology() {
        TopologyBuilder t;
        t.spout<Numbers>("numbers", 0)
            .parallelism(2)
            .set("topology.max.tuple.bytes", std::to_string(kTupleBytesMax));
        t.bolt_fn("pass", {{"n", Kind::kInt64}}, [](const Tuple&, BasicCollector&) {})
            .parallelism(2)
            .shuffle("numbers");
        t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).parallelism(2).shuffle("pass");
        return t.build();
    }
};

}  // namespace storm::testing
