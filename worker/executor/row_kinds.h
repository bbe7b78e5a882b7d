// The kinds of rows that an executor has ever sent. Links count the untracked ones, for nobody else
// knows of these when they are lost: as long as there are no others the header of a run tells their
// number, and to walk all rows of a batch for it costs a tenth of what a link carries.
//
// Order:   note_…() comes before a row of that kind is handed over.
// Threads: noted by the executor's tasks, read by any thread.
#pragma once

#include <atomic>

namespace storm::worker {

class RowKinds {
public:
    /// A tuple without anchors is sent.
    void note_untracked() { note(untracked_); }
    /// A tuple with anchors, or a control row, is sent.
    void note_other() { note(other_); }
    bool has_untracked() const { return untracked_.load(std::memory_order_relaxed); }
    bool has_other() const { return other_.load(std::memory_order_relaxed); }

private:
    // Written once, so that the line stays with all that read it.
    static void note(std::atomic<bool>& kind) {
        if (!kind.load(std::memory_order_relaxed)) [[unlikely]]
            kind.store(true, std::memory_order_relaxed);
    }

    std::atomic<bool> untracked_{false};
    std::atomic<bool> other_{false};
};

}  // namespace storm::worker
