#include "files/path.h"

#include <gtest/gtest.h>

namespace postern::files {
namespace {

using std::string_view_literals::operator""sv;

TEST(Path, WhatCouldLeadOutIsRefused) {
  for (const std::string_view path : {"/a"sv, "a/"sv, "a//b"sv, "."sv, ".."sv, "../a"sv, "a/.."sv,
                                      "a/../b"sv, "a/./b"sv, "a\0b"sv}) {
    SCOPED_TRACE(path);
    EXPECT_FALSE(check_path(path));
  }
  EXPECT_FALSE(check_path(std::string(kMaxPathOctets + 1, 'a')));
}

TEST(Path, AllOtherOctetsAreANamesOwn) {
  for (const std::string_view path :
       {"", "a", "a/b", "...", "..a", "a. ", "a:b", "\xff\xfe", "a\\b", "x\xe2\x80\xaey", "a\nb"}) {
    SCOPED_TRACE(path);
    EXPECT_TRUE(check_path(path));
  }
}

TEST(Path, TakenApartAndPutTogether) {
  EXPECT_EQ(joined("a/b", "c"), "a/b/c");
  EXPECT_EQ(joined("", "c"), "c");
  EXPECT_EQ(folder_of("a/b/c"), "a/b");
  EXPECT_EQ(folder_of("c"), "");
  EXPECT_EQ(name_of("a/b/c"), "c");
  EXPECT_EQ(name_of("c"), "c");
  EXPECT_EQ(names_of("a/b"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(names_of("").empty());
}

TEST(Path, WindowsTakesBothCasesForOneName) {
  EXPECT_TRUE(equal_ignoring_case("HttpProxy", "httpPROXY"));
  EXPECT_FALSE(equal_ignoring_case("HttpProxy", "HttpProxy "));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
}

}  // namespace
}  // namespace postern::files
