// Who may.

#include "net/access.h"

#include <string>

#include <gtest/gtest.h>

namespace storm::net {
namespace {

int status_of(const std::string& header, const std::string& token = "secret") {
    HttpRequest request;
    if (!header.empty()) request.headers["authorization"] = header;
    const auto refused = refuse_without(Access::kChange, request, {token, {}}, "ask the operator");
    if (!refused) return 200;
    EXPECT_EQ(refused->headers.at("WWW-Authenticate"), "Bearer");
    EXPECT_NE(refused->body.find("ask the operator"), std::string::npos);
    EXPECT_EQ(refused->body.find("secret"), std::string::npos);
    return refused->status;
}

TEST(Access, OnlyTheOneItIsLetsIn) {
    EXPECT_EQ(status_of("Bearer secret"), 200);
    EXPECT_EQ(status_of("bEARER secret"), 200);
    for (const char* const wrong :
         {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer  secret",
          "Bearer Secret", "bearers secret", "Basic secret", "secret", " Bearer secret"}) {
        EXPECT_EQ(status_of(wrong), 401) << '"' << wrong << '"';
    }
}

TEST(Access, AnEmptyOneLetsNobodyIn) {
    EXPECT_EQ(status_of("Bearer ", ""), 401);
    EXPECT_EQ(status_of("", ""), 401);
}

TEST(Access, TheOneForReadingChangesNothing) {
    const Tokens tokens = {"secret", "peek"};
    HttpRequest request;
    request.headers["authorization"] = "Bearer peek";

    EXPECT_EQ(access_of(request, tokens), Access::kRead);
    EXPECT_FALSE(refuse_without(Access::kRead, request, tokens, "").has_value());
    EXPECT_EQ(refuse_without(Access::kChange, request, tokens, "")->status, 403);
    EXPECT_EQ(access_of(request, {"secret", {}}), Access::kOpen);
    request.headers["authorization"] = "Bearer secret";
    EXPECT_EQ(access_of(request, tokens), Access::kChange);
    request.headers["authorization"] = "Bearer wrong";
    EXPECT_EQ(access_of(request, tokens), Access::kOpen);
    EXPECT_EQ(refuse_without(Access::kRead, request, tokens, "")->status, 401);
}

}  // namespace
}  // namespace storm::net
