#include "base/sha256.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"

namespace storm::base {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

}  // namespace

struct Sha256::Context {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    STORM_CHECK(context_->evp != nullptr, "OpenSSL has memory");
    STORM_CHECK(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1,
                "OpenSSL has SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
    STORM_CHECK(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) == 1,
                "a hash takes any bytes");
}

std::string Sha256::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    STORM_CHECK(EVP_DigestFinal_ex(context_->evp.get(), digest.data(), &size) == 1,
                "hex() comes once");
    return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string sha256(std::string_view bytes) {
    Sha256 digest;
    digest.add(bytes);
    return digest.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    STORM_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
                     &size) != nullptr,
                "OpenSSL has SHA-256");
    return {reinterpret_cast<const char*>(mac.data()), size};
}

Result<FileDigest> digest_of_file(const std::string& path) {
    // A FIFO in its place must not hold us up.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return system_error("cannot read \"" + path + '"');
    Sha256 digest;
    FileDigest found;
    std::string piece(kPieceBytes, '\0');
    for (;;) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot read \"" + path + '"');
        if (count == 0) break;
        digest.add({piece.data(), static_cast<std::size_t>(count)});
        found.bytes += static_cast<std::size_t>(count);
    }
    found.sha256 = digest.hex();
    return found;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char each : bytes) {
        const auto byte = static_cast<unsigned char>(each);
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

}  // namespace storm::base
