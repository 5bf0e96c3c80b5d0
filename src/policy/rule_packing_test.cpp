#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/rule.h"

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

Octets packed(const ZoneRules& rules) {
  Octets octets;
  rules.pack([&](OctetView piece) { octets.insert(octets.end(), piece.begin(), piece.end()); });
  return octets;
}

ZoneRules some_rules() {
  ZoneRules rules;
  rules.set_closest_encloser(true);
  rules.set_soa({name("rpz.example"), 300, {1, 2, 3}});
  const std::uint32_t data =
      rules.add_local_data({{.type = dns::RRType::a, .ttl = 60, .rdata = {192, 0, 2, 1}},
                            {.type = dns::RRType::txt, .ttl = 61, .rdata = {2, 'h', 'i'}}});
  rules.add({.name = name("Bad.example"), .scope = Scope::below, .line = 7});
  rules.add({.name = name("."), .action = Action::local_data, .rank = Rank::pass, .data = data});
  rules.add({.prefix = IpPrefix::from_text("2001:db8::/32").value(),
             .trigger = Trigger::response_ip,
             .action = Action::drop,
             .line = 0xffffffff});
  rules.set_sharing(Sharing::amber);
  rules.add({.prefix = IpPrefix::from_text("192.0.2.0/24").value(),
             .trigger = Trigger::response_ip,
             .note = rules.add_note({.valid_until_s = 9, .confidence = 8})});
  return rules;
}

TEST(PackedRules, AreTheSameAgain) {
  const ZoneRules rules = some_rules();
  const auto again = ZoneRules::unpack(packed(rules));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_TRUE(again->closest_encloser());
  ASSERT_TRUE(again->soa());
  EXPECT_EQ(again->soa()->origin, name("rpz.example"));
  EXPECT_EQ(again->soa()->ttl, 300U);
  EXPECT_EQ(again->soa()->rdata, (Octets{1, 2, 3}));
  ASSERT_EQ(again->size(), rules.size());
  ASSERT_EQ(again->local_data_count(), 1U);
  EXPECT_EQ(again->sharing(), Sharing::amber);
  EXPECT_EQ(again->notes(), rules.notes());
  EXPECT_EQ(again->local_data(0), rules.local_data(0));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(again->at(i).name, rules.at(i).name);
    EXPECT_EQ(again->at(i).prefix, rules.at(i).prefix);
    EXPECT_EQ(again->at(i).trigger, rules.at(i).trigger);
    EXPECT_EQ(again->at(i).scope, rules.at(i).scope);
    EXPECT_EQ(again->at(i).action, rules.at(i).action);
    EXPECT_EQ(again->at(i).rank, rules.at(i).rank);
    EXPECT_EQ(again->line_at(i), rules.line_at(i));
    EXPECT_EQ(again->data_at(i), rules.data_at(i));
    EXPECT_EQ(again->note_at(i), rules.note_at(i));
  }
  EXPECT_EQ(again->count_of(Trigger::qname), 2U);
  EXPECT_EQ(again->count_of(Trigger::response_ip), 2U);
  EXPECT_EQ(packed(*again), packed(rules));
}

TEST(PackedRules, OfNothingAreNothing) {
  const auto again = ZoneRules::unpack(packed({}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->size(), 0U);
  EXPECT_FALSE(again->soa());
  EXPECT_FALSE(again->closest_encloser());
}

TEST(PackedRules, AMappedPrefixIsRefused) {
  ZoneRules rules;
  rules.add({.prefix = IpPrefix::from_text("2001:db8::c000:201/128").value(),
             .trigger = Trigger::response_ip});
  Octets octets = packed(rules);
  EXPECT_EQ(ZoneRules::packed_count(OctetView(octets).first(ZoneRules::kPackedHeadOctets)).value(),
            1U);
  const Octets address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto found = std::ranges::search(octets, address);
  ASSERT_FALSE(found.empty());
  const Octets mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::ranges::copy(mapped, found.begin());
  EXPECT_FALSE(ZoneRules::unpack(octets));
}

TEST(PackedRules, CutOrChangedAreRefusedOrStillSound) {
  const Octets whole = packed(some_rules());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ZoneRules::unpack(OctetView(whole).first(size))) << size;
  }
  // A changed octet may be another rule, but never one that points outside of what is there.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      Octets changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1 << bit));
      const auto rules = ZoneRules::unpack(changed);
      if (!rules) continue;
      for (std::size_t i = 0; i < rules->size(); ++i) {
        const Rule rule = rules->at(i);
        if (rule.action == Action::local_data) rules->local_data(rule.data);
      }
    }
  }
}

}  // namespace
}  // namespace postern::policy
