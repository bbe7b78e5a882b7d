#include "net/digest.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/sha256.h"
#include "net/fixed_hex.h"
#include "net/lower_case.h"

namespace storm::net {
namespace {

constexpr std::string_view kAlgorithm = "SHA-256";

bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string quoted(std::string_view text) {
    std::string made = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') made += '\\';
        made += c;
    }
    return made + '"';
}

using Parameters = std::map<std::string, std::string>;

struct Scheme {
    std::string name;  ///< In lower case, like the names of the parameters.
    Parameters parameters;
};

class Reader {
public:
    explicit Reader(std::string_view text) : left_(text) {}

    bool is_at_end() const { return left_.empty(); }
    bool is_at(char c) const { return left_.starts_with(c); }
    bool take(char c) {
        if (!is_at(c)) return false;
        left_.remove_prefix(1);
        return true;
    }
    /// Whether it skipped anything.
    bool skip(std::string_view any_of) {
        const std::size_t count = std::min(left_.find_first_not_of(any_of), left_.size());
        left_.remove_prefix(count);
        return count > 0;
    }
    std::optional<std::string> token() {
        std::string found;
        while (!left_.empty() && is_token_char(left_.front())) {
            found += left_.front();
            left_.remove_prefix(1);
        }
        if (found.empty()) return std::nullopt;
        return found;
    }
    /// Reads a token or a quoted string.
    std::optional<std::string> value() {
        if (!take('"')) return token();
        std::string found;
        while (!take('"')) {
            take('\\');
            // Only printable ASCII, so that the value can be shown.
            if (left_.empty() || left_.front() < ' ' || left_.front() > '~') return std::nullopt;
            found += left_.front();
            left_.remove_prefix(1);
        }
        return found;
    }

private:
    std::string_view left_;
};

/// Parses `Bearer, Digest realm="storm", nonce="…"` (RFC 7235, 4.1).
std::optional<std::vector<Scheme>> schemes_in(std::string_view text) {
    std::vector<Scheme> found;
    Reader reader(text);
    for (;;) {
        reader.skip(" \t,");
        if (reader.is_at_end()) return found;
        const auto name = reader.token();
        if (!name) return std::nullopt;
        // Commas part schemes as well as parameters. Only what follows a name tells the two apart.
        const bool is_spaced = reader.skip(" \t");
        if (!reader.take('=')) {
            if (!is_spaced && !reader.is_at_end() && !reader.is_at(',')) return std::nullopt;
            found.push_back({lower_case(*name), {}});
            continue;
        }
        reader.skip(" \t");
        auto value = reader.value();
        if (!value || found.empty()) return std::nullopt;
        auto& parameters = found.back().parameters;
        // Twice the same is refused: two readers might each take another one.
        if (!parameters.emplace(lower_case(*name), *std::move(value)).second) return std::nullopt;
        reader.skip(" \t");
        if (!reader.is_at_end() && !reader.is_at(',')) return std::nullopt;
    }
}

const std::string& at(const Parameters& parameters, const char* name) {
    static const std::string kNone;
    const auto found = parameters.find(name);
    return found == parameters.end() ? kNone : found->second;
}

bool is_sha256(const Parameters& parameters) {
    return lower_case(at(parameters, "algorithm")) == lower_case(std::string(kAlgorithm));
}

/// Whether a list like `auth,auth-int` offers auth-int.
bool offers_auth_int(std::string_view list) {
    Reader reader(list);
    for (;;) {
        reader.skip(" \t,");
        const auto each = reader.token();
        if (!each) return false;
        if (lower_case(*each) == "auth-int") return true;
    }
}

}  // namespace

/// The hash stands for the token in all proofs, so whoever keeps it can prove, too.
std::string digest_key(const DigestSecret& secret) {
    return base::sha256(secret.user + ':' + secret.realm + ':' + secret.token);
}

std::string digest_proof(const std::string& key, const DigestTurn& turn,
                         const DigestSubject& subject) {
    const bool of_body = !subject.body_sha256.empty();
    const std::string what =
        subject.method + ':' + subject.uri + (of_body ? ':' + subject.body_sha256 : "");
    return base::sha256(key + ':' + turn.nonce + ':' + fixed_hex(turn.nc, 8) + ':' + turn.cnonce +
                        (of_body ? ":auth-int:" : ":auth:") + base::sha256(what));
}

std::string to_header(const DigestChallenge& challenge) {
    return "Digest realm=" + quoted(challenge.realm) +
           ", qop=\"auth-int\", algorithm=" + std::string(kAlgorithm) +
           ", nonce=" + quoted(challenge.nonce) + (challenge.stale ? ", stale=true" : "");
}

std::string to_header(const DigestCredentials& credentials) {
    return "Digest username=" + quoted(credentials.user) + ", realm=" + quoted(credentials.realm) +
           ", uri=" + quoted(credentials.uri) + ", algorithm=" + std::string(kAlgorithm) +
           ", nonce=" + quoted(credentials.turn.nonce) +
           ", nc=" + fixed_hex(credentials.turn.nc, 8) +
           ", cnonce=" + quoted(credentials.turn.cnonce) + ", qop=auth-int" +
           ", response=" + quoted(credentials.proof);
}

std::string to_header(const DigestInfo& info, const DigestTurn& turn) {
    return "rspauth=" + quoted(info.proof) + ", qop=" + (info.of_body ? "auth-int" : "auth") +
           ", cnonce=" + quoted(turn.cnonce) + ", nc=" + fixed_hex(turn.nc, 8) +
           (info.next_nonce.empty() ? "" : ", nextnonce=" + quoted(info.next_nonce));
}

std::optional<DigestChallenge> digest_challenge(std::string_view header) {
    const auto schemes = schemes_in(header);
    if (!schemes) return std::nullopt;
    for (const auto& [name, parameters] : *schemes) {
        if (name != "digest" || !is_sha256(parameters)) continue;
        if (!offers_auth_int(at(parameters, "qop")) || at(parameters, "nonce").empty()) continue;
        return DigestChallenge{at(parameters, "realm"), at(parameters, "nonce"),
                               lower_case(at(parameters, "stale")) == "true"};
    }
    return std::nullopt;
}

std::optional<DigestCredentials> digest_credentials(std::string_view header) {
    const auto schemes = schemes_in(header);
    if (!schemes || schemes->size() != 1 || schemes->front().name != "digest") return std::nullopt;
    const Parameters& parameters = schemes->front().parameters;
    const auto nc = from_fixed_hex<std::uint32_t>(at(parameters, "nc"), 8);
    // Nothing but auth-int: otherwise somebody on the way could put another body to a proof.
    if (!nc || !is_sha256(parameters) || at(parameters, "qop") != "auth-int") return std::nullopt;
    for (const char* const needed : {"username", "realm", "uri", "nonce", "cnonce", "response"}) {
        if (at(parameters, needed).empty()) return std::nullopt;
    }
    return DigestCredentials{at(parameters, "username"),
                             at(parameters, "realm"),
                             at(parameters, "uri"),
                             {at(parameters, "nonce"), *nc, at(parameters, "cnonce")},
                             at(parameters, "response")};
}

std::optional<DigestInfo> digest_info(std::string_view header) {
    const auto schemes = schemes_in("Digest " + std::string(header));
    if (!schemes || schemes->size() != 1) return std::nullopt;
    const Parameters& parameters = schemes->front().parameters;
    const std::string& qop = at(parameters, "qop");
    if (at(parameters, "rspauth").empty() || (qop != "auth" && qop != "auth-int")) {
        return std::nullopt;
    }
    return DigestInfo{at(parameters, "rspauth"), at(parameters, "nextnonce"), qop == "auth-int"};
}

bool is_digest(std::string_view header) {
    constexpr std::string_view kDigest = "digest";
    return lower_case(std::string(header.substr(0, kDigest.size()))) == kDigest &&
           (header.size() == kDigest.size() || header[kDigest.size()] == ' ');
}

std::string digest_answer(const DigestReceipt& receipt, const std::string& body_sha256) {
    DigestInfo info;
    info.of_body = !body_sha256.empty();
    info.next_nonce = receipt.next_nonce;
    info.proof = digest_proof(receipt.key, receipt.turn, {"", receipt.uri, body_sha256});
    return to_header(info, receipt.turn);
}

}  // namespace storm::net
