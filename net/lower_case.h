// Lower case in ASCII, independent of locale, as HTTP compares names.
//
// Threads: a pure function.
#pragma once

#include <string>

namespace storm::net {

inline std::string lower_case(std::string text) {
    for (char& letter : text) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return text;
}

}  // namespace storm::net
