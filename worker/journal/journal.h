// What became of each tuple, as JSON lines (topology.journal.dir): for checks, not for production.
//
//     {"t_us": 17, "kind": "emit", "component": "lines", "task": 1, "epoch": 3, "root": 99,
//      "id": 7, "attempt": 1}
//
// kind: of spouts `emit`, `ack` and `fail`; of bolts `execute` and `bolt_ack`, which have no id and
// attempt. t_us is CLOCK_MONOTONIC, one clock for all processes of a machine; epoch is the worker's
// incarnation. Each task has a file of its own, <component>-<task>-<epoch>.jsonl.
//
// A line is written before anything that follows from its event can leave the process, so that a
// killed worker leaves no gap: one system call for each event. tools/check-journal judges the
// files.
//
// Threads: its task's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <storm/spout.h>

#include "base/clock.h"
#include "worker/acker/ack_ledger.h"

namespace storm::worker {

class Journal {
public:
    /// Throws std::runtime_error when the file cannot be made. `dir` is made if need be.
    Journal(const std::string& dir, std::string_view component, TaskId task, std::uint64_t epoch,
            const base::Clock& clock);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    void emit(Root root, MessageId message);
    /// `what`: "ack" or "fail".
    void settled(std::string_view what, Root root, MessageId message);
    /// `what`: "execute" or "bolt_ack".
    void bolt(std::string_view what, Root root);

private:
    void write(std::string_view kind, Root root, std::string_view rest);

    const base::Clock& clock_;
    std::string path_;
    std::string tail_;  // What all lines have in common.
    int file_ = -1;
    std::unordered_map<MessageId, std::uint64_t> attempts_;  // Of messages that are not acked.
};

}  // namespace storm::worker
