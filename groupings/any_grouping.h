// Any of the groupings, chosen by the kind that a subscription names.
//
// A grouping is a class in a file of its own, and an entry in AnyGrouping. It has
//
//     static constexpr GroupingKind kKind;
//     static X make(const Setup& setup);
//     /// Calls to(index) once for each copy; returns whether all calls returned true. The row has
//     /// hash(), the hash of its key; random(), 64 random bits; and credit(index), a Credit.
//     bool send(const Row& row, const To& to);
//
// and kSkipsExhausted, if it prefers targets that have credit.
//
// Threads: one instance for each emitting task.
#pragma once

#include <cstddef>
#include <variant>

#include "base/check.h"
#include "groupings/all.h"
#include "groupings/custom.h"
#include "groupings/direct.h"
#include "groupings/fields.h"
#include "groupings/global.h"
#include "groupings/local_or_shuffle.h"
#include "groupings/none.h"
#include "groupings/partial_key.h"
#include "groupings/setup.h"
#include "groupings/shuffle.h"

namespace storm::groupings {

using AnyGrouping =
    std::variant<Shuffle, Fields, PartialKey, All, Global, None, Direct, LocalOrShuffle, Custom>;

/// Throws std::runtime_error if a custom grouping cannot be made.
template <std::size_t I = 0>
AnyGrouping make_grouping(const Setup& setup) {
    if constexpr (I < std::variant_size_v<AnyGrouping>) {
        using Tried = std::variant_alternative_t<I, AnyGrouping>;
        if (Tried::kKind == setup.input.grouping) return Tried::make(setup);
        return make_grouping<I + 1>(setup);
    } else {
        STORM_CHECK(false, "each kind has a grouping in AnyGrouping");
    }
}

template <typename Each>
constexpr bool skips_exhausted() {
    return requires {
        Each::kSkipsExhausted;
    };
}
/// Whether it prefers targets that have credit.
inline bool skips_exhausted(const AnyGrouping& grouping) {
    return std::visit([]<typename Each>(const Each&) { return skips_exhausted<Each>(); }, grouping);
}

}  // namespace storm::groupings
