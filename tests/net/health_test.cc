// Goal:   /health says the same of all processes in the same words.

#include "net/health.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace storm::net {
namespace {

using Json = nlohmann::ordered_json;

TEST(Health, AllIsWellWithoutProblems) {
    const HttpResponse well = health_response({}, Json::object());
    EXPECT_EQ(well.status, 200);
    EXPECT_EQ(well.body, "{\"status\":\"ok\",\"problems\":[]}\n");
}

TEST(Health, ProblemsDegradeWhatIsAvailable) {
    const HttpResponse degraded = health_response({true, {"a disk is full"}}, Json::object());
    EXPECT_EQ(degraded.status, 200);
    EXPECT_EQ(Json::parse(degraded.body).at("status"), "degraded");
    EXPECT_EQ(Json::parse(degraded.body).at("problems").at(0), "a disk is full");
}

TEST(Health, ThatWhichCannotWorkIsUnavailable) {
    const HttpResponse away = health_response({false, {"no ZooKeeper"}}, Json::object());
    EXPECT_EQ(away.status, 503);
    EXPECT_EQ(Json::parse(away.body).at("status"), "unavailable");
}

TEST(Health, DetailsStandBetweenStatusAndProblemsWhateverTheirBytes) {
    const HttpResponse named = health_response({}, {{"topology", "a\xff"}});
    EXPECT_EQ(named.body, "{\"status\":\"ok\",\"topology\":\"a\xef\xbf\xbd\",\"problems\":[]}\n");
}

}  // namespace
}  // namespace storm::net
