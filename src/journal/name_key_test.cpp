#include "journal/name_key.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::name;

std::string key(std::string_view text) {
  const NameKey key(name(text));
  return std::string(text_of(key.octets()));
}

TEST(NameKey, IsTheLabelsFromTheRight) {
  EXPECT_EQ(key("."), "");
  EXPECT_EQ(key("www.example"), "\7example\3www");
  EXPECT_EQ(key("a.b.c"), "\1c\1b\1a");
}

TEST(NameKey, EveryNameComesBack) {
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y') + ".";
  for (const std::string& text : {std::string("."), std::string("www.example."), longest,
                                  std::string("a\\.b.c\\000\\255."), std::string("*.x.")}) {
    EXPECT_EQ(name_of_key(octets_of(key(text))).value().to_text(), text);
  }
}

TEST(NameKey, AZoneIsARangeOfKeys) {
  struct Case {
    std::string_view zone;
    std::string_view name;
    bool inside;
  };
  const Case cases[] = {
      {"example", "example", true},       {"example", "www.example", true},
      {"example", "a.b.c.example", true}, {"example", "\\255\\255.example", true},
      {"example", "wwwexample", false},   {"example", "example2", false},
      {"example", "exampl", false},       {"example", "example.com", false},
      {"b.example", "a.example", false},  {"b.example", "c.example", false},
      {".", "anything.at.all", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.name) + " in " + std::string(c.zone));
    const std::string first = key(c.zone);
    const std::string last = first + '\x40';
    EXPECT_EQ(key(c.name) >= first && key(c.name) < last, c.inside);
  }
}

TEST(NameKey, WhatIsNoKeyIsAnError) {
  const std::string_view cases[] = {"\5abc", "\x40", std::string_view("\0", 1), "\1a\7b"};
  for (const std::string_view octets : cases) {
    EXPECT_FALSE(name_of_key(octets_of(octets)).has_value()) << octets;
  }
  EXPECT_FALSE(name_of_key(octets_of(std::string(300, '\1'))).has_value());
}

}  // namespace
}  // namespace postern::journal
