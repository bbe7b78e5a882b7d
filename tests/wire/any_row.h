// Random values and rows for properties, with a liking for the cases that are easily forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>
#include <storm/value.h>

#include "tests/wire/plain_row.h"

namespace storm::wire {

inline rc::Gen<double> any_double() {
    return rc::gen::oneOf(rc::gen::arbitrary<double>(),
                          rc::gen::element(0.0, -0.0, 1.0, std::numeric_limits<double>::infinity(),
                                           std::numeric_limits<double>::quiet_NaN(),
                                           -std::numeric_limits<double>::quiet_NaN()));
}

inline Value::Bytes as_bytes(const std::string& text) {
    Value::Bytes bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

inline rc::Gen<Value> any_scalar() {
    return rc::gen::oneOf(
        rc::gen::just(Value()),
        rc::gen::map(rc::gen::arbitrary<bool>(), [](bool value) { return Value(value); }),
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t v) { return Value(v); }),
        rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                     [](std::uint64_t v) { return Value(~v); }),
        rc::gen::map(any_double(), [](double value) { return Value(value); }),
        rc::gen::map(rc::gen::string<std::string>(), [](const std::string& v) { return Value(v); }),
        rc::gen::map(rc::gen::string<std::string>(),
                     [](const std::string& v) { return Value(as_bytes(v)); }));
}

inline rc::Gen<Value> any_value(int levels = 3) {
    if (levels == 0) return any_scalar();
    const auto items = rc::gen::scale(0.2, rc::gen::container<Value::List>(any_value(levels - 1)));
    return rc::gen::weightedOneOf<Value>(
        {{6, any_scalar()},
         {1, rc::gen::map(items, [](Value::List list) { return Value(std::move(list)); })},
         {1, rc::gen::map(items, [](const Value::List& list) {
              Value::Map map;
              for (const Value& item : list) map.emplace(std::string(map.size(), '\xC3'), item);
              return Value(std::move(map));
          })}});
}

/// A tuple's row: any of the optional parts, up to a dozen values.
inline rc::Gen<PlainRow> any_row() {
    const auto count = [](int most) {
        return static_cast<std::size_t>(*rc::gen::inRange(0, most));
    };
    return rc::gen::exec([count] {
        PlainRow row;
        row.stream = *rc::gen::arbitrary<std::uint16_t>();
        if (*rc::gen::inRange(0, 4) == 0) row.time_us = *rc::gen::arbitrary<std::int64_t>();
        row.anchors.resize(count(4));
        for (detail::Anchor& anchor : row.anchors) {
            anchor = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>()};
        }
        if (*rc::gen::inRange(0, 4) == 0) row.extensions.resize(count(20), std::byte{7});
        row.values = *rc::gen::container<std::vector<Value>>(count(13), any_value());
        return row;
    });
}

}  // namespace storm::wire
