#include "supervisor/isolation/user_ids.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace storm::supervisor {
namespace {

std::optional<uid_t> number_of(std::string_view text) {
    uid_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

base::Result<UserIds> parse_user_ids(const std::string& text) {
    // Not root, and no negative number to whoever reads it as one.
    constexpr uid_t kMost = 1U << 31;
    const std::size_t dash = text.find('-');
    const auto first = number_of(std::string_view(text).substr(0, dash));
    const auto last =
        dash == std::string::npos ? first : number_of(std::string_view(text).substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first || *last >= kMost) {
        return base::Error{"\"" + text +
                           "\" names no users; write two numbers of users that nobody else has, "
                           "such as 70000-79999"};
    }
    return UserIds{*first, *last};
}

}  // namespace storm::supervisor
