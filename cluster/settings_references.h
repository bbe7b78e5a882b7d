// Values that are kept elsewhere: `${env:NAME}` and `${file:/path}` in a setting.
//
// Resolved by whoever reads settings files and -c: what is submitted by storm-submit, storm.yaml by
// the daemon. A reference may be a part of a value. `$${` stands for `${`.
//
// Threads: pure functions, but for the environment and the files they read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::cluster {

/// Of one file that is referred to.
inline constexpr std::size_t kReferredBytesMax = 64 * 1024;

struct Resolved {
    std::string value;
    bool referred = false;  ///< Some of it came from elsewhere.
};
/// The error names the reference and says nothing of any value.
base::Result<Resolved> resolve_references(std::string_view text);

/// What resolves to the text.
std::string escape_references(std::string_view text);

}  // namespace storm::cluster
