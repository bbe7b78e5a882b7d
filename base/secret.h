// Secrets: random bytes, secrets in files, comparison in constant time.
//
// Threads: any; a SecretFile: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace storm::base {

/// `count` random bytes from the kernel.
std::string random_bytes(std::size_t count);
/// Users, besides its owner, that may read the file of a secret.
enum class Readers : std::uint8_t { kNone, kGroup, kAll };
/// The content of a file without the line ends behind it. More than `bytes_max` is an error, and so
/// is a file that others than `readers` can read or, unless these are all, change.
Result<std::string> read_secret(const std::string& path, std::size_t bytes_max,
                                Readers readers = Readers::kNone);
/// A secret in a file. The file is read again only when it was replaced or changed, so asking often
/// costs one stat() each.
class SecretFile {
public:
    /// An empty path stands for an empty secret.
    SecretFile(std::string path, std::size_t bytes_max, Readers readers = Readers::kNone)
        : path_(std::move(path)), bytes_max_(bytes_max), readers_(readers) {}

    /// As read_secret(). The reference is good until the next call.
    const Result<std::string>& read();

private:
    using State = std::array<std::int64_t, 7>;
    std::optional<State> state_of_file() const;

    const std::string path_;
    const std::size_t bytes_max_;
    const Readers readers_;
    std::optional<State> state_;  // The file's state at the last read; nothing: it was missing.
    Result<std::string> secret_ = std::string();
};

/// Compares in a time that does not depend on where the texts differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace storm::base
