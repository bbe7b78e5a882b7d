// References in settings to values kept elsewhere: `${env:NAME}` and `${file:/path}`.
//
// Resolved by the reader of settings files and -c: storm-submit for what is submitted, a daemon for
// its storm.yaml. A reference may be a part of a value. `$${` stands for `${`.
//
// Threads: pure functions, except that they read the environment and files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::cluster {

/// Size of a file that is referred to.
inline constexpr std::size_t kReferredBytesMax = 64 * 1024;

struct Resolved {
    std::string value;
    bool referred = false;  ///< Whether any part came from elsewhere.
};
/// An error names the reference, but shows no value.
base::Result<Resolved> resolve_references(std::string_view text);

/// The text that resolves to `text`.
std::string escape_references(std::string_view text);

}  // namespace storm::cluster
