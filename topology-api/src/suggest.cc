#include <algorithm>
#include <limits>

#include <storm/detail/suggest.h>

namespace storm::detail {
namespace {

constexpr std::size_t kListedMax = 12;

std::string lower_case(std::string_view text) {
    std::string lowered(text);
    for (char& letter : lowered) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lowered;
}

bool begins_with_other(std::string_view a, std::string_view b) {
    constexpr std::size_t kTellingMin = 3;
    return std::min(a.size(), b.size()) >= kTellingMin && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::string from = lower_case(a), to = lower_case(b);
    // Rows of the usual table: before[j] is the distance between the first i-1 letters of `from`
    // and the first j of `to`.
    std::vector<std::size_t> two_before, before(to.size() + 1), row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) before[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = before[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({before[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped =
                i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) row[j] = std::min(row[j], two_before[j - 2] + 1);
        }
        two_before = before;
        before = row;
    }
    return before[to.size()];
}

std::string_view closest(std::string_view wanted, const std::vector<std::string_view>& names) {
    std::string_view best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    for (const std::string_view name : names) {
        const std::size_t distance = edit_distance(wanted, name);
        const std::size_t distance_max =
            std::max<std::size_t>(1, std::max(wanted.size(), name.size()) / 3);
        const bool close = distance < wanted.size() && distance <= distance_max;
        if ((!close && !begins_with_other(wanted, name)) || distance >= best_distance) continue;
        best = name;
        best_distance = distance;
    }
    return best;
}

std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& names) {
    const std::string_view name = closest(wanted, names);
    return name.empty() ? std::string() : "did you mean " + quoted(name) + "?";
}

std::string list_of(const std::vector<std::string_view>& names) {
    if (names.empty()) return "nothing";
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kListedMax); ++i) {
        text.append(i == 0 ? "" : ", ").append(quoted(names[i]));
    }
    if (names.size() > kListedMax)
        text += " and " + std::to_string(names.size() - kListedMax) + " more";
    return text;
}

std::string quoted(std::string_view text) {
    return '"' + std::string(text) + '"';
}

}  // namespace storm::detail
