#include "worker/executor/tuple_text.h"

#include <cstddef>
#include <string_view>
#include <variant>

#include <fmt/format.h>
#include <storm/detail/names.h>
#include <storm/detail/suggest.h>
#include <storm/detail/tuple_access.h>

namespace storm::worker {
namespace {

// Each text, list, map and tuple is cut after about so many bytes, so a line stays readable
// whatever is emitted.
constexpr std::size_t kBytesMax = 1'000;

std::string text_of(std::string_view name, const Value& value, const detail::Secrets& secrets);

struct Text {
    const detail::Secrets& secrets;

    std::string operator()(std::monostate) const { return "nil"; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(const std::string& value) const {
        std::string text = "\"";
        for (const char c : detail::as_utf8(value.substr(0, kBytesMax))) {
            const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
            text += control ? fmt::format("\\x{:02x}", c) : std::string(1, c);
        }
        return text + (value.size() > kBytesMax ? "…\"" : "\"");
    }
    std::string operator()(const Value::Bytes& value) const {
        return fmt::format("{} bytes", value.size());
    }
    std::string operator()(const Value::List& value) const {
        std::string text;
        for (const Value& item : value) {
            if (text.size() > kBytesMax) return '[' + text + ", …]";
            text += (text.empty() ? "" : ", ") + text_of("", item, secrets);
        }
        return '[' + text + ']';
    }
    std::string operator()(const Value::Map& value) const {
        std::string text;
        for (const auto& [key, item] : value) {
            if (text.size() > kBytesMax) return '{' + text + ", …}";
            if (!text.empty()) text.append(", ");
            text.append((*this)(key)).append(": ").append(text_of(key, item, secrets));
        }
        return '{' + text + '}';
    }
    template <typename Number>
    std::string operator()(Number value) const {
        return fmt::format("{}", value);
    }
};

std::string text_of(std::string_view name, const Value& value, const detail::Secrets& secrets) {
    const auto* const text = std::get_if<std::string>(&value.variant());
    if (secrets.has(name, text == nullptr ? std::string_view() : *text))
        return std::string(detail::kHidden);
    return std::visit(Text{secrets}, value.variant());
}

}  // namespace

std::string tuple_text(const Tuple& tuple, const detail::Secrets& secrets) {
    const detail::StreamSchema& schema = detail::TupleAccess::schema(tuple);
    std::string text;
    for (std::size_t i = 0; i < tuple.size(); ++i) {
        if (text.size() > kBytesMax) return text + ", …";
        text += (text.empty() ? "" : ", ") + schema.fields[i].name + ": " +
                text_of(schema.fields[i].name, tuple.value(i), secrets);
    }
    return text;
}

std::string origin_text(const Tuple& tuple) {
    if (tuple.is_tick()) return "a tick";
    return "a tuple of stream " + detail::quoted(tuple.source_stream()) + " of " +
           detail::quoted(tuple.source_component());
}

}  // namespace storm::worker
