#include "net/http_message.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace storm::net {
namespace {

/// As JSON, with U+FFFD for whatever is not UTF-8.
std::string quoted(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view header_of(const HttpHeaders& headers, const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : found->second;
}

HttpResponse HttpResponse::json(std::string body, int status) {
    return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

/// The text may quote what a stranger has sent, so it is made good JSON here.
HttpResponse HttpResponse::error(int status, std::string_view why, std::string_view hint) {
    std::string body = "{\"error\": " + quoted(why);
    if (!hint.empty()) body += ", \"hint\": " + quoted(hint);
    return json(body + "}\n", status);
}

}  // namespace storm::net
