// Finds the function at an address of this process, in the symbol table of the program or library.
//
// It is for signal handlers: it does not allocate, and takes no lock of the C library. It maps the
// file and searches all of its symbols.
//
// Threads: any; safe in a signal handler.
// Cost:    a millisecond for each 100,000 symbols.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace storm::base {

struct Symbol {
    std::string_view file() const { return file_bytes.data(); }
    std::string_view function() const { return function_bytes.data(); }

    std::array<char, 256> file_bytes{};       ///< Path of the program or library; empty: none.
    std::uintptr_t offset = 0;                ///< Address within the file, as addr2line takes it.
    std::array<char, 1024> function_bytes{};  ///< Mangled; empty: unknown.
    std::uintptr_t into_function = 0;
};

/// Fills in `symbol`.
void find_symbol(std::uintptr_t address, Symbol& symbol);

/// The path of this program.
std::array<char, 256> own_program();

}  // namespace storm::base
