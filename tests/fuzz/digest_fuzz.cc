// Whatever comes in the headers of Digest is refused or read, and what is read can be written and
// read again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "net/digest.h"
#include "net/digest_nonces.h"

namespace {

class NoClock final : public storm::base::Clock {
public:
    storm::base::Micros now() const override { return 0; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
    namespace net = storm::net;
    const std::string text(bytes, bytes + count);
    static_cast<void>(net::is_digest(text));
    if (const auto read = net::digest_challenge(text)) {
        const auto again = net::digest_challenge(to_header(*read));
        STORM_CHECK(again && again->nonce == read->nonce && again->realm == read->realm &&
                        again->stale == read->stale,
                    "a challenge survives");
    }
    if (const auto read = net::digest_credentials(text)) {
        const auto again = net::digest_credentials(to_header(*read));
        STORM_CHECK(again && again->uri == read->uri && again->proof == read->proof &&
                        again->turn.nonce == read->turn.nonce && again->turn.nc == read->turn.nc &&
                        again->turn.cnonce == read->turn.cnonce,
                    "credentials survive");
        const NoClock clock;
        STORM_CHECK(!net::DigestNonces(clock, "of this process").read(read->turn.nonce),
                    "nobody makes up a nonce");
    }
    if (const auto read = net::digest_info(text)) {
        const auto again = net::digest_info(to_header(*read, {}));
        STORM_CHECK(again && again->proof == read->proof && again->next_nonce == read->next_nonce &&
                        again->of_body == read->of_body,
                    "what an answer proves survives");
    }
    return 0;
}
