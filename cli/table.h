// Tables for people: columns as wide as their content, cut to the width of the terminal.
//
//     NAME  STATUS  WORKERS
//     wc    ACTIVE        2
//
// Threads: plain values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/terminal.h"

namespace storm::cli {

struct Column {
    std::string name;
    bool right = false;  ///< Right-aligned, for numbers.
    bool cut = false;    ///< Is cut if the terminal is too narrow.
};

struct Cell {
    // NOLINTBEGIN(google-explicit-constructor)
    Cell(std::string given, Colour its_colour = Colour::kPlain)
        : text(std::move(given)), colour(its_colour) {}
    Cell(const char* given) : Cell(std::string(given)) {}
    // NOLINTEND(google-explicit-constructor)

    std::string text;
    Colour colour;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// As many cells as there are columns. Their content is made printable.
    void add(std::vector<Cell> cells);
    bool empty() const { return rows_.empty(); }
    /// Lines, each with a line feed.
    std::string text(const Terminal& terminal) const;

private:
    std::vector<std::size_t> widths(const Terminal& terminal) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace storm::cli
