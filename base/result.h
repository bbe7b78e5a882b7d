// The result of a function that may fail: a value, or the reason why there is none.
//
// A subset of C++23's std::expected, which can replace it one day.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace storm::base {

/// Says what was to be done, to what, and what happened: `cannot read "a.yaml": no such file`.
struct Error {
    std::string message;
};

/// The value of an operation that returns nothing but success.
struct Done {};

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : held_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : held_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const { return held_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    /// REQUIRES: has_value().
    const T& value() const& {
        const T* const value = std::get_if<0>(&held_);
        STORM_CHECK(value != nullptr, "value() of a failed result");
        return *value;
    }
    T&& value() && {
        T* const value = std::get_if<0>(&held_);
        STORM_CHECK(value != nullptr, "value() of a failed result");
        return std::move(*value);
    }
    const T& operator*() const& { return value(); }
    const T* operator->() const { return &value(); }

    /// REQUIRES: !has_value().
    const Error& error() const {
        const Error* const error = std::get_if<1>(&held_);
        STORM_CHECK(error != nullptr, "error() of a result that has a value");
        return *error;
    }

private:
    std::variant<T, Error> held_;
};

}  // namespace storm::base
