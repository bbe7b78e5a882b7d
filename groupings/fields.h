// Fields grouping: rows with the same key always go to the same target.
//
// The hash of a key falls into one of 2^15 key groups, and each group belongs to a target: by
// arithmetic, or by a table that an assignment carries once groups have moved. wire/hash.h makes
// the hashes; docs/wire-format.md specifies both.
//
// Threads: immutable.
// Cost:    under 1 ns by arithmetic. A table is 64 KiB, and so costs cache misses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace storm::groupings {

class Fields {
public:
    static constexpr std::size_t kGroups = std::size_t{1} << 15;

    /// REQUIRES: targets > 0.
    explicit Fields(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    /// table[group] is the index of the target. An error if the table has not kGroups entries, or
    /// one of them is no target's index.
    static base::Result<Fields> with_table(std::size_t targets, std::vector<std::uint16_t> table) {
        if (table.size() != kGroups) return base::Error{"table of key groups has the wrong size"};
        for (const std::uint16_t index : table) {
            if (index >= targets)
                return base::Error{"table of key groups names a target that is not there"};
        }
        Fields fields(targets);
        fields.table_ = std::move(table);
        return fields;
    }

    std::size_t choose(std::uint64_t hash) const {
        const auto group = static_cast<std::size_t>(hash >> 49);
        if (!table_.empty()) [[unlikely]]
            return table_[group];
        return (group * targets_) >> 15;
    }

private:
    std::size_t targets_;
    std::vector<std::uint16_t> table_;  // Empty: the arithmetic applies.
};

}  // namespace storm::groupings
