// What the API throws. Each message says what was asked of what, and what to do instead.
#pragma once

#include <stdexcept>

namespace storm {

/// A tuple or value has no such field, or holds another kind.
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
/// A topology with mistakes; what() lists all of them, each with a hint.
struct TopologyError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Thrown by a basic bolt: the input fails, the worker goes on.
struct FailedError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace storm
