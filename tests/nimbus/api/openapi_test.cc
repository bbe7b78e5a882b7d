// Goal:   the OpenAPI document says what the server has, no more and no less, and docs/http-api.md
//         has the same paths.
// Method: compares it with the table of routes.

#include "nimbus/api/openapi.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "nimbus/api/api.h"

namespace storm::nimbus {
namespace {

using nlohmann::json;

json document() {
    return json::parse(kOpenApi);
}

std::string lower(std::string_view text) {
    std::string lowered;
    for (const char letter : text) lowered += static_cast<char>(std::tolower(letter));
    return lowered;
}

TEST(OpenApi, HasTheRoutesOfTheServer) {
    std::set<std::string> served;
    for (const net::RoutePattern& route : Api::routes()) {
        served.insert(lower(route.method) + ' ' + std::string(route.path));
    }
    std::set<std::string> documented;
    const json paths = document().at("paths");
    for (const auto& [path, item] : paths.items()) {
        for (const auto& [method, operation] : item.items()) {
            if (method != "parameters") documented.insert(method + ' ' + path);
        }
    }
    EXPECT_EQ(documented, served);
}

TEST(OpenApi, WantsATokenForWhateverChangesSomething) {
    const json paths = document().at("paths");
    for (const auto& [path, item] : paths.items()) {
        for (const auto& [method, operation] : item.items()) {
            if (method == "parameters") continue;
            const bool reads = method == "get" || method == "head";
            if (reads && !operation.contains("security")) continue;
            ASSERT_TRUE(operation.contains("security")) << method << ' ' << path;
            const auto& ways = operation.at("security");
            const bool optional = std::count(ways.begin(), ways.end(), json::object()) > 0;
            EXPECT_EQ(optional, reads) << method << ' ' << path;
        }
    }
}

void check_references(const json& part, const json& whole) {
    if (part.is_object() && part.contains("$ref")) {
        const std::string target = part["$ref"].get<std::string>().substr(1);
        EXPECT_TRUE(whole.contains(json::json_pointer(target))) << target;
    }
    for (const json& inner : part) {
        if (inner.is_structured()) check_references(inner, whole);
    }
}

TEST(OpenApi, RefersToNothingThatIsMissing) {
    const json whole = document();
    EXPECT_EQ(whole.at("openapi"), "3.0.3");
    check_references(whole, whole);
}

TEST(OpenApi, HasAnOperationIdForEach) {
    std::set<std::string> ids;
    std::size_t operations = 0;
    const json paths = document().at("paths");
    for (const auto& [path, item] : paths.items()) {
        for (const auto& [method, operation] : item.items()) {
            if (method == "parameters") continue;
            ++operations;
            ids.insert(operation.at("operationId").get<std::string>());
        }
    }
    EXPECT_EQ(ids.size(), operations);
}

}  // namespace
}  // namespace storm::nimbus
