#include "worker/transport/authentication.h"

#include <array>

#include "base/sha256.h"

namespace storm::worker {

namespace {

// Signed along with the fields, so a proof of one kind cannot serve as another. The words, and the
// order of the fields below, are part of the wire format.
const char* name_of(Statement::Kind kind) {
    switch (kind) {
        case Statement::Kind::kChallenge:
            return "accept";
        case Statement::Kind::kProof:
            return "dial";
        case Statement::Kind::kReady:
            return "ready";
    }
    return "";
}

}  // namespace

std::string proof_of(const Statement& statement, std::string_view secret, const wire::Hello& dialer,
                     const wire::Hello& acceptor) {
    std::string said = name_of(statement.kind);
    const std::array<std::uint64_t, 4> fields = {statement.received, statement.fenced ? 1U : 0U,
                                                 statement.succeeded ? 1U : 0U, statement.live};
    said.append(reinterpret_cast<const char*>(fields.data()), sizeof(fields));
    said += wire::write_frame(dialer) + wire::write_frame(acceptor);
    return base::hmac_sha256(secret, said);
}

}  // namespace storm::worker
