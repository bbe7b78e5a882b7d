// Values are plain; what matters is which one a C++ value becomes, and what a wrong access says.
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>
#include <storm/errors.h>
#include <storm/value.h>

namespace storm {
namespace {

template <typename Call>
std::string message_of(Call call) {
    try {
        call();
    } catch (const FieldError& error) {
        return error.what();
    }
    return "nothing was thrown";
}

static_assert(!std::is_convertible_v<int*, Value>, "a pointer would become true");
static_assert(!std::is_convertible_v<char, Value>, "a number or a text?");

TEST(Value, IsNilByDefault) {
    EXPECT_TRUE(Value().is_nil());
    EXPECT_TRUE(Value(nullptr).is_nil());
    EXPECT_FALSE(Value(0).is_nil());
}

TEST(Value, HoldsWhatItIsMadeOf) {
    const Value list = Value::List{1, "two", 3.5, true};
    const Value map = Value::Map{{"a", 1}};

    EXPECT_EQ(list.list().at(0).int64(), 1);
    EXPECT_EQ(list.list().at(1).string(), "two");
    EXPECT_EQ(list.list().at(2).real(), 3.5);
    EXPECT_TRUE(list.list().at(3).boolean());
    EXPECT_EQ(map.map().at("a").int64(), 1);
    EXPECT_EQ(Value(Value::Bytes{std::byte{9}}).bytes().size(), 1u);
}

Value made(Value value) {
    return value;
}

TEST(Value, OfATemporaryWhatItHeldOutlivesIt) {
    const std::string text(100, 'x');  // Not within the value itself.
    std::string all;
    for (const Value& item : made(Value::List{text, text}).list()) all += item.string();
    for (const auto& [key, item] : made(Value::Map{{text, text}}).map()) all += key + item.string();
    for (const char letter : made(text).string()) all += letter;
    for (const std::byte one : made(Value::Bytes(100, std::byte{'x'})).bytes())
        all += static_cast<char>(one);
    EXPECT_EQ(all, std::string(600, 'x'));

    static_assert(std::is_same_v<decltype(made({}).list()), Value::List>);
    const Value kept = Value::List{text};
    EXPECT_EQ(&kept.list(), &kept.list()) << "what is not a temporary is not copied";
    EXPECT_THROW(static_cast<void>(made(1).list()), FieldError);
}

TEST(Value, UnsignedNumberIsInt64AsLongAsItFits) {
    constexpr std::uint64_t kFits = std::numeric_limits<std::int64_t>::max();

    EXPECT_EQ(Value(kFits).int64(), std::numeric_limits<std::int64_t>::max());
    EXPECT_THROW(Value(kFits + 1).int64(), FieldError);
    EXPECT_NE(Value(kFits + 1), Value(std::numeric_limits<std::int64_t>::min()));
}

TEST(Value, WrongAccessSaysWhatItHolds) {
    EXPECT_EQ(message_of([] { Value("two").int64(); }), "value is string, not int64");
    EXPECT_EQ(message_of([] { Value().boolean(); }), "value is nil, not bool");
    EXPECT_EQ(message_of([] { Value(1).real(); }), "value is int64, not double");
    EXPECT_EQ(message_of([] { Value(1).string(); }), "value is int64, not string");
    EXPECT_EQ(message_of([] { Value(1).bytes(); }), "value is int64, not bytes");
    EXPECT_EQ(message_of([] { Value(1).list(); }), "value is int64, not list");
    EXPECT_EQ(message_of([] { Value(1).map(); }), "value is int64, not map");
    EXPECT_EQ(message_of([] { Value(~std::uint64_t{0}).int64(); }), "value is uint64, not int64");
}

TEST(Kind, HasAName) {
    EXPECT_EQ(to_string(Kind::kAny), "any");
    EXPECT_EQ(to_string(Kind::kMap), "map");
}

}  // namespace
}  // namespace storm
