#include "cli/table.h"

#include <algorithm>

#include "base/check.h"

namespace storm::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kCutMin = 8;  // Least width of a column that is cut.

}  // namespace

void Table::add(std::vector<Cell> cells) {
    STORM_CHECK(cells.size() == columns_.size(), "each column has a cell");
    for (Cell& cell : cells) cell.text = printable(cell.text);
    rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(const Terminal& terminal) const {
    std::vector<std::size_t> widths;
    std::size_t total = kGap * (columns_.size() - 1);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        std::size_t width = columns_of(columns_[c].name);
        for (const auto& row : rows_) width = std::max(width, columns_of(row[c].text));
        widths.push_back(width);
        total += width;
    }
    if (terminal.width == 0) return widths;
    // From the right, where the less important ones are. Those that are not cut stay whole, if need
    // be beyond the edge.
    for (std::size_t c = columns_.size(); c-- > 0 && total > terminal.width;) {
        if (!columns_[c].cut || widths[c] <= kCutMin) continue;
        const std::size_t less = std::min(total - terminal.width, widths[c] - kCutMin);
        widths[c] -= less;
        total -= less;
    }
    return widths;
}

std::string Table::text(const Terminal& terminal) const {
    const std::vector<std::size_t> width = widths(terminal);
    std::string text;
    const auto add_line = [&](const auto& cell_of) {
        std::string line;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const Cell cell = cell_of(c);
            const std::string shown = fitted(cell.text, width[c]);
            const std::string space(width[c] - columns_of(shown), ' ');
            const bool last = c + 1 == columns_.size();
            if (c > 0) line.append(kGap, ' ');
            if (columns_[c].right) line += space;
            line += coloured(shown, cell.colour, terminal);
            if (!columns_[c].right && !last) line += space;
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    };
    add_line([&](std::size_t c) { return Cell(columns_[c].name, Colour::kFaint); });
    for (const auto& row : rows_) {
        add_line([&](std::size_t c) { return row[c]; });
    }
    return text;
}

}  // namespace storm::cli
