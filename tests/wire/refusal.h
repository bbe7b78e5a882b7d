// The text of a refusal; empty if there is none.
#pragma once

#include <string>

#include "base/result.h"

namespace storm::wire {

// Not inline: g++ 12 would warn of a null pointer that Result::error() has excluded.
[[gnu::noinline]] inline std::string message_of(const base::Error& error) {
    return error.message;
}

template <typename T>
std::string refusal_of(const base::Result<T>& result) {
    return result ? std::string() : message_of(result.error());
}

}  // namespace storm::wire
