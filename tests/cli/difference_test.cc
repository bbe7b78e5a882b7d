// Where two descriptions differ. Method: pairs of them.
#include "cli/difference.h"

#include <gtest/gtest.h>

namespace storm::cli {
namespace {

Json component(const char* id, int tasks) {
    return {{"id", id}, {"kind", "bolt"}, {"tasks", tasks}};
}

Json description(std::initializer_list<Json> components) {
    Json json = {{"name", "wc"}, {"components", Json::array()}};
    for (const Json& one : components) json["components"].push_back(one);
    return json;
}

TEST(Difference, EqualOnesDoNotDiffer) {
    EXPECT_EQ(difference(description({component("a", 1)}), description({component("a", 1)})),
              std::nullopt);
}

TEST(Difference, TheComponentIsNamed) {
    EXPECT_EQ(difference(description({component("a", 1), component("b", 2)}),
                         description({component("a", 1), component("b", 3)})),
              "component \"b\": \"tasks\" is first 2, then 3");
    EXPECT_EQ(difference(description({component("a", 1), component("b", 2)}),
                         description({component("a", 1)})),
              "component \"b\": it is missing the second time");
    EXPECT_EQ(difference(description({component("a", 1)}),
                         description({component("a", 1), component("b", 2)})),
              "component \"b\": it is there only the second time");
}

TEST(Difference, OrderMattersToo) {
    EXPECT_EQ(difference(description({component("a", 1), component("b", 2)}),
                         description({component("b", 2), component("a", 1)})),
              "its components come in another order");
}

TEST(Difference, OutsideOfComponentsTheMemberIsNamed) {
    Json other = description({});
    other["name"] = "x";

    EXPECT_EQ(difference(description({}), other), "\"name\" is first \"wc\", then \"x\"");
    EXPECT_EQ(difference(description({}), Json::array()), "it is something else");
}

}  // namespace
}  // namespace storm::cli
