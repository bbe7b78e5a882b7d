// Reads JSON of other processes: a missing member, or one of another type, reads as nothing.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace storm::cli {

using Json = nlohmann::ordered_json;

/// A text as it is, a number as text; otherwise "".
std::string text_at(const Json& object, const char* key);
/// 0 also if it is missing, negative or no number.
std::uint64_t count_at(const Json& object, const char* key);
bool flag_at(const Json& object, const char* key);
/// An empty array if it is missing.
const Json& list_at(const Json& object, const char* key);
/// An empty object if it is missing.
const Json& object_at(const Json& object, const char* key);

/// The same text on every run: indented by two spaces, with a line feed at the end.
std::string to_text(const Json& json);

}  // namespace storm::cli
