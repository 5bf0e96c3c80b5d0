#include "policy/rule_dates.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/image_writer.h"

namespace postern::policy {
namespace {

constexpr std::uint32_t kFirst = 1'000, kSecond = 2'000, kThird = 3'000;

Rule block(std::string_view name, Scope scope = Scope::exact) {
  return {.name = dns::Name::from_text(name).value(), .scope = scope};
}
Rule network(std::string_view prefix) {
  Rule rule;
  rule.trigger = Trigger::response_ip;
  rule.prefix = IpPrefix::from_text(prefix).value();
  return rule;
}

/// A list that gets one copy after the other, as the program does it.
struct List {
  void take(const std::vector<Rule>& copy, std::uint32_t now_s,
            const std::vector<RuleNote>& notes = {}) {
    ZoneRules rules;
    rules.set_notes(notes);
    for (const Rule& rule : copy) rules.add(rule);
    std::optional<CopyBefore> before;
    if (image) before.emplace(*image, std::uint16_t{1});
    date_rules(rules, before, now_s);
    // Another zone that has the same names is nobody's business.
    ZoneRules other = rules;
    other.set_since(7);
    const ZoneContent zones[] = {{"other", "", &other}, {"list", "", &rules}};
    auto octets = std::make_shared<const Octets>(build_image(zones, 5).value());
    image = RuleImage::open(*octets, octets).value();
  }
  /// "a.example exact 1000 here", in the order of the image.
  std::string dates() const {
    std::vector<std::string> lines;
    image->for_each_rule([&](const Posting& posting, const Rule& rule) {
      if (posting.zone != 1 || posting.scope == kExists) return;
      const RuleNote* note = image->note(posting.note);
      const bool is_dated = note != nullptr && note->first_seen_s != 0;
      lines.push_back((has_prefix(rule.trigger) ? rule.prefix.to_text() : rule.name.to_display()) +
                      (posting.scope == Scope::exact ? " " : " and below ") +
                      std::to_string(is_dated ? note->first_seen_s : image->zones()[1].since_s) +
                      (is_dated && note->seen_here == 0 ? " said" : ""));
    });
    std::ranges::sort(lines);
    std::string text;
    for (const std::string& line : lines) text += line + "; ";
    return text;
  }

  std::shared_ptr<const RuleImage> image;
};

TEST(RuleDates, AFirstCopyIsNewAsAWholeAndWithoutANote) {
  List list;
  list.take({block("a.example"), network("192.0.2.0/24")}, kFirst);
  EXPECT_EQ(list.dates(), "192.0.2.0/24 1000; a.example 1000; ");
  EXPECT_EQ(list.image->note(0), nullptr);
}

TEST(RuleDates, WhatStaysKeepsItsTimeWhatComesHasItsOwnAndWhatComesBackIsNew) {
  List list;
  list.take({block("a.example"), block("b.example"), network("192.0.2.0/24")}, kFirst);
  list.take(
      {block("a.example"), block("c.example"), network("192.0.2.0/24"), network("192.0.2.0/25")},
      kSecond);
  EXPECT_EQ(list.dates(), "192.0.2.0/24 1000; 192.0.2.0/25 2000; a.example 1000; c.example 2000; ");
  list.take({block("a.example"), block("b.example"), block("c.example")}, kThird);
  EXPECT_EQ(list.dates(), "a.example 1000; b.example 3000; c.example 2000; ");
}

TEST(RuleDates, ARuleThatSaysSomethingElseIsAnother) {
  List list;
  list.take({block("a.example")}, kFirst);
  list.take({block("a.example", Scope::at_and_below)}, kSecond);
  EXPECT_EQ(list.dates(), "a.example and below 2000; ");
}

TEST(RuleDates, WhatThePublisherSaysStandsAndTheRestOfANoteStays) {
  List list;
  Rule dated = block("a.example"), sure = block("b.example");
  dated.note = 0;
  sure.note = 1;
  const std::vector<RuleNote> notes = {{.first_seen_s = 50}, {.confidence = 80}};
  list.take({block("z.example")}, kFirst);
  list.take({dated, sure, block("z.example")}, kSecond, notes);
  EXPECT_EQ(list.dates(), "a.example 50 said; b.example 2000; z.example 1000; ");
  std::uint8_t confidence = 0;
  list.image->for_each_rule([&](const Posting& posting, const Rule& rule) {
    if (posting.zone == 1 && rule.name.to_display() == "b.example") {
      confidence = list.image->note(posting.note)->confidence;
    }
  });
  EXPECT_EQ(confidence, 80);
  list.take({dated, sure}, kThird, notes);
  EXPECT_EQ(list.dates(), "a.example 50 said; b.example 2000; ");
}

}  // namespace
}  // namespace postern::policy
