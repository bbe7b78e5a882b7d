// The proof that an answer comes from a server that knows the token, and is what it said to this
// very request. Two headers carry it:
//
//     Authentication-Info: rspauth="…"      Digest's own, over the body (RFC 7616, 3.5)
//     Storm-Answer-Proof: 64 hex digits     over status, the headers X-Storm-… and body
//
//     HMAC-SHA256(key, lines): a label, nonce, nc, cnonce, uri, status, H(body), and
//     "name: value" of each X-Storm-… header, one a line
//
// Digest does not cover the status, so a relay could turn a 404 into a 200. Our own programs
// believe an answer only with both headers; other clients can do with rspauth.
//
// Threads: plain values.
#pragma once

#include <string>

#include "base/result.h"
#include "net/digest.h"
#include "net/http_message.h"

namespace storm::net {

/// Adds both headers. `body_sha256` is that of the bytes sent, so of none for a HEAD. If it is
/// empty, the body comes from a file and is not proved.
void prove_answer(const DigestReceipt& receipt, const std::string& body_sha256,
                  HttpResponse& answer);
/// An error says which proof is missing or wrong.
base::Result<DigestInfo> proved_answer(const HttpResponse& answer, const std::string& key,
                                       const DigestCredentials& shown);

}  // namespace storm::net
