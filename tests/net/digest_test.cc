// Proofs are those of RFC 7616, and headers survive being written and read. Method: the values of
// the RFC.

#include "net/digest.h"

#include <string>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "net/limits.h"

namespace storm::net {
namespace {

TEST(Digest, ProvesWhatTheRfcSays) {
    // Section 3.9.1.
    const std::string key = digest_key({"Mufasa", "http-auth@example.org", "Circle of Life"});
    const DigestTurn turn = {"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", 1,
                             "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};

    EXPECT_EQ(digest_proof(key, turn, {"GET", "/dir/index.html", ""}),
              "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST(Digest, ProvesBodiesOfRequestsAndAnswers) {
    // Computed by Python's hashlib.
    const std::string key = digest_key({.token = "secret"});
    const DigestTurn turn = {"nonce", 10, "cnonce"};

    EXPECT_EQ(digest_proof(key, turn, {"POST", "http://a:1/t", base::sha256("body")}),
              "90c914849ec693f47543f89d6f01d372ba6f48eab5119913aa7805740842eeb7");
    EXPECT_EQ(digest_proof(key, turn, {"", "http://a:1/t", base::sha256("answer")}),
              "c315ee46b17233f06bc3f6e8eb65e1ced8be0d6607b62d7af75e84a5c103d296");
}

TEST(Digest, ReadsTheChallengeOfTheRfcOnlyIfItProvesBodies) {
    const std::string challenge =
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, "
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/q\"";

    const auto read = digest_challenge(challenge);

    ASSERT_TRUE(read);
    EXPECT_EQ(read->realm, "http-auth@example.org");
    EXPECT_EQ(read->nonce, "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
    EXPECT_FALSE(read->stale);
    for (const char* const useless :
         {"Digest realm=r, qop=\"auth\", algorithm=SHA-256, nonce=n",
          "Digest realm=r, qop=\"auth-int\", algorithm=MD5, nonce=n",
          "Digest realm=r, qop=\"auth-int\", nonce=n",
          "Digest realm=r, qop=\"auth-int\", algorithm=SHA-256", "Bearer", "", "Digest"}) {
        EXPECT_FALSE(digest_challenge(useless)) << useless;
    }
}

TEST(Digest, HeadersAreReadAsTheyWereWritten) {
    const auto challenge =
        digest_challenge("Bearer, " + to_header(DigestChallenge{"a \"b\" \\", "n", true}));
    ASSERT_TRUE(challenge);
    EXPECT_EQ(challenge->realm, "a \"b\" \\");
    EXPECT_EQ(challenge->nonce, "n");
    EXPECT_TRUE(challenge->stale);

    const auto credentials = digest_credentials(to_header(
        DigestCredentials{"storm", "r", "http://a:1/t?x=\"y\",z", {"n", 0xab, "c"}, "p"}));
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->user, "storm");
    EXPECT_EQ(credentials->realm, "r");
    EXPECT_EQ(credentials->uri, "http://a:1/t?x=\"y\",z");
    EXPECT_EQ(credentials->turn.nonce, "n");
    EXPECT_EQ(credentials->turn.nc, 0xabU);
    EXPECT_EQ(credentials->turn.cnonce, "c");
    EXPECT_EQ(credentials->proof, "p");

    const auto info = digest_info(to_header(DigestInfo{"p", "next", false}, {"n", 1, "c"}));
    ASSERT_TRUE(info);
    EXPECT_EQ(info->proof, "p");
    EXPECT_EQ(info->next_nonce, "next");
    EXPECT_FALSE(info->of_body);
    EXPECT_TRUE(digest_info("rspauth=\"p\", qop=auth-int")->of_body);
}

TEST(Digest, MalformedCredentialsAreNone) {
    const std::string good =
        "Digest username=\"storm\", realm=\"r\", uri=\"/\", algorithm=SHA-256, nonce=\"n\", "
        "nc=00000001, cnonce=\"c\", qop=auth-int, response=\"p\"";
    ASSERT_TRUE(digest_credentials(good));
    ASSERT_TRUE(digest_credentials("dIGEST" + good.substr(6) + " ,, opaque = x"));
    const auto with = [&good](const std::string& old, const std::string& changed) {
        std::string made = good;
        return made.replace(made.find(old), old.size(), changed);
    };
    for (const std::string& bad : {std::string(),
                                   std::string("Digest"),
                                   std::string("Digest "),
                                   std::string("Digest ="),
                                   std::string("Digest \""),
                                   std::string("Digest x=\"\\"),
                                   std::string("Basic Og=="),
                                   std::string("Digest a=b c"),
                                   "Bearer, " + good,
                                   good + ", " + good,
                                   good + " x",
                                   good + ", nc=00000002",
                                   good + ", x=\"open",
                                   good + ", x=\"a\nb\"",
                                   good + ", x=\xff",
                                   good + ", x=",
                                   "realm=x, " + good,
                                   "Digest" + good.substr(7),
                                   with("nc=00000001", "nc=1"),
                                   with("nc=00000001", "nc=0000000g"),
                                   with("nc=00000001", "nc=+0000001"),
                                   with("nc=00000001", "nc=000000001"),
                                   with("nc=00000001, ", ""),
                                   with("qop=auth-int", "qop=auth"),
                                   with(", qop=auth-int", ""),
                                   with("SHA-256", "MD5"),
                                   with("SHA-256", "SHA-256-sess"),
                                   with("\"storm\"", "\"\""),
                                   with("cnonce=\"c\", ", ""),
                                   with("response=\"p\"", "response="),
                                   with("uri=\"/\"", "uri=/")}) {
        EXPECT_FALSE(digest_credentials(bad)) << bad;
    }
    for (const char* const bad :
         {"", "rspauth", "rspauth=", "rspauth=\"\", qop=auth-int", "qop=auth-int",
          "rspauth=\"p\", qop=x", "rspauth=\"p\"", "Digest rspauth=\"p\", qop=auth-int"}) {
        EXPECT_FALSE(digest_info(bad)) << bad;
    }
    // As long as a server lets a header be.
    std::string many = "Digest a=b";
    while (many.size() < kHttpHeaderBytesMax) many += ", p" + std::to_string(many.size()) + "=x";
    EXPECT_FALSE(digest_credentials(many));
}

TEST(Digest, KnowsItsSchemeHoweverMalformed) {
    for (const char* const is : {"Digest", "digest x", "DIGEST =,"}) EXPECT_TRUE(is_digest(is));
    for (const char* const other : {"", "Bearer x", "Digestive x", "Dig"}) {
        EXPECT_FALSE(is_digest(other)) << other;
    }
}

}  // namespace
}  // namespace storm::net
