#include "worker/executor/bolt_mistakes.h"

#include <storm/detail/suggest.h>
#include <storm/detail/tuple_access.h>
#include <storm/errors.h>

#include "worker/executor/tuple_text.h"

namespace storm::worker {

using detail::quoted;

void reject_anchor(const Tuple& anchor) {
    const bool kept = detail::TupleAccess::settled(anchor) == detail::Settled::kKept;
    throw EmitError("emit anchored to a tuple from " + quoted(anchor.source_component()) +
                    (kept ? " that was kept; anchor to the Kept's tuple() instead"
                          : " that was already acked or failed; emit first, then ack"));
}

void reject_keep(const Tuple& input) {
    throw EmitError("keep of a tuple from " + quoted(input.source_component()) +
                    " that was already acked, failed or kept");
}

std::string forgotten_text(const Tuple& input) {
    return "execute() neither acked, failed nor kept " + origin_text(input) +
           ": it fails as forgotten; end execute() by out.ack(input), or derive from BasicBolt, "
           "which acks by itself";
}

std::string destroyed_text(const Tuple& kept) {
    return "a Kept of " + origin_text(kept) +
           " was destroyed, and had been neither acked nor failed: it fails as forgotten; end it "
           "by "
           "out.ack(std::move(kept)) or out.fail()";
}

std::string twice_text(const Tuple& input) {
    return "a tuple from " + quoted(input.source_component()) +
           " was acked or failed twice; the second one has no effect";
}

std::string unsubscribed_text(const Tuple& input) {
    return "ack or fail of a tuple from " + quoted(input.source_component()) +
           ", to which this bolt does not subscribe; another one keeps it, which alone may do so";
}

std::string foreign_text(std::string_view keeper) {
    return "ack or fail of a tuple that bolt " + quoted(keeper) +
           " keeps, which alone may do so; it fails as forgotten";
}

}  // namespace storm::worker
