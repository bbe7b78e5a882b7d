// Counts the tuples of a spout task that failed and were not made good since; those that remain at
// its end are given up.
//
//     failed(7)   count 1
//     acked(7)    count 0: it was emitted again under its id
//     failed(8)   count 1
//
// Order:   failed() before fail() is called, acked() with every ack.
// Threads: one writer; count() from any.
// Cost:    acked() is two comparisons while nothing is missing, otherwise a look-up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include <storm/context.h>
#include <storm/value.h>

namespace storm::worker {

class Unreplayed {
public:
    /// Number of ids that it remembers. Failures beyond that count as given up in any case: so many
    /// at once are not replayed one by one.
    static constexpr std::size_t kIdsMax = std::size_t{1} << 20;

    void failed(MessageId id) {
        if (ids_.size() == kIdsMax || !ids_.insert(id).second) {
            if (!ids_.contains(id)) missing_.add();
            return;
        }
        lowest_ = ids_.size() == 1 ? id : std::min(lowest_, id);
        highest_ = ids_.size() == 1 ? id : std::max(highest_, id);
        missing_.add();
    }
    /// Also for tuples that are dealt with in another way.
    void acked(MessageId id) {
        if (ids_.empty() || id < lowest_ || id > highest_) [[likely]]
            return;
        if (ids_.erase(id) > 0) made_good_.add();
    }

    std::uint64_t count() const {
        // Read first, so that it cannot exceed the other.
        const std::uint64_t good = made_good_.value();
        return missing_.value() - good;
    }

private:
    std::unordered_set<MessageId> ids_;
    MessageId lowest_ = 0;  // The least id since it was last empty.
    MessageId highest_ = 0;
    Counter missing_;
    Counter made_good_;
};

}  // namespace storm::worker
