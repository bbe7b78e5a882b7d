// Lets the engine make tuples, and see what Tuple and Kept hide from users.
//
// Threads: as for Tuple and Kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <storm/tuple.h>

namespace storm::detail {

struct TupleAccess {
    /// REQUIRES: a well-formed row whose offsets start at `offsets_at` (a tick has a row without
    /// values too). Row and schema must outlive the tuple.
    static Tuple make(const std::byte* row, std::size_t offsets_at, const StreamSchema& schema,
                      TaskId source_task, bool is_tick = false) {
        return {row, static_cast<std::uint32_t>(offsets_at), schema, source_task, is_tick};
    }
    static const std::byte* row(const Tuple& tuple) { return tuple.row_; }
    static std::size_t offsets_at(const Tuple& tuple) { return tuple.offsets_at_; }
    static const StreamSchema& schema(const Tuple& tuple) { return *tuple.schema_; }
    static std::uint64_t& emitted_edges(const Tuple& tuple) { return tuple.emitted_edges_; }
    static Settled& settled(const Tuple& tuple) { return tuple.settled_; }

    /// Null: it holds nothing.
    static KeptTuple* kept(const Kept& kept) { return kept.kept_; }
    /// The caller owns the result; `kept` is empty afterwards.
    static KeptTuple* take(Kept&& kept) { return std::exchange(kept.kept_, nullptr); }
    /// Takes ownership.
    static Kept make_kept(KeptTuple* tuple) {
        Kept kept;
        kept.kept_ = tuple;
        return kept;
    }
};

}  // namespace storm::detail
