// Values: the content of a tuple's fields.
//
// Threads: plain values; copy or move them where they are needed.
// Cost:    a Value owns its memory. Only Tuple::value() makes one; Tuple::string() and its
//          siblings read a field in place.
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

using TaskId = std::int32_t;      ///< The number of a task in its topology, from 1.
using MessageId = std::uint64_t;  ///< The spout's own name for a tracked tuple.

/// The type of a declared field; kAny is the default and admits every value. Every kind admits nil
/// as well. An emit of another kind throws EmitError.
enum class Kind : std::uint8_t { kAny, kBool, kInt64, kDouble, kString, kBytes, kList, kMap };

/// The text for it, such as "int64".
std::string_view to_string(Kind kind);

/// One field of a declared stream: a name, unique in the stream, and a kind. Implicitly converted,
/// so that `stream({"word", {"count", Kind::kInt64}})` reads well.
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

/// nil, bool, int64, uint64 (only above INT64_MAX), double, string, bytes, list or map; in a tuple,
/// lists and maps nest at most 32 deep.
///
///     const storm::Value row = storm::Value::List{1, "two", 3.0};
///     const std::string& two = row.list().at(1).string();
///     const storm::Value pair = storm::Value::Map{{"name", "ann"}, {"age", 42}};
///     const std::int64_t age = pair.map().at("age").int64();
///
/// A user's type becomes a value by a function to_value() in the namespace of that type. It returns
/// anything that emit() takes: a Value or, cheaper, a number or text. The way back is an ordinary
/// function.
///
///     struct Sale {
///         std::string shop;
///         std::int64_t cents = 0;
///     };
///     storm::Value to_value(const Sale& sale) {
///         return storm::Value::List{sale.shop, sale.cents};
///     }
///     Sale sale_of(const storm::Value& value) {
///         return {value.list().at(0).string(), value.list().at(1).int64()};
///     }
///
///     void double_price(const storm::Tuple& input, storm::BasicCollector& out) {
///         Sale sale = sale_of(input.value("sale"));
///         sale.cents *= 2;
///         out.emit(sale);
///     }
class Value {
public:
    using Bytes = std::vector<std::byte>;
    using List = std::vector<Value>;
    using Map = std::map<std::string, Value, std::less<>>;
    using Variant = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                                 std::string, Bytes, List, Map>;

    Value() = default;  ///< nil

    // NOLINTBEGIN(google-explicit-constructor): so that lists of values can be written plainly.
    Value(std::nullptr_t) {}
    // Templates, so that no pointer, enumerator or char converts to them.
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

    /// Whether it holds no value.
    bool is_nil() const { return held_.index() == 0; }
    /// True or false. This and the following throw FieldError if the value is of another kind;
    /// nothing is converted.
    bool boolean() const;
    /// An integer up to INT64_MAX.
    std::int64_t int64() const;
    /// A floating-point number.
    double real() const;
    /// A text. This and the next ones refer to what the value holds; of a temporary, as
    /// Tuple::value() returns, they are moved out of it, so that `for (const Value& item :
    /// input.value("items").list())` is right.
    const std::string& string() const&;
    std::string string() &&;
    /// Bytes.
    const Bytes& bytes() const&;
    Bytes bytes() &&;
    /// The items of a list.
    const List& list() const&;
    List list() &&;
    /// The entries of a map, sorted by key.
    const Map& map() const&;
    Map map() &&;

    /// The value, of any kind; the only way to an integer above INT64_MAX.
    const Variant& variant() const { return held_; }
    friend bool operator==(const Value&, const Value&) = default;

private:
    Variant held_;
};

}  // namespace storm
