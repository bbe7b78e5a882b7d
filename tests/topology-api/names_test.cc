// Names are taken or refused by one rule. Method: names at the edges.
#include <string>

#include <gtest/gtest.h>
#include <storm/detail/names.h>

namespace storm::detail {
namespace {

std::string fault(std::string_view id) {
    return fault_of_name(id, kIdBytesMax);
}

TEST(Names, OfComponentsCanBeFoldersAndArguments) {
    EXPECT_EQ(fault("A-z_0.9"), "");
    EXPECT_EQ(fault("_x"), "");
    EXPECT_EQ(fault(std::string(255, 'x')), "");
    EXPECT_EQ(fault(""), "is empty");
    EXPECT_EQ(fault(".hidden"), "begins with \".\"");
    EXPECT_EQ(fault("-dash"), "begins with \"-\"");
    EXPECT_EQ(fault(std::string(256, 'x')), "has 256 bytes; at most 255 fit");
    EXPECT_EQ(fault("a b"), R"(has other characters than letters, digits, "_", "." and "-")");
    EXPECT_EQ(fault("ü"), fault("a b"));
}

TEST(Names, OfTopologiesHaveNoDotAndAreNotShownCutWithoutASign) {
    EXPECT_EQ(fault_of_topology_name(std::string(100, 'x')), "");
    EXPECT_NE(fault_of_topology_name("a.b"), "");
    EXPECT_NE(fault_of_topology_name(""), "");
    EXPECT_EQ(
        fault_of_topology_name(std::string(101, 'x')),
        '"' + std::string(100, 'x') +
            "…\" is not a name for a topology: it takes 1 to 100 letters, digits, '_' and '-', "
            "and begins with no '-'; this has 101");
}

TEST(Names, OfFilesAreOneWordOfAscii) {
    EXPECT_EQ(fault_of_file_name("word-count.so.1"), "");
    for (const char* const name : {"", ".", "..", "a b", "a/b", "zähler", "new\nline"})
        EXPECT_NE(fault_of_file_name(name), "") << name;
}

TEST(Names, AreUtf8OrAreMadeSo) {
    EXPECT_TRUE(is_utf8("zähler € 𝄞"));
    EXPECT_EQ(as_utf8("zähler"), "zähler");
    for (const char* const text :
         {"\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"})
        EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(as_utf8("a\xff"
                      "b"),
              "a\xef\xbf\xbd"
              "b");
}

}  // namespace
}  // namespace storm::detail
