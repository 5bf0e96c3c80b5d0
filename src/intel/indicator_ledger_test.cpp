#include "intel/indicator_ledger.h"

#include <set>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/format.h"

namespace postern::intel {
namespace {

constexpr Uuid kSpace = kPosternSpace;

BlockedOwner name(std::string text, bool itself = true, bool below = false) {
  return {.text = std::move(text), .itself = itself, .below = below};
}
BlockedOwner prefix(std::string text) {
  return {.text = std::move(text), .is_prefix = true};
}
WallTime at(std::int64_t second) {
  return WallTime(seconds(1'750'000'000 + second));
}

std::string dump(const IndicatorLedger& ledger) {
  std::string out;
  for (const auto& entry : ledger.entries()) {
    out += entry.owner.text + (entry.revoked ? " revoked" : "") + "\n";
  }
  return out;
}

TEST(IndicatorLedger, WhatIsNewIsSaidWhatIsGoneIsTakenBackAndTheRestStays) {
  const IndicatorLedger first =
      IndicatorLedger(kSpace).update({name("b.example"), name("a.example")}, at(0));
  const IndicatorLedger second = first.update({name("c.example"), name("b.example")}, at(10));
  EXPECT_EQ(dump(second), "a.example revoked\nb.example\nc.example\n");
  EXPECT_EQ(second.entries()[1].added_us, first.entries()[1].added_us);
  EXPECT_EQ(second.entries()[0].created_us, first.entries()[0].created_us);
  EXPECT_EQ(second.entries()[0].id, first.entries()[0].id);
  EXPECT_GT(second.entries()[0].added_us, first.entries()[1].added_us);
  // Taken back for a month, then forgotten.
  const auto later = at(10) + IndicatorLedger::kRevokedKept;
  EXPECT_EQ(dump(second.update({name("b.example")}, later)),
            "a.example revoked\nb.example\nc.example revoked\n");
  EXPECT_EQ(dump(second.update({name("b.example")}, later + seconds(1))),
            "b.example\nc.example revoked\n");
}

TEST(IndicatorLedger, WhatComesBackIsAnotherIndicator) {
  const IndicatorLedger first = IndicatorLedger(kSpace).update({name("a.example")}, at(0));
  const IndicatorLedger back = first.update({}, at(1)).update({name("a.example")}, at(2));
  // Who asked before and asks now is still told that the first one is gone.
  ASSERT_EQ(dump(back), "a.example revoked\na.example\n");
  EXPECT_EQ(back.entries()[0].id, first.entries()[0].id);
  EXPECT_NE(back.entries()[1].id, first.entries()[0].id);
  EXPECT_GT(back.entries()[1].created_us, first.entries()[0].created_us);
  EXPECT_EQ(back.page({.added_after = at(0)}).entries.size(), 2U);
  const auto kept = IndicatorLedger::from_text(back.to_text(), kSpace);
  ASSERT_TRUE(kept);
  EXPECT_EQ(dump(*kept), dump(back));
  // And once more: of each coming and going there is one.
  const IndicatorLedger often = back.update({}, at(3)).update({name("a.example")}, at(4));
  EXPECT_EQ(dump(often), "a.example revoked\na.example revoked\na.example\n");
  EXPECT_EQ(often.entries()[1].id, back.entries()[1].id);
  // Each for its month.
  const auto later = at(3) + IndicatorLedger::kRevokedKept;
  EXPECT_EQ(dump(often.update({name("a.example")}, later)), "a.example revoked\na.example\n");
}

TEST(IndicatorLedger, WhatChangesKeepsItsIdAndIsModified) {
  BlockedOwner sure = name("a.example");
  sure.note.confidence = 80;
  sure.note.first_seen_s = 7;  // Nothing that is said.
  const IndicatorLedger first = IndicatorLedger(kSpace).update({name("a.example")}, at(0));
  const IndicatorLedger second = first.update({sure}, at(1));
  EXPECT_EQ(second.entries()[0].id, first.entries()[0].id);
  EXPECT_EQ(second.entries()[0].created_us, first.entries()[0].created_us);
  EXPECT_GT(second.entries()[0].added_us, first.entries()[0].added_us);
  EXPECT_EQ(second.update({sure}, at(2)).entries()[0].added_us, second.entries()[0].added_us);
}

TEST(IndicatorLedger, WhatComesBackIsAnotherOneHoweverLate) {
  const IndicatorLedger first = IndicatorLedger(kSpace).update({name("a.example")}, at(0));
  const IndicatorLedger gone = first.update({}, at(1));
  ASSERT_TRUE(gone.entries()[0].revoked);
  EXPECT_NE(gone.update({name("a.example")}, at(2)).entries()[1].id, first.entries()[0].id);
  // When nobody remembers that it was there, too.
  const IndicatorLedger forgotten = gone.update({}, at(40 * 24 * 3600));
  ASSERT_TRUE(forgotten.entries().empty());
  EXPECT_NE(forgotten.update({name("a.example")}, at(41 * 24 * 3600)).entries()[0].id,
            first.entries()[0].id);
}

TEST(IndicatorLedger, AnUnderscoreIsOneInItsPattern) {
  const IndicatorLedger ledger =
      IndicatorLedger(kSpace).update({name("a_b.example", false, true)}, at(0));
  const std::string json = indicator_json(ledger.entries()[0]);
  EXPECT_NE(json.find(R"("[domain-name:value MATCHES '^.*[.]a_b[.]example$']")"), std::string::npos)
      << json;
}

TEST(IndicatorLedger, TimesGrowEvenIfTheClockIsSetBack) {
  const IndicatorLedger first = IndicatorLedger(kSpace).update({name("a.example")}, at(100));
  const IndicatorLedger second = first.update({name("a.example"), name("b.example")}, at(0));
  EXPECT_GT(second.entries()[1].added_us, second.entries()[0].added_us);
}

TEST(IndicatorLedger, PagesHoldEveryEntryOnceWhateverTheirSize) {
  std::vector<BlockedOwner> all;
  for (int i = 0; i < 25; ++i) all.push_back(name("n" + std::to_string(i) + ".example"));
  const IndicatorLedger ledger = IndicatorLedger(kSpace).update(all, at(0));
  for (const std::size_t limit : {1UL, 7UL, 25UL, 100UL}) {
    SCOPED_TRACE(limit);
    IndicatorFilter filter{.limit = limit};
    std::set<std::string> seen;
    for (bool more = true; more;) {
      const auto page = ledger.page(filter);
      EXPECT_LE(page.entries.size(), limit);
      for (const auto* entry : page.entries) EXPECT_TRUE(seen.insert(entry->owner.text).second);
      more = page.more;
      if (!page.entries.empty()) filter.next_us = page.entries.back()->added_us;
    }
    EXPECT_EQ(seen.size(), 25U);
  }
}

TEST(IndicatorLedger, FiltersChoose) {
  const IndicatorLedger ledger =
      IndicatorLedger(kSpace).update({name("a.example"), name("b.example")}, at(0));
  const auto& a = ledger.entries()[0];
  struct Case {
    IndicatorFilter filter;
    std::size_t want;
  };
  const Case cases[] = {
      {{}, 2},
      {{.ids = {indicator_id(a), "indicator--x"}}, 1},
      {{.types = {"indicator", "malware"}}, 2},
      {{.types = {"malware"}}, 0},
      {{.versions = {"last"}}, 2},
      {{.versions = {stix_time(a.added_us)}}, 1},
      {{.versions = {"2001-01-01T00:00:00Z"}}, 0},
      {{.spec_versions = {"2.1"}}, 2},
      {{.spec_versions = {"2.0"}}, 0},
      {{.added_after = WallTime(microseconds(a.added_us))}, 1},
  };
  for (const Case& c : cases) EXPECT_EQ(ledger.page(c.filter).entries.size(), c.want);
}

TEST(IndicatorLedger, ReadsBackFromDiskAsItWas) {
  BlockedOwner noted = name("b.example", false, true);
  noted.note = {
      .valid_until_s = 1'900'000'000, .confidence = 70, .sharing = policy::Sharing::amber};
  const IndicatorLedger ledger = IndicatorLedger(kSpace)
                                     .update({name("a.example"), prefix("2001:db8::/32")}, at(0))
                                     .update({noted, prefix("2001:db8::/32")}, at(1));
  const auto again = IndicatorLedger::from_text(ledger.to_text(), kSpace);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->to_text(), ledger.to_text());
  ASSERT_EQ(again->entries().size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(indicator_json(again->entries()[i]), indicator_json(ledger.entries()[i]));
  }
  for (const std::string_view wrong :
       {"x\n", "postern-indicators 1\n1 2 3\n", "postern-indicators 1\n1 2 0 4 0 255 9 a.example\n",
        "postern-indicators 1\n1 2 0 4 0 255 0 a'example\n",
        "postern-indicators 1\n1 2 0 4 0 255 0 b\n1 3 0 4 0 255 0 a\n"}) {
    EXPECT_FALSE(IndicatorLedger::from_text(wrong, kSpace)) << wrong;
  }
}

TEST(IndicatorLedger, NamesThatNeedEscapesAreLeftOutAndCounted) {
  const IndicatorLedger ledger = IndicatorLedger(kSpace).update(
      {name("a'].example"), name("a\\\".example"), name("good_one-1.example")}, at(0));
  EXPECT_EQ(dump(ledger), "good_one-1.example\n");
  EXPECT_EQ(ledger.left_out(), 2U);
}

TEST(IndicatorLedger, AnIndicatorHasWhatStixAsksFor) {
  BlockedOwner owner = name("a.example", true, true);
  owner.note = {
      .valid_until_s = 1'900'000'000, .confidence = 70, .sharing = policy::Sharing::green};
  const IndicatorLedger ledger =
      IndicatorLedger(kSpace).update({owner}, WallTime(seconds(1'800'000'000)));
  EXPECT_EQ(
      indicator_json(ledger.entries()[0]),
      R"({"type":"indicator","spec_version":"2.1","id":")" + indicator_id(ledger.entries()[0]) +
          R"(","created":"2027-01-15T08:00:00.000000Z","modified":"2027-01-15T08:00:00.000000Z",)"
          R"("name":"a.example","indicator_types":["malicious-activity"],)"
          R"("pattern":"[domain-name:value = 'a.example' OR )"
          R"(domain-name:value LIKE '%.a.example']",)"
          R"("pattern_type":"stix","valid_from":"2027-01-15T08:00:00.000000Z",)"
          R"("valid_until":"2030-03-17T17:46:40.000000Z","confidence":70,)"
          R"("object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]})");
}

TEST(IndicatorLedger, OurOwnReaderTakesThemForWhatTheyAre) {
  const IndicatorLedger ledger =
      IndicatorLedger(kSpace)
          .update({name("gone.example")}, at(0))
          .update({name("a.example"), name("b.example", false, true), name("c.example", true, true),
                   prefix("192.0.2.7/32"), prefix("2001:db8::/32")},
                  at(1));
  std::string text;
  for (const auto& entry : ledger.entries()) text += indicator_json(entry) + "\n";
  FeedOptions options;
  options.format = Format::stix;
  options.now = at(1'000'000);
  EXPECT_EQ(dump_feed(read_feed(text, options)),
            "1 block response_ip:192.0.2.7/32\n2 block response_ip:2001:db8::/32\n"
            "3 block a.example\n4 block *.b.example\n5 block c.example\n5 block *.c.example\n"
            "6 skipped: \"[domain-name:value = 'gone.example']\" is revoked by its publisher\n");
}

TEST(NamedUuid, IsOfVersionFive) {
  // RFC 9562 appendix A.4.
  constexpr Uuid kDns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                         0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  EXPECT_EQ(to_text(named_uuid(kDns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

}  // namespace
}  // namespace postern::intel
