// ASCII only, as HTTP's names are: no locale is asked.
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
