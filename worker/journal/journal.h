// Writes down the fate of each tuple as JSON lines (topology.journal.dir). For checks, not for
// production.
//
//     {"t_us": 17, "kind": "emit", "component": "lines", "task": 1, "epoch": 3, "root": 99,
//      "id": 7, "attempt": 1}
//
// kind: `emit`, `ack` and `fail` of spouts; `execute` and `bolt_ack` of bolts, which have no id
// and attempt. t_us is CLOCK_MONOTONIC, one clock for all processes of a machine; epoch is the
// worker's incarnation. Each task has its own file, <component>-<task>-<epoch>.jsonl.
//
// A line is written before any consequence of its event can leave the process, so a killed worker
// leaves no gap. The price is one system call per event. tools/check-journal judges the files.
//
// Threads: the task's.
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
    /// Makes `dir` if it is missing. Throws std::runtime_error if the file cannot be made.
    Journal(const std::string& dir, std::string_view component, TaskId task, std::uint64_t epoch,
            const base::Clock& clock);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    void emit(Root root, MessageId message);
    /// `what` is "ack" or "fail".
    void settled(std::string_view what, Root root, MessageId message);
    /// `what` is "execute" or "bolt_ack".
    void bolt(std::string_view what, Root root);

private:
    void write(std::string_view kind, Root root, std::string_view rest);

    const base::Clock& clock_;
    std::string path_;
    std::string tail_;  // Common to all lines.
    int file_ = -1;
    // Attempts of messages that are not acked yet.
    std::unordered_map<MessageId, std::uint64_t> attempts_;
};

}  // namespace storm::worker
