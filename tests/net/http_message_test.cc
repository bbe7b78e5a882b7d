// Answers are good JSON whatever they quote.

#include "net/http_message.h"

#include <string>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace storm::net {
namespace {

TEST(HttpResponse, AnErrorIsGoodJsonWhateverItQuotes) {
    const std::string quoted = "no \"a\\b\n\x01\xff\"";

    const HttpResponse made = HttpResponse::error(404, quoted, "try \xc3\xa4 and \xfe");

    const auto body = nlohmann::json::parse(made.body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << made.body;
    EXPECT_EQ(body["error"], "no \"a\\b\n\x01\xef\xbf\xbd\"");
    EXPECT_EQ(body["hint"], "try \xc3\xa4 and \xef\xbf\xbd");
}

TEST(HttpResponse, AnErrorWithoutAHintSaysWhyAlone) {
    EXPECT_EQ(HttpResponse::error(507, "no space").body, "{\"error\": \"no space\"}\n");
}

}  // namespace
}  // namespace storm::net
