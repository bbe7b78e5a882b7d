#include <algorithm>
#include <array>

#include <storm/detail/secrets.h>

#include "topology-api/src/settings.h"

namespace storm::detail {
namespace {

/// The letters and digits in lower case: "db.Api-Key" becomes "dbapikey".
std::string letters_of(std::string_view key) {
    std::string letters;
    for (const char c : key) {
        if (c >= 'A' && c <= 'Z') {
            letters += static_cast<char>(c - 'A' + 'a');
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            letters += c;
        }
    }
    return letters;
}

/// Errs on the side of hiding: a value that is hidden needlessly can still be read where it was
/// set.
bool names_secret(std::string_view key) {
    constexpr std::array<std::string_view, 19> kWords = {
        "password",      "passwd",     "passphrase",    "passcode",  "secret",
        "credential",    "apikey",     "authkey",       "accesskey", "sharedkey",
        "encryptionkey", "privatekey", "signingkey",    "masterkey", "accountkey",
        "storagekey",    "authheader", "authorization", "jaas"};
    const std::string letters = letters_of(key);
    const auto has = [&letters](std::string_view word) {
        return letters.find(word) != std::string::npos;
    };
    if (std::any_of(kWords.begin(), kWords.end(), has)) return true;
    for (const std::string_view end : {"pwd", "pass", "pw"}) {
        if (letters.ends_with(end)) return true;
    }
    // But not in "tokenizer".
    for (std::size_t at = 0; (at = letters.find("token", at)) != std::string::npos; ++at) {
        const std::string_view behind = std::string_view(letters).substr(at + 5);
        if (!behind.starts_with("iz") && !behind.starts_with("is")) return true;
    }
    return false;
}

bool is_of_name(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

/// Finds "…;AccountKey=abc", "?password=abc", "\"token\": \"abc\"".
bool assigns_secret(std::string_view value) {
    for (std::size_t at = 0; (at = value.find_first_of("=:", at)) != std::string_view::npos; ++at) {
        std::string_view name = value.substr(0, at);
        const bool is_quoted = name.ends_with('"');
        if (is_quoted) name.remove_suffix(1);
        if (value[at] == ':' && !is_quoted) continue;
        std::size_t begin = name.size();
        while (begin > 0 && is_of_name(name[begin - 1])) --begin;
        name.remove_prefix(begin);
        const std::size_t text = value.find_first_not_of(" \"", at + 1);
        const bool is_empty = text == std::string_view::npos || value[text] == '&' ||
                              value[text] == ';' || value[text] == ',' || value[text] == '}';
        // Names in signed URLs of object stores.
        const bool is_signature = name == "sig" || name == "signature";
        if (!is_empty && (is_signature || names_secret(name))) return true;
    }
    return false;
}

/// Finds "user:password@tcp(host)/db".
bool begins_with_password(std::string_view value) {
    const std::size_t sign = value.find('@');
    const std::size_t colon = value.find(':');
    return sign != std::string_view::npos && colon > 0 && colon < sign && sign - colon > 1 &&
           value.substr(0, sign).find_first_of("/ \t\n\"") == std::string_view::npos;
}

/// Finds "scheme://user:password@host".
bool has_password(std::string_view value) {
    for (std::size_t at = 0; (at = value.find("://", at)) != std::string_view::npos;) {
        at += 3;
        const std::string_view authority =
            value.substr(at, value.find_first_of("/?# \t\n\"", at) - at);
        const std::size_t sign = authority.rfind('@');
        if (sign == std::string_view::npos) continue;
        const std::size_t colon = authority.find(':');
        if (colon < sign && sign - colon > 1) return true;
    }
    return false;
}

}  // namespace

bool looks_secret(std::string_view key, std::string_view value) {
    return find_setting(key) == nullptr && (names_secret(key) || has_password(value) ||
                                            assigns_secret(value) || begins_with_password(value));
}

void Secrets::declare(std::string_view list) {
    for (std::string& key : parse_list(list).value_or(std::vector<std::string>())) {
        declared_.insert(std::move(key));
    }
}

bool Secrets::has(std::string_view key, std::string_view value) const {
    return (declared_.contains(key) && find_setting(key) == nullptr) || looks_secret(key, value);
}

std::string Secrets::shown(std::string_view key, std::string_view value) const {
    return std::string(has(key, value) ? kHidden : value);
}

}  // namespace storm::detail
