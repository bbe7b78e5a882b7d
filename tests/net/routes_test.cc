// Goal:   every interface answers a path and a method in the same way.
// Method: one table, asked for all that it has and much that it has not.

#include "net/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Route {
    std::string_view method;
    std::string_view path;
    int number = 0;
};

const RouteTable<Route>& table() {
    static const RouteTable<Route> kTable({{"GET", "/health", 1},
                                           {"GET", "/t", 2},
                                           {"POST", "/t", 3},
                                           {"GET", "/t/{name}", 4},
                                           {"POST", "/t/{name}/kill", 5},
                                           {"GET", "/logs/{id}/{number}/{stream}", 6},
                                           {"PUT", "/blobs/{hash}", 7},
                                           {"HEAD", "/blobs/{hash}", 8}});
    return kTable;
}

HttpRequest request(std::string method, std::string target) {
    HttpRequest made;
    made.method = std::move(method);
    made.target = std::move(target);
    return made;
}

/// The route's number; else the status, below zero.
int number_of(const std::string& method, const std::string& target) {
    const auto found = table().find(request(method, target));
    if (const auto* const refused = std::get_if<HttpResponse>(&found)) return -refused->status;
    return std::get<RouteTable<Route>::Found>(found).route->number;
}

RouteArguments arguments_of(const std::string& method, const std::string& target) {
    return std::get<RouteTable<Route>::Found>(table().find(request(method, target))).arguments;
}

HttpResponse refusal_of(const std::string& method, const std::string& target) {
    return std::get<HttpResponse>(table().find(request(method, target)));
}

TEST(Routes, PathAndMethodChoose) {
    EXPECT_EQ(number_of("GET", "/health"), 1);
    EXPECT_EQ(number_of("GET", "/t"), 2);
    EXPECT_EQ(number_of("POST", "/t"), 3);
    EXPECT_EQ(number_of("GET", "/t/wc"), 4);
    EXPECT_EQ(number_of("POST", "/t/wc/kill"), 5);
}

TEST(Routes, AQueryBelongsToNoPath) {
    EXPECT_EQ(number_of("GET", "/health?a=/t"), 1);
    EXPECT_THAT(arguments_of("GET", "/t/wc?x=1"), ElementsAre("wc"));
}

TEST(Routes, EachPartInBracesIsAnArgument) {
    EXPECT_THAT(arguments_of("GET", "/health"), IsEmpty());
    EXPECT_THAT(arguments_of("GET", "/logs/wc-1/0/stdout"), ElementsAre("wc-1", "0", "stdout"));
}

TEST(Routes, APathThatDoesNotFitInFullIsNotThere) {
    for (const char* const target :
         {"/", "", "/healthy", "/health/", "/t/", "/t//kill", "/t/wc/", "/t/wc/kill/now",
          "/logs/wc-1/0", "/logs/wc-1//stdout", "/logs/wc-1/0/std/out", "health", "*"}) {
        EXPECT_EQ(number_of("GET", target), -404) << target;
    }
}

TEST(Routes, HeadIsAllowedWhereGetIs) {
    EXPECT_EQ(number_of("HEAD", "/health"), 1);
    EXPECT_EQ(number_of("HEAD", "/t/wc"), 4);
    EXPECT_EQ(number_of("HEAD", "/blobs/a"), 8);
    EXPECT_EQ(number_of("HEAD", "/t/wc/kill"), -405);
}

TEST(Routes, ARefusedMethodNamesThoseThatAreAllowed) {
    EXPECT_EQ(refusal_of("DELETE", "/t").status, 405);
    EXPECT_EQ(refusal_of("DELETE", "/t").headers.at("Allow"), "GET, HEAD, POST");
    EXPECT_EQ(refusal_of("GET", "/blobs/a").headers.at("Allow"), "PUT, HEAD");
    EXPECT_THAT(refusal_of("DELETE", "/health").body, HasSubstr("allowed: GET, HEAD"));
}

TEST(Query, IsTakenApartByKey) {
    EXPECT_THAT(query_of("/logs?offset=-5&bytes=10"),
                ElementsAre(std::pair("offset", "-5"), std::pair("bytes", "10")));
    EXPECT_THAT(query_of("/logs"), IsEmpty());
    EXPECT_THAT(query_of("/logs?"), IsEmpty());
    EXPECT_THAT(query_of("/logs?&a&&b=&c=d=e"),
                ElementsAre(std::pair("a", ""), std::pair("b", ""), std::pair("c", "d=e")));
}

TEST(Routes, AMissingPageSaysWhatThereIs) {
    const RouteTable<Route> two(std::vector<Route>{{"GET", "/health"}, {"GET", "/metrics"}});
    const auto refused = std::get<HttpResponse>(two.find(request("GET", "/")));
    EXPECT_THAT(refused.body, HasSubstr("there are /health and /metrics"));
    const RouteTable<Route> hinted(std::vector<Route>{{"GET", "/health"}}, "look elsewhere");
    EXPECT_THAT(std::get<HttpResponse>(hinted.find(request("GET", "/"))).body,
                HasSubstr("look elsewhere"));
}

}  // namespace
}  // namespace storm::net
