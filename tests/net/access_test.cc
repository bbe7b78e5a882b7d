// Access by the token, or by a proof of it. Method: heads of requests as values, and a clock that
// the test moves.

#include "net/access.h"

#include <string>
#include <utility>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "net/limits.h"
#include "tests/support/sanitized.h"
#include "tests/support/stopped_clock.h"

namespace storm::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccessTest : public ::testing::Test {
protected:
    /// Status of the answer to a request that needs `wanted`; 0: it is allowed.
    int status_of(const std::string& header, Access wanted = Access::kChange) {
        HttpRequest request;
        if (!header.empty()) request.headers["authorization"] = header;
        auto found = door_.recognize(request);
        if (const auto* refused = std::get_if<HttpResponse>(&found)) return refused->status;
        request.caller = std::get<HttpCaller>(found);
        const auto refused = door_.refuse_without(wanted, request, "ask the operator");
        return refused ? refused->status : 0;
    }

    std::string nonce() {
        const auto refused = door_.refuse_without(Access::kChange, {}, "");
        return digest_challenge(refused->headers.at("WWW-Authenticate"))->nonce;
    }
    /// A change of the target "/t" with the body "body", proved for that of `proved`.
    static HttpRequest change(const DigestTurn& turn, const std::string& token = "secret",
                              const DigestSubject& proved = {"POST", "http://a:1/t",
                                                             base::sha256("body")}) {
        HttpRequest request;
        request.method = "POST";
        request.target = "/t";
        request.headers["host"] = "a:1";
        request.headers["storm-content-sha256"] = base::sha256("body");
        DigestCredentials shown;
        shown.uri = proved.uri;
        shown.turn = turn;
        shown.proof = digest_proof(digest_key({.token = token}), turn, proved);
        request.headers["authorization"] = to_header(shown);
        return request;
    }
    /// "": it may all; "read"; "stale" or "refused".
    std::string judged(const HttpRequest& request) {
        auto found = door_.recognize(request);
        if (const auto* caller = std::get_if<HttpCaller>(&found)) {
            EXPECT_TRUE(caller->receipt);
            return caller->access == Access::kChange ? "" : "read";
        }
        const auto& refused = std::get<HttpResponse>(found);
        EXPECT_EQ(refused.status, 401);
        const auto challenge = digest_challenge(refused.headers.at("WWW-Authenticate"));
        return challenge->stale ? "stale" : "refused";
    }

    storm::testing::StoppedClock clock_;
    Tokens tokens_{"secret", "peek"};
    Doorkeeper door_{[this] { return tokens_; }, clock_, "of nonces"};
};

TEST_F(AccessTest, OnlyTheTokenItselfLetsIn) {
    EXPECT_EQ(status_of("Bearer secret"), 0);
    EXPECT_EQ(status_of("bEARER secret"), 0);
    for (const char* header :
         {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer  secret",
          "Bearer Secret", "bearers secret", "Basic secret", "secret", " Bearer secret"}) {
        EXPECT_EQ(status_of(header), 401) << header;
    }
}

TEST_F(AccessTest, AnEmptyTokenLetsNobodyIn) {
    const DigestTurn turn = {nonce(), 1, "c"};
    tokens_ = {};
    EXPECT_EQ(status_of("Bearer "), 401);
    EXPECT_EQ(std::get<HttpCaller>(door_.recognize(change(turn, ""))).access, Access::kOpen);
    tokens_ = {"", "peek"};
    EXPECT_EQ(judged(change(turn, "")), "refused");
}

TEST_F(AccessTest, TheTokenForReadingChangesNothing) {
    EXPECT_EQ(status_of("Bearer peek", Access::kRead), 0);
    EXPECT_EQ(status_of("Bearer peek"), 403);
    EXPECT_EQ(judged(change({nonce(), 1, "c"}, "peek")), "read");
    tokens_.readonly.clear();
    EXPECT_EQ(status_of("Bearer peek", Access::kRead), 401);
}

TEST_F(AccessTest, ARefusalOffersBothWays) {
    const auto refused = door_.refuse_without(Access::kChange, {}, "ask the operator");

    EXPECT_THAT(refused->body, HasSubstr("ask the operator"));
    const std::string offer = refused->headers.at("WWW-Authenticate");
    EXPECT_TRUE(
        offer.starts_with("Bearer, Digest realm=\"storm\", qop=\"auth-int\", "
                          "algorithm=SHA-256, nonce=\""))
        << offer;
    EXPECT_THAT(offer, Not(HasSubstr("stale")));
}

TEST_F(AccessTest, AProofIsGoodOnce) {
    const HttpRequest request = change({nonce(), 1, "c"});

    EXPECT_EQ(judged(request), "");
    EXPECT_EQ(judged(request), "stale");
    EXPECT_EQ(judged(request), "stale");
}

TEST_F(AccessTest, ANonceCountsUpwards) {
    const std::string first = nonce();
    EXPECT_EQ(judged(change({first, 3, "c"})), "");
    EXPECT_EQ(judged(change({first, 2, "c"})), "stale");
    EXPECT_EQ(judged(change({first, 3, "d"})), "stale");
    EXPECT_EQ(judged(change({first, 4, "c"})), "");
}

TEST_F(AccessTest, ANonceOfOthersOrOfLongAgoIsReplaced) {
    const std::string old = nonce();
    clock_.advance(kDigestNonceLife);

    EXPECT_EQ(judged(change({old, 1, "c"})), "stale");
    Doorkeeper other([this] { return tokens_; }, clock_, "of other nonces");
    const auto refused = other.refuse_without(Access::kChange, {}, "");
    const auto theirs = digest_challenge(refused->headers.at("WWW-Authenticate"));
    EXPECT_EQ(judged(change({theirs->nonce, 1, "c"})), "stale");
    EXPECT_EQ(judged(change({"made-up", 1, "c"})), "stale");
}

TEST_F(AccessTest, AProofIsOfItsMethodTargetHostAndBody) {
    const std::string body = base::sha256("body");
    EXPECT_EQ(judged(change({nonce(), 1, "c"}, "secret", {"POST", "/t", body})), "")
        << "as others write it";
    for (const DigestSubject& wrong :
         {DigestSubject{"GET", "http://a:1/t", body}, DigestSubject{"POST", "http://a:1/x", body},
          DigestSubject{"POST", "http://b:1/t", body}, DigestSubject{"POST", "http://a:2/t", body},
          DigestSubject{"POST", "a:1/t", body}, DigestSubject{"POST", "http://a:1/t", ""},
          DigestSubject{"POST", "http://a:1/t", base::sha256("other")}}) {
        EXPECT_EQ(judged(change({nonce(), 1, "c"}, "secret", wrong)), "refused")
            << wrong.method << ' ' << wrong.uri;
    }
    // Changed after it was proved.
    const auto changed = [this](const char* header, const std::string& value) {
        HttpRequest request = change({nonce(), 1, "c"});
        request.headers[header] = value;
        return judged(request);
    };
    EXPECT_EQ(changed("host", "b:1"), "refused");
    EXPECT_EQ(changed("storm-content-sha256", base::sha256("other")), "refused");
    HttpRequest elsewhere = change({nonce(), 1, "c"});
    elsewhere.target = "/x";
    EXPECT_EQ(judged(elsewhere), "refused");
    // Parts that could be divided in two ways when joined are refused.
    HttpRequest shifted = change({nonce(), 1, "c"}, "secret", {"POST", "http", "//a:1/t:" + body});
    shifted.target = "http";
    shifted.headers["storm-content-sha256"] = "//a:1/t:" + body;
    EXPECT_EQ(judged(shifted), "refused");
}

TEST_F(AccessTest, WhoDoesNotKnowTheTokenCostsNoMemoryAndNoTurn) {
    const std::string first = nonce();

    EXPECT_EQ(judged(change({first, 1, "c"}, "wrong")), "refused");
    EXPECT_EQ(judged(change({first, 9, "c"}, "")), "refused");

    EXPECT_EQ(judged(change({first, 1, "c"})), "");
}

TEST_F(AccessTest, ADigestThatProvesNothingIsAskedForAProof) {
    for (const char* header :
         {"Digest", "digest nonsense", "Digest realm=\"storm\"", "Digest \""}) {
        EXPECT_EQ(status_of(header, Access::kOpen), 401) << header;
    }
}

TEST_F(AccessTest, ANewNonceComesBeforeTheOldOneIsUseless) {
    const std::string first = nonce();
    const auto next = [&](std::uint32_t nc) {
        const auto found = door_.recognize(change({first, nc, "c"}));
        return std::get<HttpCaller>(found).receipt->next_nonce;
    };

    EXPECT_EQ(next(1), "");
    clock_.advance(kDigestNonceLife / 2);
    const std::string given = next(2);
    clock_.advance(kDigestNonceLife / 2);

    EXPECT_EQ(judged(change({first, 3, "c"})), "stale");
    EXPECT_EQ(judged(change({given, 1, "c"})), "");
}

TEST_F(AccessTest, AnOlderNonceIsOverOnceTheNextOneWasUsed) {
    const std::string first = nonce();
    clock_.advance(kDigestNonceLife / 2);
    const auto found = door_.recognize(change({first, 1, "c"}));
    const std::string next = std::get<HttpCaller>(found).receipt->next_nonce;

    EXPECT_EQ(judged(change({first, 2, "c"})), "");
    EXPECT_EQ(judged(change({next, 1, "c"})), "");
    EXPECT_EQ(judged(change({first, 3, "c"})), "stale");
    EXPECT_EQ(judged(change({next, 2, "c"})), "");
}

TEST_F(AccessTest, WhoMayReadKeepsNobodyOutWithAFloodOfRequests) {
    const std::string full = nonce();
    std::string other_reader = nonce();
    std::uint32_t turn = 0;
    int again = 0;
    // All of them would take a minute under thread sanitizing, which has nothing to find here.
    const int requests = testing::kThreadSanitized ? 10'000 : 100'000;
    for (int i = 1; i <= requests; ++i) {
        clock_.advance(50);
        ASSERT_EQ(judged(change({nonce(), 1, "c"}, "peek")), "read");
        if (i % 1'000 != 0) continue;
        ASSERT_EQ(judged(change({full, ++turn, "c"})), "");
        if (judged(change({other_reader, turn, "c"}, "peek")) == "read") continue;
        ++again;
        other_reader = nonce();
        ASSERT_EQ(judged(change({other_reader, turn, "c"}, "peek")), "read");
    }
    EXPECT_LE(again, 3) << "once for each time that the readers' book was filled";
}

}  // namespace
}  // namespace storm::net
