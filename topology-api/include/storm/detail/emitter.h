// The interface between the collectors of the public API and the engine: rows are built inline
// where the engine points, then committed with one virtual call.
//
// Threads: one emitter per task, used by the thread that runs the task's executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include <storm/detail/row.h>
#include <storm/detail/tuple_access.h>
#include <storm/tuple.h>
#include <storm/value.h>

namespace storm::detail {

inline constexpr TaskId kNoTask = 0;  // Task ids start at 1.

/// Where the next row may be built: a scratch buffer, or the open batch of the only target.
struct Outlet {
    std::byte* cursor = nullptr;
    std::byte* end = nullptr;
    // The (source task, target task) that the bytes at the cursor belong to.
    std::uint64_t run = 0;
};

/// A declared stream of one emitting task.
struct OutStream {
    Outlet* outlet = nullptr;
    // outlet->run must equal this for a row of this stream to be built there.
    std::uint64_t run = 0;
    const Field* fields = nullptr;
    std::uint16_t field_count = 0;
    std::uint16_t id = 0;
    bool typed = false;  // Some field has a kind other than kAny.
    bool direct = false;
    std::string_view name;
};

class Emitter {
public:
    virtual OutStream& stream(std::string_view name) = 0;

    /// Points stream.outlet to room for a row of `bytes` bytes, which include those of `anchors`
    /// anchors. Throws EmitError if that is over the limit.
    virtual void make_room(OutStream& stream, std::size_t bytes, std::size_t anchors) = 0;

    // The row stands at stream.outlet->cursor; its anchors are not filled in yet.
    virtual void commit_untracked(OutStream& stream, std::size_t bytes, TaskId direct) = 0;
    virtual void commit_tracked(OutStream& stream, std::size_t bytes, TaskId direct,
                                MessageId id) = 0;
    virtual void commit_anchored(OutStream& stream, std::size_t bytes, TaskId direct,
                                 const Tuple& anchor) = 0;
    /// `anchors` are those last given to union_roots().
    virtual void commit_joined(OutStream& stream, std::size_t bytes, TaskId direct,
                               std::span<const Tuple* const> anchors) = 0;
    /// Number of different roots of the anchors.
    virtual std::size_t union_roots(std::span<const Tuple* const> anchors) = 0;
    /// Number of anchors of a tracked emit: 1, or 0 if tracking is off.
    std::size_t tracked_anchors() const { return tracked_anchors_; }

    virtual void ack(const Tuple& input) = 0;
    virtual void fail(const Tuple& input, std::string_view why) = 0;
    virtual Kept keep(const Tuple& input) = 0;
    virtual void ack(Kept&& input) = 0;
    virtual void fail(Kept&& input, std::string_view why) = 0;
    virtual void reset_timeout(const Tuple& input) = 0;

    virtual void finished() = 0;
    virtual void dealt_with(MessageId) {}  // Bolts' collectors do not have it.
    virtual std::function<void()> waker() = 0;
    virtual void report_error(std::string_view what) = 0;

    [[noreturn]] virtual void reject_count(const OutStream& stream, std::size_t given) = 0;
    [[noreturn]] virtual void reject_kind(const OutStream& stream, std::size_t i, Tag given) = 0;

    /// Writes the row of `values`, with room for `anchors` anchors, at the stream's outlet; returns
    /// its size.
    template <typename... Values>
    std::size_t build_row(OutStream& stream, std::size_t anchors, const Values&... values) {
        if constexpr ((can_be_emitted<Values>() && ... && true)) {
            return build_encoded(stream, anchors, as_encoded(plain_value(values))...);
        } else {
            // Never runs: the check has failed the compilation, and this adds no second error.
            return 0;
        }
    }

    static std::uint32_t anchor_count(const Tuple& tuple) {
        return row_anchor_count(TupleAccess::row(tuple));
    }

protected:
    ~Emitter() = default;

    std::size_t tracked_anchors_ = 1;
    std::size_t tuple_bytes_max_ = kRowBytesMax;

private:
    static constexpr Tag tag_of(Nil) { return Tag::kNil; }
    static constexpr Tag tag_of(bool) { return Tag::kTrue; }
    static constexpr Tag tag_of(std::int64_t) { return Tag::kInt64; }
    static constexpr Tag tag_of(std::uint64_t value) {
        return std::in_range<std::int64_t>(value) ? Tag::kInt64 : Tag::kUint64;
    }
    static constexpr Tag tag_of(double) { return Tag::kDouble; }
    static constexpr Tag tag_of(std::string_view) { return Tag::kString; }
    static constexpr Tag tag_of(Bytes) { return Tag::kBytes; }
    static Tag tag_of(const Value& value) { return detail::tag_of(value); }

    /// Whether a field declared as `kind` may hold a value with `tag`.
    static constexpr bool admits(Kind kind, Tag tag) {
        switch (kind) {
            case Kind::kAny:
                return true;
            case Kind::kBool:
                return tag <= Tag::kTrue;
            case Kind::kInt64:
                return tag == Tag::kInt64 || tag == Tag::kNil;
            case Kind::kDouble:
                return tag == Tag::kDouble || tag == Tag::kNil;
            case Kind::kString:
                return tag == Tag::kString || tag == Tag::kNil;
            case Kind::kBytes:
                return tag == Tag::kBytes || tag == Tag::kNil;
            case Kind::kList:
                return tag == Tag::kList || tag == Tag::kNil;
            case Kind::kMap:
                return tag == Tag::kMap || tag == Tag::kNil;
        }
        return false;
    }

    template <typename... Values>
    void check(const OutStream& stream, const Values&... values) {
        if (sizeof...(Values) != stream.field_count) [[unlikely]]
            reject_count(stream, sizeof...(Values));
        if (!stream.typed) return;
        std::size_t i = 0;
        [[maybe_unused]] const auto check_one = [&](Tag tag) {
            if (!admits(stream.fields[i].kind, tag)) [[unlikely]]
                reject_kind(stream, i, tag);
            ++i;
        };
        (check_one(tag_of(values)), ...);
    }

    template <typename... Values>
    std::size_t build_encoded(OutStream& stream, std::size_t anchors, const Values&... values) {
        constexpr std::size_t kCount = sizeof...(Values);
        static_assert(kCount <= kFieldsMax, "a stream has at most 1024 fields");
        check(stream, values...);
        const std::size_t payload = (encoded_bytes(values) + ... + std::size_t{0});
        std::size_t head = kRowHeaderBytes + anchor_bytes(anchors) + padded(2 * kCount);
        const bool big = head + payload > kSmallRowBytesMax;
        if (big) [[unlikely]]
            head += padded(4 * kCount) - padded(2 * kCount);
        const std::size_t bytes = head + payload;

        if (stream.outlet->run != stream.run || bytes > tuple_bytes_max_ ||
            static_cast<std::size_t>(stream.outlet->end - stream.outlet->cursor) < bytes)
            [[unlikely]] {
            make_room(stream, bytes, anchors);
        }
        std::byte* const row = stream.outlet->cursor;
        const std::uint64_t flags = (anchors != 0 ? kRowAnchored : 0ULL) | (big ? kRowBig : 0ULL);
        store(row, std::uint64_t{bytes} | flags << 24 | std::uint64_t{stream.id} << 32 |
                       std::uint64_t{kCount} << 48);
        if (anchors != 0) store(row + kRowHeaderBytes, std::uint64_t{anchors});

        std::byte* const offsets = row + head - padded((big ? 4 : 2) * kCount);
        if constexpr (kCount != 0)
            store(row + head - kWord, std::uint64_t{0});  // The padding after the offsets.
        std::byte* at = row + head;
        std::size_t i = 0;
        [[maybe_unused]] const auto write_one = [&](const auto& value) {
            const std::size_t words = static_cast<std::size_t>(at - row) / kWord;
            if (big) [[unlikely]] {
                store(offsets + 4 * i, static_cast<std::uint32_t>(words));
            } else {
                store(offsets + 2 * i, static_cast<std::uint16_t>(words));
            }
            ++i;
            at = encode(value, at);
        };
        (write_one(values), ...);
        return bytes;
    }
};

}  // namespace storm::detail
