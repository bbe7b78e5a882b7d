// Fields grouping: rows with the same key always go to the same target.
//
// The hash of a key, which wire/hash.h makes, falls into a key group, and each of these belongs to
// a target: key_groups.h.
//
// Threads: immutable.
// Cost:    under 1 ns, without the hash.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "groupings/key_groups.h"
#include "groupings/setup.h"

namespace storm::groupings {

class Fields {
public:
    static constexpr GroupingKind kKind = GroupingKind::kFields;
    static Fields make(const Setup& setup) { return Fields(setup.tasks.size()); }

    /// REQUIRES: targets > 0.
    explicit Fields(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    std::size_t choose(std::uint64_t hash) const { return target_of_key(hash, targets_); }

    template <typename Row, typename To>
    bool send(const Row& row, const To& to) const {
        return to(choose(row.hash()));
    }

private:
    std::size_t targets_;
};

}  // namespace storm::groupings
