// The exceptions of the API. Each message says what was asked of what, and what to do instead.
#pragma once

#include <stdexcept>

namespace storm {

/// A tuple has no such field, or the field or value is of another kind.
struct FieldError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// An emit that does not fit: undeclared stream, wrong number or kind of values, tuple too large.
struct EmitError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// A setting is missing, unknown or malformed.
struct ConfigError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// A topology has mistakes. what() lists all of them, each with a code and a hint.
struct TopologyError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Thrown by bolts in execute(): the input fails as FailReason::kBoltFailed, without an error in
/// the log, and the topology runs on.
struct FailedError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace storm
