// Tuples as a bolt receives them.
//
// Order:   a Tuple is a view of a row. It is valid until execute() returns, and so is the text
//          that it returns. BoltCollector::keep() makes a Kept, which lives on.
// Threads: the executor's. A Kept may be moved to another thread, which hands it back with
//          TaskContext::post() to be acked or failed.
// Cost:    reading a field by index takes 1-2 ns, by name a few more; nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/detail/row.h>
#include <storm/errors.h>
#include <storm/value.h>

namespace storm {

class Kept;

namespace detail {

struct TupleAccess;  // Lets the engine make tuples.
struct KeptTuple;
void release_kept(KeptTuple* kept);

/// Shared by all tuples of one stream of one component. Must outlive them.
struct StreamSchema {
    std::string component;
    std::string stream;
    std::vector<Field> fields;
};

enum class Settled : std::uint8_t { kOpen, kAcked, kFailed, kKept };

}  // namespace detail

/// The argument of execute(): a view of a row, whose values are read in place.
///
///     const std::string_view word = input.string("word");         // By the declared name,
///     const std::int64_t count = input.int64(1);                  // or by index, from 0.
///     const double price = input.is_nil("price") ? 0 : input.real("price");
///
/// Reading throws FieldError if there is no such field, or its value is of another kind, such as
/// nil. Nothing is converted: an integer that was emitted can be read with int64() only.
class Tuple {
public:
    Tuple(const Tuple&) = delete;
    Tuple& operator=(const Tuple&) = delete;

    /// Number of values.
    std::size_t size() const { return detail::row_values(row_); }
    /// The fields that its source has declared for the stream, in the order of the values.
    const std::vector<Field>& fields() const { return schema_->fields; }

    /// An integer of at most 64 bits. One above INT64_MAX is read by value().
    std::int64_t int64(std::size_t i) const {
        const std::byte* const value = at(i);
        if (detail::value_tag(value) != detail::Tag::kInt64) [[unlikely]]
            wrong_kind(i, Kind::kInt64);
        return detail::load<std::int64_t>(value + detail::kWord);
    }
    /// A number that was emitted as floating point.
    double real(std::size_t i) const {
        const std::byte* const value = at(i);
        if (detail::value_tag(value) != detail::Tag::kDouble) [[unlikely]]
            wrong_kind(i, Kind::kDouble);
        return detail::load<double>(value + detail::kWord);
    }
    /// True or false.
    bool boolean(std::size_t i) const {
        const detail::Tag tag = detail::value_tag(at(i));
        if (tag != detail::Tag::kTrue && tag != detail::Tag::kFalse) [[unlikely]]
            wrong_kind(i, Kind::kBool);
        return tag == detail::Tag::kTrue;
    }
    /// A text, valid as long as the tuple is. Its bytes are as they were emitted, UTF-8 or not.
    std::string_view string(std::size_t i) const {
        const std::byte* const value = at(i);
        if (detail::value_tag(value) != detail::Tag::kString) [[unlikely]]
            wrong_kind(i, Kind::kString);
        return detail::value_text(value);
    }
    /// Bytes, valid as long as the tuple is.
    std::span<const std::byte> bytes(std::size_t i) const {
        const std::byte* const value = at(i);
        if (detail::value_tag(value) != detail::Tag::kBytes) [[unlikely]]
            wrong_kind(i, Kind::kBytes);
        return detail::value_payload(value);
    }
    /// A copy of the value, of any kind, that owns its memory. The only way to lists and maps.
    Value value(std::size_t i) const { return detail::decode(at(i)); }
    /// Whether the value is nil; emitting nullptr makes one.
    bool is_nil(std::size_t i) const { return detail::value_tag(at(i)) == detail::Tag::kNil; }

    // The same by name.
    std::int64_t int64(std::string_view field) const { return int64(index_of(field)); }
    double real(std::string_view field) const { return real(index_of(field)); }
    bool boolean(std::string_view field) const { return boolean(index_of(field)); }
    std::string_view string(std::string_view field) const { return string(index_of(field)); }
    std::span<const std::byte> bytes(std::string_view field) const {
        return bytes(index_of(field));
    }
    Value value(std::string_view field) const { return value(index_of(field)); }
    bool is_nil(std::string_view field) const { return is_nil(index_of(field)); }

    /// Whether the stream has a field with this name; its value may be nil.
    bool has(std::string_view field) const;
    /// The id of the component that emitted it.
    std::string_view source_component() const { return schema_->component; }
    /// The stream that it was emitted on.
    std::string_view source_stream() const { return schema_->stream; }
    /// The task that emitted it; 0 for a tick.
    TaskId source_task() const { return source_task_; }
    /// Whether it is a tick, requested with BoltDeclarer::tick(). A tick comes from no component;
    /// its only field is "every_ms", the milliseconds between two ticks.
    bool is_tick() const { return is_tick_; }

private:
    friend struct detail::TupleAccess;

    Tuple(const std::byte* row, std::uint32_t offsets_at, const detail::StreamSchema& schema,
          TaskId source_task, bool is_tick)
        : row_(row),
          schema_(&schema),
          offsets_at_(offsets_at),
          source_task_(source_task),
          is_tick_(is_tick) {}

    const std::byte* at(std::size_t i) const {
        if (i >= size()) [[unlikely]]
            no_such_index(i);
        return detail::row_value(row_, offsets_at_, i);
    }
    std::size_t index_of(std::string_view field) const {
        const std::vector<Field>& fields = schema_->fields;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (fields[i].name == field) return i;
        }
        no_such_field(field);
    }
    [[noreturn]] void no_such_index(std::size_t i) const;
    [[noreturn]] void no_such_field(std::string_view field) const;
    [[noreturn]] void wrong_kind(std::size_t i, Kind wanted) const;

    const std::byte* row_;
    const detail::StreamSchema* schema_;
    std::uint32_t offsets_at_;
    TaskId source_task_;
    // XOR of the ids of edges emitted with it as an anchor.
    mutable std::uint64_t emitted_edges_ = 0;
    mutable detail::Settled settled_ = detail::Settled::kOpen;
    bool is_tick_;
};

/// A tuple that outlives execute(). Owns its values and its anchors, until it is given back to
/// BoltCollector::ack() or fail(). Made by BoltCollector::keep(); storm/bolt.h has an example.
///
/// If it is destroyed instead, the tuple fails as FailReason::kForgotten, on any thread. Tuples
/// that a task still keeps after its cleanup() fail as kRebalanced.
class Kept {
public:
    Kept() = default;  ///< Holds nothing.
    Kept(Kept&& other) noexcept : kept_(std::exchange(other.kept_, nullptr)) {}
    Kept& operator=(Kept&& other) noexcept {
        if (this != &other) {
            reset();
            kept_ = std::exchange(other.kept_, nullptr);
        }
        return *this;
    }
    ~Kept() { reset(); }

    /// Whether it holds a tuple: it was made by keep(), and neither moved from nor given back.
    explicit operator bool() const { return kept_ != nullptr; }
    /// The tuple, valid until this is destroyed or moved from. REQUIRES: holds one.
    const Tuple& tuple() const;

private:
    friend struct detail::TupleAccess;

    void reset() {
        if (kept_ != nullptr) detail::release_kept(std::exchange(kept_, nullptr));
    }

    detail::KeptTuple* kept_ = nullptr;
};

}  // namespace storm
