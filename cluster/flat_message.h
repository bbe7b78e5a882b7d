// Cap'n Proto and untrusted bytes: shared by the decoders of this room.
//
// Bytes are copied, so they need no alignment. Readers may follow only as many pointers as fits
// their number, and exceptions of Cap'n Proto become errors.
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

#include "base/check.h"
#include "base/result.h"

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

inline std::string flat(capnp::MessageBuilder& message) {
    const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
    const kj::ArrayPtr<const char> chars = words.asPtr().asChars();
    return {chars.begin(), chars.size()};
}

/// `fill` writes the root.
template <typename Struct, typename Fill>
std::string message(const Fill& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<Struct>());
    return flat(builder);
}

/// REQUIRES: bytes.size() is a multiple of a word.
inline kj::Array<capnp::word> words_of(std::string_view bytes) {
    STORM_CHECK(bytes.size() % sizeof(capnp::word) == 0, "the rest would be cut off in silence");
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.data(), bytes.size());
    return words;
}
inline capnp::ReaderOptions limits_of(const kj::Array<capnp::word>& words) {
    capnp::ReaderOptions limits;
    // Each word is read once; the rest is Cap'n Proto's own overhead.
    limits.traversalLimitInWords = 2 * words.size() + 64;
    limits.nestingLimit = 16;
    return limits;
}

/// The bytes of `newer` with the changes of `change(before, to, orphanage)`. Throws if Cap'n Proto
/// rejects them.
template <typename Struct, typename Change>
std::string changed(std::string_view newer, const Change& change) {
    const kj::Array<capnp::word> words = words_of(newer);
    capnp::FlatArrayMessageReader reader(words, limits_of(words));
    capnp::MallocMessageBuilder builder;
    builder.setRoot(reader.getRoot<Struct>());
    // A copy, because the limits count what is read.
    capnp::MallocMessageBuilder before;
    before.setRoot(builder.getRoot<Struct>().asReader());
    change(before.getRoot<Struct>().asReader(), builder.getRoot<Struct>(), builder.getOrphanage());
    // Drops the parts that were replaced.
    capnp::MallocMessageBuilder made;
    made.setRoot(builder.getRoot<Struct>().asReader());
    return flat(made);
}

/// `read` makes a value from the root. Errors call it `what`.
template <typename Value, typename Struct, typename Read>
base::Result<Value> value_of(std::string_view bytes, const char* what, const Read& read) {
    const auto refuse = [&](std::string_view why) {
        return base::Error{std::string("cannot read ") + what + " of " +
                           std::to_string(bytes.size()) + " bytes: " + std::string(why)};
    };
    constexpr std::size_t kWord = sizeof(capnp::word);
    if (bytes.empty() || bytes.size() % kWord != 0) return refuse("cut off, or none at all");
    try {
        const kj::Array<capnp::word> words = words_of(bytes);
        capnp::FlatArrayMessageReader reader(words, limits_of(words));
        Value value = read(reader.getRoot<Struct>());
        if (reader.getEnd() != words.end()) return refuse("something follows it");
        return value;
    } catch (const kj::Exception& exception) {
        return refuse(exception.getDescription().cStr());
    }
}

/// The same, with a check that returns what is wrong.
template <typename Value, typename Struct, typename Read, typename Check>
base::Result<Value> checked_value_of(std::string_view bytes, const char* what, const Read& read,
                                     const Check& check) {
    base::Result<Value> value = value_of<Value, Struct>(bytes, what, read);
    if (!value) return value;
    if (const std::string found = check(*value); !found.empty()) {
        return base::Error{std::string("cannot take ") + what + ": " + found};
    }
    return value;
}

}  // namespace storm::cluster
