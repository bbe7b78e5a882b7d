#include "cli/json.h"

#include <algorithm>
#include <charconv>

namespace storm::cli {
namespace {

/// Null if there is no such member.
const Json& member(const Json& object, const char* key) {
    static const Json kNothing;
    if (!object.is_object()) return kNothing;
    const auto found = object.find(key);
    return found == object.end() ? kNothing : *found;
}

}  // namespace

/// Whatever is missing or of another type is empty: tools talk to Nimbuses of other versions, and
/// to what may be none.
std::string text_at(const Json& object, const char* key) {
    const Json& found = member(object, key);
    if (found.is_string()) return found.get<std::string>();
    return found.is_number() ? found.dump() : "";
}

std::uint64_t count_at(const Json& object, const char* key) {
    const Json& found = member(object, key);
    if (found.is_number_unsigned()) return found.get<std::uint64_t>();
    if (found.is_number_integer()) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(found.get<std::int64_t>(), 0));
    }
    if (found.is_string()) {  // Settings are texts.
        const std::string& text = found.get_ref<const std::string&>();
        std::uint64_t number = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, number);
        return read.ec == std::errc() && read.ptr == end ? number : 0;
    }
    if (found.is_number_float() && found.get<double>() > 0 && found.get<double>() < 1e18) {
        return static_cast<std::uint64_t>(found.get<double>());
    }
    return 0;
}

bool flag_at(const Json& object, const char* key) {
    const Json& found = member(object, key);
    return found.is_boolean() && found.get<bool>();
}

const Json& list_at(const Json& object, const char* key) {
    static const Json kNone = Json::array();
    const Json& found = member(object, key);
    return found.is_array() ? found : kNone;
}

const Json& object_at(const Json& object, const char* key) {
    static const Json kNone = Json::object();
    const Json& found = member(object, key);
    return found.is_object() ? found : kNone;
}

std::string to_text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace storm::cli
