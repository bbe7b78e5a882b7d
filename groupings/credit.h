// How much a target can take at present, for groupings that have a choice.
//
// Threads: a plain value.
#pragma once

#include <cstdint>

namespace storm::groupings {

enum class Credit : std::uint8_t {
    kSome,
    kNone,  // It may get some soon.
    kGone,  // Its worker is lost, or has not come yet: a row has to wait for another one.
};

}  // namespace storm::groupings
