#include "net/http_message.h"

#include <utility>

namespace storm::net {
namespace {

std::string quoted(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string made = "\"";
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') {
            made += '\\';
            made += letter;
        } else if (code < 0x20) {
            made += "\\u00";
            made += kDigits[code >> 4U];
            made += kDigits[code & 15U];
        } else {
            made += letter;
        }
    }
    return made + '"';
}

}  // namespace

std::string_view header_of(const HttpHeaders& headers, const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : found->second;
}

HttpResponse HttpResponse::json(std::string body, int status) {
    return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

/// The text may quote what a stranger has sent, so it is escaped here, and whatever is not UTF-8
/// stays as it is.
HttpResponse HttpResponse::error(int status, std::string_view why, std::string_view hint) {
    std::string body = "{\"error\": " + quoted(why);
    if (!hint.empty()) body += ", \"hint\": " + quoted(hint);
    return json(body + "}\n", status);
}

}  // namespace storm::net
