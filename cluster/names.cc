#include "cluster/names.h"

#include <storm/detail/names.h>

namespace storm::cluster {

bool is_name(std::string_view text, std::size_t bytes_max) {
    return detail::fault_of_name(text, bytes_max).empty();
}

bool is_id(std::string_view text) {
    return detail::fault_of_file_name(text).empty();
}

/// For messages about bytes that may be hostile: short, and of one line.
std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 60;
    std::string shown = "\"";
    for (const char c : text.substr(0, kShown)) shown += c >= ' ' && c < 0x7f ? c : '?';
    return shown += text.size() > kShown ? "…\"" : "\"";
}

}  // namespace storm::cluster
