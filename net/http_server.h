// An HTTP/1.1 server for metrics and health of a process, and for the daemons' interfaces.
//
//     auto server = HttpServer::listen(9090, [](const HttpRequest& request) {
//         if (request.target != "/health") return HttpResponse::error(404, "no such page");
//         return HttpResponse{.content_type = "application/json", .body = R"({"status":"ok"})"};
//     });
//
// It binds 127.0.0.1 unless told otherwise, and answers only requests whose Host is the name or
// address that it was told, or this machine's own: so no web page can reach it under a name that
// the page controls.
//
//     head ──► recognize ──► intake ──► into memory ──► answer ──► response
//                  │            ├─────► HttpUpload, piece by piece ──► finish ──► response
//                  └────────────┴─────► refused: response, without reading the body
//
// A client that has proved the token by Digest gets a proof with each response. The body of its
// request is compared with the hash in its head before the request is answered; an HttpUpload must
// itself compare it with what its path names.
//
// Threads: a thread of its own calls the handler, one request at a time; or everything runs on the
//          thread of the io_context that it is given. A slow client or a late answer delays nobody
//          else. The destructor waits for a handler that is running.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_message.h"
#include "net/http_service.h"

namespace boost::asio {
class io_context;
}

namespace storm::net {

/// A std::exception from it becomes a 500 and a line in the log.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;        ///< 0: any free port.
    bool beyond_loopback = false;  ///< Allows a `host` that other machines can reach.
};

class HttpServer {
public:
    /// Serves on a thread of its own, on 127.0.0.1. Port 0: any free port. Bodies are read into
    /// memory.
    static base::Result<std::unique_ptr<HttpServer>> listen(std::uint16_t port, HttpHandler handler,
                                                            HttpRecognize recognize = {});
    /// Serves on the thread that runs `io`, which must outlive this.
    static base::Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io,
                                                            const HttpAddress& address,
                                                            HttpService service);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    std::uint16_t port() const;

private:
    struct State;
    struct OwnThread;
    HttpServer(std::unique_ptr<OwnThread> own, std::shared_ptr<State> state);

    std::unique_ptr<OwnThread> own_;  // Declared before the state, which lives in its io_context.
    std::shared_ptr<State> state_;
};

}  // namespace storm::net
