// Settings of a test that come from the environment.
//
// Threads: any, as long as none changes the environment.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace storm::testing {

/// Throws std::invalid_argument if the text is no number, which says so with its `name`.
inline std::uint64_t number_in(std::string_view text, const std::string& name) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument(name + " is \"" + std::string(text) + "\", not a number");
    return number;
}

/// The same of a variable of the environment.
inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : number_in(text, variable);
}

}  // namespace storm::testing
