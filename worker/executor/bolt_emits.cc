// The part of a bolt task that emits: what each kind of emit owes to the roots of its anchors.

#include <algorithm>

#include "base/check.h"
#include "worker/executor/bolt_mistakes.h"
#include "worker/executor/bolt_task.h"

namespace storm::worker {

using detail::TupleAccess;

void BoltTask::commit_anchored(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                               const Tuple& anchor) {
    if (TupleAccess::settled(anchor) != detail::Settled::kOpen) [[unlikely]]
        reject_anchor(anchor);
    // The edge is drawn inside of mark(), which is called once for each copy that has found its
    // place. So input and copies change together, and the tree stays balanced whichever copies are
    // refused.
    const std::byte* const row = TupleAccess::row(anchor);
    const std::uint32_t count = detail::row_anchor_count(row);
    std::uint64_t& emitted = TupleAccess::emitted_edges(anchor);
    bool sent = true;
    if (count == 0) {
        sent = send_untracked(stream, bytes, direct);
        if (!sent) dropped.add();
    } else {
        sent_kinds_.note_other();
        // One edge id serves all roots of the anchor, as in Apache Storm.
        sent = send(stream, bytes, direct, [&](std::byte* copy) {
            const std::uint64_t edge = random_.next();
            emitted ^= edge;
            // A row that we built has no event time, so its anchors follow the header.
            std::byte* at = copy + detail::kRowHeaderBytes + detail::kWord;
            for (std::uint32_t i = 0; i < count; ++i, at += sizeof(detail::Anchor)) {
                detail::store(at, detail::Anchor{detail::row_anchor(row, i).root, edge});
            }
        });
        if (!sent) {
            // An edge that nobody will ack: only the fail can settle the root.
            emitted ^= random_.next();
            fail_as(anchor, FailReason::kOverflow);
        }
    }
    executor_.after_emit();
}

std::size_t BoltTask::union_roots(std::span<const Tuple* const> anchors) {
    roots_.clear();
    for (const Tuple* const anchor : anchors) {
        if (anchor == nullptr) throw EmitError("emit anchored to a null pointer");
        const std::byte* const row = TupleAccess::row(*anchor);
        for (std::uint32_t i = 0; i < detail::row_anchor_count(row); ++i) {
            roots_.push_back(detail::row_anchor(row, i).root);
        }
    }
    std::sort(roots_.begin(), roots_.end());
    roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
    return roots_.size();
}

void BoltTask::commit_joined(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                             std::span<const Tuple* const> anchors) {
    for (const Tuple* const anchor : anchors) {
        if (TupleAccess::settled(*anchor) != detail::Settled::kOpen) reject_anchor(*anchor);
    }
    if (roots_.empty()) {
        sent_kinds_.note_untracked();
    } else {
        sent_kinds_.note_other();
    }
    const bool sent = send(stream, bytes, direct, [&](std::byte* copy) {
        // Each anchor gets an edge of its own for this copy, and a root that several of them share
        // gets the XOR of these. So the copy counts once in each root, though the anchors are acked
        // one by one, whenever that may be.
        edges_.assign(roots_.size(), 0);
        for (const Tuple* const anchor : anchors) {
            const std::uint64_t edge = random_.next();
            TupleAccess::emitted_edges(*anchor) ^= edge;
            const std::byte* const row = TupleAccess::row(*anchor);
            for (std::uint32_t i = 0; i < detail::row_anchor_count(row); ++i) {
                const auto root =
                    std::lower_bound(roots_.begin(), roots_.end(), detail::row_anchor(row, i).root);
                edges_[static_cast<std::size_t>(root - roots_.begin())] ^= edge;
            }
        }
        for (std::size_t i = 0; i < roots_.size(); ++i)
            detail::set_row_anchor(copy, i, {roots_[i], edges_[i]});
    });
    if (!sent) {
        if (roots_.empty()) dropped.add();
        for (const Tuple* const anchor : anchors) {
            TupleAccess::emitted_edges(*anchor) ^= random_.next();  // As in commit_anchored().
        }
        for (const Root root : roots_) acks_.fail(root, FailReason::kOverflow);
    }
    executor_.after_emit();
}

void BoltTask::commit_tracked(detail::OutStream&, std::size_t, TaskId, MessageId) {
    STORM_CHECK(false, "a bolt collector has no tracked emit");
}
void BoltTask::finished() {
    STORM_CHECK(false, "a bolt collector has no finished()");
}

}  // namespace storm::worker
