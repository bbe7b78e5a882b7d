// Values: what the fields of a tuple hold.
//
// Threads: plain values; copy or move them where they are needed.
// Cost:    a Value owns its memory. Reading a tuple field through Tuple::string() and its siblings
// makes
//          none; only Tuple::value() does.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace storm {

using TaskId = std::int32_t;
using MessageId = std::uint64_t;  ///< The spout's own name for a tracked tuple.

/// What a declared field may hold. Every kind also admits nil.
enum class Kind : std::uint8_t { kAny, kBool, kInt64, kDouble, kString, kBytes, kList, kMap };

std::string_view to_string(Kind kind);

/// One field of a declared stream. Implicit, so that `stream({"word", {"count", Kind::kInt64}})`
/// reads well.
struct Field {
    // NOLINTBEGIN(google-explicit-constructor): see above.
    Field(const char* field_name, Kind field_kind = Kind::kAny)
        : name(field_name), kind(field_kind) {}
    Field(std::string field_name, Kind field_kind = Kind::kAny)
        : name(std::move(field_name)), kind(field_kind) {}
    // NOLINTEND(google-explicit-constructor)

    std::string name;
    Kind kind;

    friend bool operator==(const Field&, const Field&) = default;
};

/// nil, bool, int64, uint64 (only above INT64_MAX), double, string, bytes, list or map.
///
///     storm::Value v = storm::Value::List{1, "two", 3.0};
///     v.list().at(1).string();  // "two"
class Value {
public:
    using Bytes = std::vector<std::byte>;
    using List = std::vector<Value>;
    using Map = std::map<std::string, Value, std::less<>>;
    using Variant = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                                 std::string, Bytes, List, Map>;

    Value() = default;  ///< nil

    // NOLINTBEGIN(google-explicit-constructor): so that lists of values read as what they hold.
    Value(std::nullptr_t) {}
    // Templates, so that nothing converts to them: no pointer, enumerator or char.
    template <std::same_as<bool> Bool>
    Value(Bool value) : held_(value) {}
    template <std::floating_point Real>
    Value(Real value) : held_(static_cast<double>(value)) {}
    Value(std::string value) : held_(std::move(value)) {}
    Value(std::string_view value) : held_(std::string(value)) {}
    Value(const char* value) : held_(std::string(value)) {}
    Value(Bytes value) : held_(std::move(value)) {}
    Value(List value) : held_(std::move(value)) {}
    Value(Map value) : held_(std::move(value)) {}
    template <std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) Value(Integer value) {
        if (std::in_range<std::int64_t>(value)) {
            held_ = static_cast<std::int64_t>(value);
        } else {
            held_ = static_cast<std::uint64_t>(value);
        }
    }
    // NOLINTEND(google-explicit-constructor)

    bool is_nil() const { return held_.index() == 0; }
    /// These throw FieldError when the value is of another kind.
    bool boolean() const;
    std::int64_t int64() const;
    double real() const;
    const std::string& string() const;
    const Bytes& bytes() const;
    const List& list() const;
    const Map& map() const;

    const Variant& variant() const { return held_; }
    friend bool operator==(const Value&, const Value&) = default;

private:
    Variant held_;
};

}  // namespace storm
