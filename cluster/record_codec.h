// Cap'n Proto and hostile bytes: what the decoders of this room share.
//
// Bytes are copied, so they need no alignment; what a reader may follow is limited by their number;
// what Cap'n Proto throws becomes an error here.
//
// Threads: pure functions.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/array.h>
#include <kj/exception.h>

#include "base/result.h"
#include "cluster/record_check.h"
#include "cluster/records.capnp.h"
#include "cluster/records.h"

namespace storm::cluster {

inline kj::StringPtr text(const std::string& from) {
    return {from.c_str(), from.size()};
}
inline capnp::Data::Reader bytes_of(const std::string& from) {
    return kj::StringPtr(from.c_str(), from.size()).asBytes();
}
inline std::string string(capnp::Text::Reader from) {
    return {from.cStr(), from.size()};
}
inline std::string string(capnp::Data::Reader from) {
    const kj::ArrayPtr<const char> chars = from.asChars();
    return {chars.begin(), chars.size()};
}

void write(const TopologyRecord& record, schema::TopologyRecord::Builder to);
void write(const Assignment& record, schema::Assignment::Builder to);
// Without the check.
TopologyRecord read(schema::TopologyRecord::Reader from);
Assignment read(schema::Assignment::Reader from);

/// `fill` writes the root.
template <typename Struct, typename Fill>
std::string message(const Fill& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<Struct>());
    const kj::Array<capnp::word> words = capnp::messageToFlatArray(builder);
    const kj::ArrayPtr<const char> chars = words.asPtr().asChars();
    return {chars.begin(), chars.size()};
}

/// `read` makes a value of the root. `what` stands in the error.
template <typename Value, typename Struct, typename Read>
base::Result<Value> value_of(std::string_view bytes, const char* what, const Read& read) {
    const auto refuse = [&](std::string_view why) {
        return base::Error{std::string("cannot read ") + what + " of " +
                           std::to_string(bytes.size()) + " bytes: " + std::string(why)};
    };
    constexpr std::size_t kWord = sizeof(capnp::word);
    if (bytes.empty() || bytes.size() % kWord != 0) return refuse("cut off, or none at all");
    try {
        auto words = kj::heapArray<capnp::word>(bytes.size() / kWord);
        std::memcpy(words.begin(), bytes.data(), bytes.size());
        capnp::ReaderOptions limits;
        // Each word is read once; some more for what Cap'n Proto counts besides.
        limits.traversalLimitInWords = 2 * words.size() + 64;
        limits.nestingLimit = 16;
        capnp::FlatArrayMessageReader reader(words, limits);
        Value value = read(reader.getRoot<Struct>());
        if (reader.getEnd() != words.end()) return refuse("something follows it");
        return value;
    } catch (const kj::Exception& exception) {
        return refuse(exception.getDescription().cStr());
    }
}

/// The same, with its check.
template <typename Value, typename Struct, typename Read>
base::Result<Value> checked_value_of(std::string_view bytes, const char* what, const Read& read) {
    base::Result<Value> value = value_of<Value, Struct>(bytes, what, read);
    if (!value) return value;
    if (std::string found = fault(*value); !found.empty()) {
        return base::Error{std::string("cannot take ") + what + ": " + found};
    }
    return value;
}

}  // namespace storm::cluster
