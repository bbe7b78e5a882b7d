// Handlers of an HTTP server: who calls, where a body goes, what the answer is.
//
// Threads: all are called on the server's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "net/http_message.h"

namespace storm::net {

/// Answers a request: at most once, at any time, on the server's thread. Destroyed without a call,
/// it closes the connection. Must not outlive the io_context.
using HttpReply = std::function<void(HttpResponse)>;

/// Takes a body that is too large for memory. Destroyed early if the client goes away.
class HttpUpload {
public:
    HttpUpload() = default;
    HttpUpload(const HttpUpload&) = delete;
    HttpUpload& operator=(const HttpUpload&) = delete;
    virtual ~HttpUpload() = default;

    /// The next piece. A response refuses the rest.
    virtual std::optional<HttpResponse> write(std::string_view piece) = 0;
    virtual void finish(HttpReply reply) = 0;
};

struct HttpIntoMemory {};
/// The destination of a request's body, chosen by its head. An HttpResponse refuses it unread.
using HttpIntake = std::variant<HttpIntoMemory, HttpResponse, std::unique_ptr<HttpUpload>>;

using HttpRecognize = std::function<HttpRecognized(const HttpRequest& head)>;

struct HttpService {
    HttpRecognize recognize = {};  ///< Called once per request. Empty: no caller is recognized.
    /// Empty: no request may have a body.
    std::function<HttpIntake(const HttpRequest& head)> intake;
    std::function<void(HttpRequest, HttpReply)> answer;
};

}  // namespace storm::net
