// Proofs of the handshake: whatever differs from what was said makes another proof.
#include "worker/transport/authentication.h"

#include <set>

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

wire::Hello hello(std::uint32_t worker, char nonce) {
    return {.worker = worker,
            .incarnation = 1,
            .topology = "wc-1-1",
            .nonce = std::string(wire::kNonceBytes, nonce)};
}

TEST(Authentication, AProofHoldsForExactlyWhatWasSaid) {
    using Kind = Statement::Kind;
    const wire::Hello dialer = hello(0, 'a');
    const wire::Hello acceptor = hello(1, 'b');
    std::set<std::string> proofs;
    std::size_t made = 0;
    const auto prove = [&](const Statement& statement, std::string_view secret,
                           const wire::Hello& d, const wire::Hello& a) {
        proofs.insert(proof_of(statement, secret, d, a));
        ++made;
    };
    prove({}, "secret", dialer, acceptor);
    prove({}, "secrets", dialer, acceptor);
    prove({}, "", dialer, acceptor);
    prove({}, "secret", acceptor, dialer);  // Played back at its maker.
    prove({Kind::kProof, 0, false}, "secret", dialer, acceptor);
    prove({Kind::kProof, 1, false}, "secret", dialer, acceptor);
    prove({Kind::kProof, 0, true}, "secret", dialer, acceptor);
    prove({Kind::kReady, 0, false}, "secret", dialer, acceptor);
    prove({Kind::kReady, 0, true}, "secret", dialer, acceptor);
    for (int i = 0; i < 6; ++i) {
        wire::Hello other = dialer;
        if (i == 0) other.worker = 2;
        if (i == 1) other.incarnation = 2;
        if (i == 2) other.topology = "wc-1-2";
        if (i == 3) other.nonce.back() = 'c';
        if (i == 4) other.protocol_max = 9;
        if (i == 5) other.features = 1;
        prove({}, "secret", other, acceptor);
    }

    EXPECT_EQ(proofs.size(), made);
    EXPECT_EQ(proof_of({}, "secret", dialer, acceptor), proof_of({}, "secret", dialer, acceptor));
}

}  // namespace
}  // namespace storm::worker
