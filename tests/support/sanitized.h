// Whether this build has a sanitizer in it.
#pragma once

namespace storm::testing {

#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitized = true;
#else
inline constexpr bool kThreadSanitized = false;
#endif
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = kThreadSanitized;
#endif

/// For GTEST_SKIP(), at the begin of a test that takes all descriptors away.
inline constexpr const char* kSanitizersNeedDescriptors =
    "a sanitizer asks with a pipe whether memory can be read, and takes no for an answer";

}  // namespace storm::testing
