#include <utility>

#include <storm/detail/row.h>
#include <storm/errors.h>
#include <storm/value.h>

namespace storm {
namespace {

[[noreturn]] void throw_other(const Value& value, Kind wanted) {
    const std::string_view found = to_string(detail::tag_of(value));
    throw FieldError("value is " + std::string(found) + ", not " + std::string(to_string(wanted)));
}

template <typename T>
const T& held_as(const Value& value, Kind wanted) {
    if (const T* const held = std::get_if<T>(&value.variant())) return *held;
    throw_other(value, wanted);
}

template <typename T>
T taken_as(const Value& value, Value::Variant& from, Kind wanted) {
    if (T* const held = std::get_if<T>(&from)) return std::move(*held);
    throw_other(value, wanted);
}

}  // namespace

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::kAny:
            return "any";
        case Kind::kBool:
            return "bool";
        case Kind::kInt64:
            return "int64";
        case Kind::kDouble:
            return "double";
        case Kind::kString:
            return "string";
        case Kind::kBytes:
            return "bytes";
        case Kind::kList:
            return "list";
        case Kind::kMap:
            return "map";
    }
    return "unknown";
}

bool Value::boolean() const {
    return held_as<bool>(*this, Kind::kBool);
}
std::int64_t Value::int64() const {
    return held_as<std::int64_t>(*this, Kind::kInt64);
}
double Value::real() const {
    return held_as<double>(*this, Kind::kDouble);
}
const std::string& Value::string() const& {
    return held_as<std::string>(*this, Kind::kString);
}
std::string Value::string() && {
    return taken_as<std::string>(*this, held_, Kind::kString);
}
const Value::Bytes& Value::bytes() const& {
    return held_as<Bytes>(*this, Kind::kBytes);
}
Value::Bytes Value::bytes() && {
    return taken_as<Bytes>(*this, held_, Kind::kBytes);
}
const Value::List& Value::list() const& {
    return held_as<List>(*this, Kind::kList);
}
Value::List Value::list() && {
    return taken_as<List>(*this, held_, Kind::kList);
}
const Value::Map& Value::map() const& {
    return held_as<Map>(*this, Kind::kMap);
}
Value::Map Value::map() && {
    return taken_as<Map>(*this, held_, Kind::kMap);
}

}  // namespace storm
