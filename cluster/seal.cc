#include "cluster/seal.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <openssl/evp.h>
#include <storm/detail/secrets.h>

#include "base/check.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "cluster/limits.h"
#include "cluster/sealed_answer.h"

namespace storm::cluster {
namespace {

// Purposes of keys derived from the token, so that no two uses give the same bytes.
constexpr std::string_view kKeyPurpose = "storm 1: secrets of topologies";
constexpr std::string_view kLinkPurpose = "storm 1: links of workers:";
constexpr std::string_view kCheckPurpose = "storm 1: which token:";
constexpr std::size_t kCheckBytes = 8;  // At the end of a secret.
constexpr std::size_t kKeyBytes = 32;
constexpr int kNonceBytes = 12;
constexpr int kTagBytes = 16;

const unsigned char* bytes(std::string_view text) {
    return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
}
unsigned char* bytes(std::string& text) {
    return static_cast<unsigned char*>(static_cast<void*>(text.data()));
}

class Cipher {
public:
    /// `about` is authenticated but not stored; opening needs the same text.
    Cipher(const std::string& key, std::string_view nonce, std::string_view about, bool seals)
        : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
        STORM_CHECK(key.size() == kKeyBytes && nonce.size() == kNonceBytes,
                    "OpenSSL reads as many bytes, whatever the texts have");
        int none = 0;
        STORM_CHECK(context_ != nullptr &&
                        EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, bytes(key),
                                          bytes(nonce), seals ? 1 : 0) == 1 &&
                        EVP_CipherUpdate(context_.get(), nullptr, &none, bytes(about),
                                         static_cast<int>(about.size())) == 1,
                    "OpenSSL has AES-256-GCM");
    }

    std::string add(std::string_view text) {
        std::string made(text.size(), '\0');
        int length = 0;
        STORM_CHECK(EVP_CipherUpdate(context_.get(), bytes(made), &length, bytes(text),
                                     static_cast<int>(text.size())) == 1,
                    "AES-256-GCM takes any bytes");
        return made;
    }
    bool finish() {
        int none = 0;
        std::array<unsigned char, kTagBytes> nothing{};
        return EVP_CipherFinal_ex(context_.get(), nothing.data(), &none) == 1;
    }
    std::string tag() {
        std::string made(kTagBytes, '\0');
        control(EVP_CTRL_GCM_GET_TAG, made);
        return made;
    }
    void expect(std::string tag) { control(EVP_CTRL_GCM_SET_TAG, tag); }

private:
    void control(int what, std::string& tag) {
        STORM_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), what, kTagBytes, tag.data()) == 1,
                    "a tag has 16 bytes");
    }

    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
};

/// A sealed value opens only where it was: moved to another setting, perhaps one that is shown, or
/// to a topology of another name it does not. The name and not the id, which Nimbus makes after it
/// has sealed.
std::string about(const TopologyRecord& record, std::string_view key) {
    return record.name + '\0' + std::string(key);
}

/// Differs from the text for any setting, because no topology's name is empty.
std::string about_removal(const std::string& topology) {
    return std::string("\0removed\0", 9) + topology;
}

std::string seal(const std::string& key, std::string_view value, std::string_view about) {
    // A new nonce for each value: two values under one nonce would tell the one from the other.
    const std::string nonce = base::random_bytes(kNonceBytes);
    Cipher cipher(key, nonce, about, true);
    const std::string hidden = cipher.add(value);
    STORM_CHECK(cipher.finish(), "AES-256-GCM always ends");
    return std::string(kSealMark) + nonce + cipher.tag() + hidden;
}

std::optional<std::string> open(const std::string& key, std::string_view sealed,
                                std::string_view about) {
    STORM_CHECK(sealed.starts_with(kSealMark), "only what bears the mark is opened");
    sealed.remove_prefix(kSealMark.size());
    if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
    Cipher cipher(key, sealed.substr(0, kNonceBytes), about, false);
    // Not to be used before finish() has compared the tag: until then it may be anybody's bytes.
    std::string value = cipher.add(sealed.substr(kNonceBytes + kTagBytes));
    cipher.expect(std::string(sealed.substr(kNonceBytes, kTagBytes)));
    if (!cipher.finish()) return std::nullopt;
    return value;
}

/// Tells another token from a mistake in the bytes. It protects nothing: eight bytes of an HMAC say
/// nothing about the key.
std::string check_of(const std::string& key, std::string_view secret) {
    return base::hmac_sha256(key, std::string(kCheckPurpose) + std::string(secret))
        .substr(0, kCheckBytes);
}

base::Error other_token(const TopologyRecord& record) {
    return {"cannot open the secrets of topology \"" + record.name +
            "\": the token is not the one that it was submitted under; submit it again"};
}

}  // namespace

// Only a key that is made for this is kept, not the token: nobody could prove himself to a Nimbus
// with it.
Seal::Seal(std::string_view token) : key_(base::hmac_sha256(token, kKeyPurpose)) {}

base::Result<TopologyRecord> Seal::sealed(TopologyRecord record) const {
    const detail::Secrets secrets(record.settings);
    for (auto& [key, value] : record.settings) {
        // opened() takes whatever bears the mark for sealed, so nothing else may bear it.
        if (value.starts_with(kSealMark)) {
            return base::Error{"setting \"" + key + "\" begins with \"" + std::string(kSealMark) +
                               "\", which is kept for sealed ones"};
        }
        if (secrets.has(key, value)) value = seal(key_, value, about(record, key));
    }
    record.sealed = true;
    return record;
}

std::string Seal::new_secret() const {
    const std::string random = base::random_bytes(kSecretBytes - kCheckBytes);
    std::string made = random + check_of(key_, random);
    STORM_CHECK(made.size() == kSecretBytes, "a record with another secret could not be read");
    return made;
}

base::Result<TopologyRecord> Seal::opened(TopologyRecord record) const {
    if (!record.sealed) return record;  // Submitted before seals existed.
    auto secret = secret_of_workers_(record);
    if (!secret) return other_token(record);
    for (auto& [key, value] : record.settings) {
        if (!value.starts_with(kSealMark)) continue;
        auto found = open(key_, value, about(record, key));
        if (!found) {
            return base::Error{"cannot open the sealed setting \"" + key + "\" of topology \"" +
                               record.name + "\": it has been changed"};
        }
        value = std::move(*found);
    }
    record.secret = *std::move(secret);
    record.sealed = false;
    return record;
}

std::optional<std::string> Seal::secret_of_workers_(const TopologyRecord& record) const {
    if (!record.sealed) return record.secret;
    // Workers with different secrets would refuse each other.
    const std::size_t random = record.secret.size() - std::min(kCheckBytes, record.secret.size());
    if (check_of(key_, record.secret.substr(0, random)) != record.secret.substr(random)) {
        return std::nullopt;
    }
    // So that the bytes in ZooKeeper are useless without the token.
    return base::hmac_sha256(key_, std::string(kLinkPurpose) + record.secret);
}

std::optional<std::string> Seal::answer_key(const TopologyRecord& record) const {
    if (record.secret.size() != kSecretBytes) return std::nullopt;
    const auto secret = secret_of_workers_(record);
    if (!secret) return std::nullopt;
    return cluster::answer_key(*secret, record.id);
}

Removal Seal::removal_of(const TopologyRecord& record) const {
    const auto key = answer_key(record);
    Removal made = {key ? seal(key_, *key, about_removal(record.id)) : std::string()};
    // A mark with a longer key would be refused, and the topology could never be removed.
    STORM_CHECK(made.answer_key.size() <= kSealedKeyBytesMax, "a sealed key fits into its mark");
    return made;
}

std::optional<std::string> Seal::answer_key(const std::string& topology,
                                            const Removal& removal) const {
    if (!removal.answer_key.starts_with(kSealMark)) return std::nullopt;
    return open(key_, removal.answer_key, about_removal(topology));
}

}  // namespace storm::cluster
