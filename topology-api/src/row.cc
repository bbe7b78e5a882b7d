#include <array>

#include <storm/detail/row.h>
#include <storm/errors.h>

namespace storm::detail {
namespace {

// kNestingMax bounds the recursion of all functions below: encoded_bytes() checks it before
// encoding, and decode() is only given well-formed rows.

std::size_t bytes_of(const Value& value, std::size_t levels_left);

struct SizeOf {
    std::size_t levels_left;

    std::size_t operator()(std::monostate) const { return encoded_bytes(Nil{}); }
    std::size_t operator()(const Value::List& list) const {
        std::size_t bytes = 2 * kWord;
        for (const Value& item : list) bytes += bytes_of(item, enter());
        return bytes;
    }
    std::size_t operator()(const Value::Map& map) const {
        std::size_t bytes = 2 * kWord;
        for (const auto& [key, item] : map) {
            bytes += encoded_bytes(std::string_view(key)) + bytes_of(item, enter());
        }
        return bytes;
    }
    template <typename Scalar>
    std::size_t operator()(const Scalar& scalar) const {
        return encoded_bytes(as_encoded(scalar));
    }

    std::size_t enter() const { return levels_left - 1; }
};

bool nests(const Value& value) {
    const Tag tag = tag_of(value);
    return tag == Tag::kList || tag == Tag::kMap;
}

std::size_t bytes_of(const Value& value, std::size_t levels_left) {
    if (levels_left == 0 && nests(value)) {
        throw EmitError("a value nests lists and maps deeper than " + std::to_string(kNestingMax) +
                        " levels; flatten it, or emit it as text or bytes");
    }
    return std::visit(SizeOf{levels_left}, value.variant());
}

struct EncodeAt {
    std::byte* at;

    std::byte* operator()(std::monostate) const { return encode(Nil{}, at); }
    std::byte* operator()(const Value::List& list) const {
        std::byte* end = at + 2 * kWord;
        for (const Value& item : list) end = encode(item, end);
        return head(Tag::kList, list.size(), end);
    }
    std::byte* operator()(const Value::Map& map) const {
        std::byte* end = at + 2 * kWord;
        for (const auto& [key, item] : map) {
            // std::string compares as unsigned char, so std::map has the keys in the specified
            // order.
            end = encode(std::string_view(key), end);
            end = encode(item, end);
        }
        return head(Tag::kMap, map.size(), end);
    }
    template <typename Scalar>
    std::byte* operator()(const Scalar& scalar) const {
        return encode(as_encoded(scalar), at);
    }

    /// The head is written last, when the length is known; returns `end`.
    std::byte* head(Tag tag, std::size_t count, std::byte* end) const {
        const auto length = static_cast<std::size_t>(end - at) - kWord;
        store(write_head(tag, length, at), static_cast<std::uint64_t>(count));
        return end;
    }
};

Value decode_list(const std::byte* value) {
    const auto count = static_cast<std::size_t>(load<std::uint64_t>(value + kWord));
    Value::List list;
    list.reserve(count);
    const std::byte* at = value + 2 * kWord;
    for (std::size_t i = 0; i < count; ++i) {
        list.push_back(decode(at));
        at += value_bytes(at);
    }
    return list;
}

Value decode_map(const std::byte* value) {
    const auto count = static_cast<std::size_t>(load<std::uint64_t>(value + kWord));
    Value::Map map;
    const std::byte* at = value + 2 * kWord;
    for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const item = at + value_bytes(at);
        map.emplace_hint(map.end(), std::string(value_text(at)), decode(item));
        at = item + value_bytes(item);
    }
    return map;
}

}  // namespace

std::string_view to_string(Tag tag) {
    switch (tag) {
        case Tag::kNil:
            return "nil";
        case Tag::kFalse:
        case Tag::kTrue:
            return "bool";
        case Tag::kInt64:
            return "int64";
        case Tag::kUint64:
            return "uint64";
        case Tag::kDouble:
            return "double";
        case Tag::kString:
            return "string";
        case Tag::kBytes:
            return "bytes";
        case Tag::kList:
            return "list";
        case Tag::kMap:
            return "map";
    }
    return "unknown";
}

std::size_t encoded_bytes(const Value& value) {
    return bytes_of(value, kNestingMax);
}

std::byte* encode(const Value& value, std::byte* at) {
    return std::visit(EncodeAt{at}, value.variant());
}

Value decode(const std::byte* value) {
    switch (value_tag(value)) {
        case Tag::kNil:
            return {};
        case Tag::kFalse:
            return false;
        case Tag::kTrue:
            return true;
        case Tag::kInt64:
            return load<std::int64_t>(value + kWord);
        case Tag::kUint64:
            return load<std::uint64_t>(value + kWord);
        case Tag::kDouble:
            return load<double>(value + kWord);
        case Tag::kString:
            return value_text(value);
        case Tag::kBytes: {
            const std::span<const std::byte> payload = value_payload(value);
            return Value::Bytes(payload.begin(), payload.end());
        }
        case Tag::kList:
            return decode_list(value);
        case Tag::kMap:
            return decode_map(value);
    }
    return {};
}

Tag tag_of(const Value& value) {
    // Indexed by the alternatives of Value::Variant; true is told from false below.
    constexpr std::array kTags = {Tag::kNil,    Tag::kFalse,  Tag::kInt64,
                                  Tag::kUint64, Tag::kDouble, Tag::kString,
                                  Tag::kBytes,  Tag::kList,   Tag::kMap};
    static_assert(kTags.size() == std::variant_size_v<Value::Variant>);
    const bool* const boolean = std::get_if<bool>(&value.variant());
    if (boolean != nullptr && *boolean) return Tag::kTrue;
    return kTags[value.variant().index()];
}

Kind kind_of(Tag tag) {
    switch (tag) {
        case Tag::kNil:
        case Tag::kUint64:
            return Kind::kAny;
        case Tag::kFalse:
        case Tag::kTrue:
            return Kind::kBool;
        case Tag::kInt64:
            return Kind::kInt64;
        case Tag::kDouble:
            return Kind::kDouble;
        case Tag::kString:
            return Kind::kString;
        case Tag::kBytes:
            return Kind::kBytes;
        case Tag::kList:
            return Kind::kList;
        case Tag::kMap:
            return Kind::kMap;
    }
    return Kind::kAny;
}

}  // namespace storm::detail
