#include <algorithm>
#include <cstdint>

#include <storm/detail/names.h>
#include <storm/detail/suggest.h>

namespace storm::detail {
namespace {

bool is_alphanumeric(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool in_name(char c) {
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
}

std::string too_long(std::string_view name, std::size_t bytes_max) {
    return "has " + std::to_string(name.size()) + " bytes; at most " + std::to_string(bytes_max) +
           " fit";
}

/// Bytes of the character that `text` begins with; 0: it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return 0;
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xC0U) != 0x80U) return 0;
    }
    // Overlong forms, halves of UTF-16 pairs, and values beyond the last character.
    if (first == 0xE0 && at(1) < 0xA0) return 0;
    if (first == 0xED && at(1) > 0x9F) return 0;
    if (first == 0xF0 && at(1) < 0x90) return 0;
    if (first == 0xF4 && at(1) > 0x8F) return 0;
    return bytes;
}

}  // namespace

std::string fault_of_name(std::string_view name, std::size_t bytes_max) {
    if (name.empty()) return "is empty";
    if (!std::all_of(name.begin(), name.end(), in_name))
        return R"(has other characters than letters, digits, "_", "." and "-")";
    if (!is_alphanumeric(name[0]) && name[0] != '_')
        return "begins with " + quoted(name.substr(0, 1));
    return name.size() > bytes_max ? too_long(name, bytes_max) : "";
}

std::string fault_of_topology_name(std::string_view name) {
    const bool dotted = name.find('.') != std::string_view::npos;
    if (!dotted && fault_of_name(name, kTopologyNameBytesMax).empty()) return "";
    const bool cut = name.size() > kTopologyNameBytesMax;
    return '"' + as_utf8(name.substr(0, kTopologyNameBytesMax)) + (cut ? "…" : "") +
           "\" is not a name for a topology: it takes 1 to " +
           std::to_string(kTopologyNameBytesMax) +
           " letters, digits, '_' and '-', and begins with no '-'" +
           (cut ? "; this has " + std::to_string(name.size()) : "");
}

std::string fault_of_file_name(std::string_view name) {
    if (name.empty() || name == "." || name == "..") return "is not a file's name";
    const auto fits = [](char c) { return c > ' ' && c < 0x7f && c != '/'; };
    if (!std::all_of(name.begin(), name.end(), fits))
        return "has blanks, or other characters than those of ASCII";
    return name.size() > kIdBytesMax ? too_long(name, kIdBytesMax) : "";
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) return false;
        text.remove_prefix(bytes);
    }
    return true;
}

std::string as_utf8(std::string_view text) {
    std::string clean;
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        clean += bytes == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, bytes);
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return clean;
}

}  // namespace storm::detail
