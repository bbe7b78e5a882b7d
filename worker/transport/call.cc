#include "worker/transport/call.h"

#include <utility>

#include "base/secret.h"
#include "worker/transport/authentication.h"

namespace storm::worker {
namespace {

// The text may come from anybody, and ends up in the log.
std::string printable(std::string text) {
    for (char& letter : text) {
        if (letter < ' ' || letter > '~') letter = '?';
    }
    return text;
}

bool speaks_with(const wire::Hello& hello) {
    return hello.protocol_min <= wire::kProtocolMax && hello.protocol_max >= wire::kProtocolMin;
}

Call::Step refused(std::string why) {
    return {.kind = Call::Step::Kind::kRefused, .why = std::move(why), .proof = {}};
}

}  // namespace

// A new nonce for each call, so an answer that somebody has recorded proves nothing.
const wire::Hello& Call::begin() {
    hello_ = {.worker = own_.worker,
              .features = 0,
              .incarnation = own_.incarnation,
              .topology = own_.topology,
              .nonce = base::random_bytes(wire::kNonceBytes),
              .epoch = members_.epoch()};
    greeted_ = 0;
    return hello_;
}

Call::Step Call::take(const wire::Frame& frame, bool writing) {
    if (const auto* const answer = std::get_if<wire::Refused>(&frame))
        return refused("a worker refuses: " + printable(answer->why));
    if (const auto* const challenge = std::get_if<wire::Challenge>(&frame))
        return take(*challenge, writing);
    if (greeted_ == 0) return refused("a worker does not answer the hello with a challenge");
    if (const auto* const ready = std::get_if<wire::Ready>(&frame)) return take(*ready);
    return refused("a worker does not answer the proof with ready");
}

Call::Step Call::take(const wire::Challenge& challenge, bool writing) {
    const wire::Hello& theirs = challenge.hello;
    if (greeted_ != 0 || theirs.worker != worker_ || theirs.topology != own_.topology ||
        theirs.incarnation == 0 || theirs.nonce.size() != wire::kNonceBytes) {
        return refused("another worker answers at the address of this one");
    }
    if (!speaks_with(theirs))
        return refused("a worker speaks no protocol version that this one speaks");
    if (writing) return refused("a worker answers before the hello is sent");
    // Up to here all are claims. Only from here on may anything of the peer be kept.
    if (!base::same_secret(challenge.mac, proof_of({}, own_.secret, hello_, theirs)))
        return refused("a worker does not know the topology's secret");
    said_ = members_.standing(worker_, theirs.incarnation);
    said_.epoch = hello_.epoch;  // The epoch that the peer has been told in the hello.
    const std::uint64_t received = members_.link(worker_).received_from(theirs.incarnation);
    const Statement statement{Statement::Kind::kProof, received, said_.fenced, said_.succeeded,
                              said_.live};
    greeted_ = theirs.incarnation;
    theirs_ = theirs;
    // Answered even if the peer is fenced: it may know that we are.
    return {.kind = Step::Kind::kProve,
            .why = {},
            .proof = wire::Proof{.mac = proof_of(statement, own_.secret, hello_, theirs),
                                 .received = received,
                                 .fenced = said_.fenced,
                                 .succeeded = said_.succeeded,
                                 .live = said_.live}};
}

Call::Step Call::take(const wire::Ready& ready) {
    const Statement statement{Statement::Kind::kReady, ready.received, ready.fenced,
                              ready.succeeded, ready.live};
    if (!base::same_secret(ready.mac, proof_of(statement, own_.secret, hello_, theirs_)))
        return refused("a worker does not know the topology's secret");
    // Both sides judge by the same two statements, so they agree about which of them must end.
    if (said_.fenced || ready.fenced) {
        const Standing theirs{ready.fenced, ready.succeeded, ready.live, theirs_.epoch, worker_};
        return {.kind = Step::Kind::kOver,
                .why = "one of the two is fenced, and must end",
                .proof = {},
                .superseded = must_end(said_, theirs)};
    }
    // Another worker may have had the peer fenced meanwhile. It learns so at its next attempt.
    if (members_.link(worker_).judge(greeted_) == Link::Verdict::kFenced) {
        return {
            .kind = Step::Kind::kOver, .why = "it was fenced during the handshake", .proof = {}};
    }
    return {.kind = Step::Kind::kUp,
            .why = {},
            .proof = {},
            .incarnation = greeted_,
            .received = ready.received,
            .epoch = theirs_.epoch};
}

}  // namespace storm::worker
