#include "cluster/settings_references.h"

#include <algorithm>
#include <cstdlib>

#include "base/secret.h"

namespace storm::cluster {
namespace {

constexpr std::string_view kBegin = "${";
constexpr std::string_view kEscaped = "$${";

base::Result<std::string> referred(std::string_view reference) {
    const std::string shown = "\"${" + std::string(reference) + "}\"";
    const std::size_t colon = std::min(reference.find(':'), reference.size());
    const std::string_view kind = reference.substr(0, colon);
    const std::string name(reference.substr(std::min(colon + 1, reference.size())));
    if (kind == "env" && !name.empty()) {
        const char* const value = std::getenv(name.c_str());
        if (value != nullptr) return std::string(value);
        return base::Error{shown + ": there is no environment variable " + name};
    }
    // A relative path would mean another file wherever the program is started.
    if (kind == "file" && name.starts_with('/')) {
        // Kubernetes and others mount secrets for all to read.
        auto content = base::read_secret(name, kReferredBytesMax, base::Readers::kAll);
        if (content) return content;
        return base::Error{shown + ": " + content.error().message};
    }
    return base::Error{
        shown +
        " is not a reference; there are ${env:NAME} and ${file:/path}, and $${ stands "
        "for ${ itself"};
}

}  // namespace

base::Result<Resolved> resolve_references(std::string_view text) {
    Resolved resolved;
    while (!text.empty()) {
        const std::size_t at = text.find('$');
        resolved.value += text.substr(0, at);
        if (at == std::string_view::npos) break;
        text.remove_prefix(at);
        if (text.starts_with(kEscaped)) {
            resolved.value += kBegin;
            text.remove_prefix(kEscaped.size());
        } else if (text.starts_with(kBegin)) {
            const std::size_t end = text.find('}');
            if (end == std::string_view::npos) {
                return base::Error{"\"${\" has no \"}\"; write $${ for ${ itself"};
            }
            const auto found = referred(text.substr(kBegin.size(), end - kBegin.size()));
            if (!found) return found.error();
            // As it is: a value from elsewhere is not searched for references, or whoever writes
            // that file could name others that only we may read.
            resolved.value += *found;
            resolved.referred = true;
            text.remove_prefix(end + 1);
        } else {
            resolved.value += '$';
            text.remove_prefix(1);
        }
    }
    return resolved;
}

/// For values that were resolved, and will be read as settings again.
std::string escape_references(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text.substr(at).starts_with(kBegin)) escaped += '$';
        escaped += text[at];
    }
    return escaped;
}

}  // namespace storm::cluster
