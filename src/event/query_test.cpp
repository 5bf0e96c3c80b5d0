#include "event/query.h"

#include <initializer_list>
#include <set>

#include <gtest/gtest.h>

namespace postern::event {
namespace {

TEST(ShortText, KeepsWhatFitsAndCutsTheRest) {
  EXPECT_EQ(ShortText<4>("").view(), "");
  EXPECT_TRUE(ShortText<4>("").empty());
  EXPECT_EQ(ShortText<4>("abcd").view(), "abcd");
  EXPECT_EQ(ShortText<4>("abcde").view(), "abcd");
  EXPECT_EQ(ShortText<4>(std::string_view("a\0b", 3)).view(), std::string_view("a\0b", 3));
}

TEST(Query, EveryWordReadsBackAndNoTwoAreAlike) {
  std::set<std::string_view> seen;
  for (const auto transport :
       {Transport::udp, Transport::tcp, Transport::dot, Transport::doh, Transport::doq}) {
    EXPECT_TRUE(seen.insert(to_string(transport)).second);
    EXPECT_EQ(transport_from_text(to_string(transport)), transport);
  }
  for (const auto disposition :
       {Disposition::answered, Disposition::allowed, Disposition::blocked, Disposition::observed,
        Disposition::refused, Disposition::failed}) {
    EXPECT_TRUE(seen.insert(to_string(disposition)).second);
    EXPECT_EQ(disposition_from_text(to_string(disposition)), disposition);
  }
  EXPECT_EQ(disposition_from_text("blocke"), std::nullopt);
  EXPECT_EQ(disposition_from_text(""), std::nullopt);
  EXPECT_EQ(transport_from_text("UDP"), std::nullopt);
  EXPECT_EQ(to_string(Source::stale), "stale");
  EXPECT_EQ(to_string(Security::bogus), "bogus");
}

TEST(Query, AValueFromADamagedStoreHasAWordToo) {
  EXPECT_EQ(to_string(static_cast<Disposition>(200)), "unknown");
  EXPECT_EQ(to_string(static_cast<Source>(6)), "unknown");
}

TEST(Query, WhatWasBlockedOrWouldHaveBeenIsAThreat) {
  Query query;
  for (const auto& [disposition, want] :
       std::initializer_list<std::pair<Disposition, bool>>{{Disposition::answered, false},
                                                           {Disposition::allowed, false},
                                                           {Disposition::blocked, true},
                                                           {Disposition::observed, true},
                                                           {Disposition::refused, false},
                                                           {Disposition::failed, false}}) {
    query.disposition = disposition;
    EXPECT_EQ(query.is_threat(), want) << to_string(disposition);
  }
}

TEST(Trace, TextAndBack) {
  struct Case {
    std::string_view text;
    std::optional<std::uint64_t> want;
  };
  constexpr std::uint64_t kAll = (1ULL << 40) - 1;
  const Case cases[] = {
      {"00000000", 0},
      {"zzzzzzzz", kAll},
      {"0000000z", 31},
      {"10000000", 1ULL << 35},
      // Read aloud or typed from paper: case, and the letters that look like digits.
      {"ZZZZZZZZ", kAll},
      {"oOiIlL00", (1ULL << 25) + (1ULL << 20) + (1ULL << 15) + (1ULL << 10)},
      // Not a trace.
      {"", std::nullopt},
      {"0000000", std::nullopt},
      {"000000000", std::nullopt},
      {"u0000000", std::nullopt},
      {"0000 000", std::nullopt},
      {"0000000\xff", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(trace_from_text(c.text), c.want);
  }
  for (const std::uint64_t id : {0ULL, 1ULL, 0x12'3456'789aULL, kAll + 0ULL}) {
    EXPECT_EQ(trace_from_text(trace_text(id)), id);
  }
  EXPECT_EQ(trace_text(kAll + 1), "00000000") << "only 40 bits are shown";
}

}  // namespace
}  // namespace postern::event
