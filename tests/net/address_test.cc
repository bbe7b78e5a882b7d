#include "net/address.h"

#include <gtest/gtest.h>

namespace storm::net {
namespace {

TEST(Address, IsReadWithOrWithoutItsPort) {
    EXPECT_EQ(*parse_address("alpha:1", 9), (Address{"alpha", 1}));
    EXPECT_EQ(*parse_address("alpha", 9), (Address{"alpha", 9}));
    EXPECT_EQ(*parse_address("alpha", 0), (Address{"alpha", 0}));
    EXPECT_EQ(*parse_address("127.0.0.1:65535", 9), (Address{"127.0.0.1", 65535}));
    EXPECT_EQ(*parse_address("[::1]:1", 9), (Address{"::1", 1}));
    EXPECT_EQ(*parse_address("[::1]", 9), (Address{"::1", 9}));
    EXPECT_EQ(*parse_address("::1", 9), (Address{"::1", 9}));
}

TEST(Address, WhichCannotBeReadIsNamed) {
    for (const char* const wrong :
         {"", ":1", "a:", "a:x", "a:0", "a:65536", "a:1x", "a:-1", "a b", "a/b", "[", "[]", "[]:1",
          "[::1", "[::1]x", "[::1]x:1", "[::1]:", "http://a:1"}) {
        const auto read = parse_address(wrong, 9);
        ASSERT_FALSE(read) << wrong;
        EXPECT_EQ(read.error().message, '"' + std::string(wrong) + "\" is not an address");
    }
}

TEST(Address, IsWrittenAsItIsRead) {
    for (const Address& address : {Address{"alpha", 1}, Address{"::1", 6627}}) {
        EXPECT_EQ(*parse_address(to_string(address), 9), address);
    }
    EXPECT_EQ(to_string({"::1", 6627}), "[::1]:6627");
}

}  // namespace
}  // namespace storm::net
