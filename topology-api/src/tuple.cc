#include <storm/detail/suggest.h>
#include <storm/tuple.h>

namespace storm {
namespace {

std::string described(const detail::StreamSchema& schema) {
    return "tuple of stream " + detail::quoted(schema.stream) + " of " +
           detail::quoted(schema.component);
}

std::string joined(const std::vector<Field>& fields) {
    std::string text;
    for (const Field& field : fields) text += (text.empty() ? "" : ", ") + field.name;
    return text.empty() ? "none" : text;
}

}  // namespace

bool Tuple::has(std::string_view field) const {
    for (const Field& declared : schema_->fields) {
        if (declared.name == field) return true;
    }
    return false;
}

void Tuple::no_such_index(std::size_t i) const {
    throw FieldError(described(*schema_) + " has no field " + std::to_string(i) + "; it has " +
                     std::to_string(size()) + ", from 0: " + joined(schema_->fields));
}

void Tuple::no_such_field(std::string_view field) const {
    std::vector<std::string_view> names;
    for (const Field& declared : schema_->fields) names.push_back(declared.name);
    const std::string guess = detail::did_you_mean(field, names);
    throw FieldError(described(*schema_) + " has no field " + detail::quoted(field) +
                     (guess.empty() ? ". It has: " : "; " + guess + " It has: ") +
                     joined(schema_->fields));
}

void Tuple::wrong_kind(std::size_t i, Kind wanted) const {
    const bool named = i < schema_->fields.size();
    const std::string field = named ? detail::quoted(schema_->fields[i].name) : std::to_string(i);
    throw FieldError("field " + field + " of " + described(*schema_) + " holds " +
                     std::string(to_string(detail::value_tag(at(i)))) + ", not " +
                     std::string(to_string(wanted)));
}

}  // namespace storm
