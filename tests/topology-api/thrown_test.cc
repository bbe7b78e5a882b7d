// Whatever user code throws, its text says what it was. Method: one of each kind.
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <storm/detail/thrown.h>
#include <storm/errors.h>

namespace storm::detail {
namespace {

struct NoText : std::exception {
    const char* what() const noexcept override { return nullptr; }
};
struct EmptyText : std::exception {
    const char* what() const noexcept override { return ""; }
};

template <typename Call>
std::string text_of(Call&& call) {
    try {
        call();
    } catch (...) {
        return what_was_thrown();
    }
    return "nothing was thrown";
}

struct NoShop : FailedError {
    using FailedError::FailedError;
};

TEST(WhatWasThrown, IsTheTextThatAUserGaveItBehindItsType) {
    EXPECT_EQ(text_of([] { throw std::runtime_error("no shop 17"); }),
              "std::runtime_error: no shop 17");
    EXPECT_EQ(text_of([] { throw NoShop("17"); }),
              "storm::detail::(anonymous namespace)::NoShop: 17");
}

TEST(WhatWasThrown, OfStormsOwnTypesIsTheTextAlone) {
    EXPECT_EQ(text_of([] { throw EmitError("too large"); }), "too large");
}

TEST(WhatWasThrown, NamesTheTypeOfTheStandardLibrarysOwn) {
    EXPECT_EQ(text_of([] { static_cast<void>(std::stoi("x")); }), "std::invalid_argument: stoi");
    EXPECT_EQ(text_of([] { static_cast<void>(std::optional<int>().value()); }),
              "std::bad_optional_access: bad optional access");
    EXPECT_EQ(text_of([] { throw std::bad_alloc(); }), "std::bad_alloc");
}

TEST(WhatWasThrown, NamesTheTypeWhereThereIsNoText) {
    EXPECT_EQ(text_of([] { throw NoText(); }),
              "storm::detail::(anonymous namespace)::NoText, without a text");
    EXPECT_EQ(text_of([] { throw EmptyText(); }),
              "storm::detail::(anonymous namespace)::EmptyText, without a text");
}

TEST(WhatWasThrown, KnowsWhatIsNoStdException) {
    EXPECT_EQ(text_of([] { throw 42; }), "an exception of type int");
    EXPECT_EQ(text_of([] { throw std::string("why"); }), "an exception of type std::string: why");
    EXPECT_EQ(text_of([] { throw "why"; }), "an exception of type const char*: why");
    EXPECT_EQ(text_of([] { throw std::vector<NoText>(); }).substr(0, 40),
              "an exception of type std::vector<storm::");
}

}  // namespace
}  // namespace storm::detail
