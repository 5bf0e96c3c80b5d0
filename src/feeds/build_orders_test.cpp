#include "feeds/build_orders.h"

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

ReadOrder read_order() {
  ReadOrder order;
  order.format.format = intel::Format::json;
  order.format.scope = policy::Scope::below;
  order.format.allow = true;
  order.format.origin = dns::Name::from_text("rpz.example").value();
  order.format.csv = {"column", '\t', false};
  order.format.json = {"a.b", "gone"};
  order.format.url_hosts = true;
  order.format.min_confidence = 70;
  order.format.now = WallTime(microseconds(1234567));
  order.format.max_rules = 99;
  order.origin = Origin::primary;
  return order;
}

BuildOrder build_order() {
  const policy::Votes votes{{0, 1}, 2, {2}, 3, true, 86'400};
  return {0xfedcba9876543210,
          WallTime(microseconds(1'800'000'000'000'001)),
          {{"one", "source", 0, std::nullopt},
           {"two", "", 0xffffffff, 0},
           {"three", "", 1, 1023},
           {"counted", "", 0, std::nullopt, votes}}};
}

BuildOutcome outcome() {
  BuildOutcome outcome;
  outcome.error = Error{Errc::corrupt, "why"};
  outcome.facts = {5, 6, "line 7: x", std::string(64, 'a'),
                   policy::ZoneSoa{dns::Name::from_text("z.example").value(), 60, {1, 2}}};
  return outcome;
}

TEST(BuildOrders, AreReadAsTheyWereWritten) {
  const auto read = read_order_from(to_octets(read_order()));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_octets(*read), to_octets(read_order()));
  EXPECT_EQ(read->format.format, intel::Format::json);
  EXPECT_EQ(read->format.scope, policy::Scope::below);
  EXPECT_EQ(read->format.csv.separator, '\t');
  EXPECT_EQ(read->format.json.removed, "gone");
  EXPECT_EQ(read->format.now, WallTime(microseconds(1234567)));
  EXPECT_EQ(read->origin, Origin::primary);
  const auto plain = read_order_from(to_octets(ReadOrder{}));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->format.scope || plain->format.origin || plain->format.now);

  const auto build = build_order_from(to_octets(build_order()));
  ASSERT_TRUE(build);
  EXPECT_EQ(build->key, 0xfedcba9876543210);
  EXPECT_EQ(build->now, build_order().now);
  ASSERT_EQ(build->zones.size(), 4U);
  EXPECT_EQ(build->zones[2].votes, std::nullopt);
  EXPECT_EQ(build->zones[3].votes, build_order().zones[3].votes);
  EXPECT_EQ(build->zones[0].image_zone, std::nullopt);
  EXPECT_EQ(build->zones[1].image_zone, 0);
  EXPECT_EQ(build->zones[2].image_zone, 1023);
  EXPECT_EQ(build->zones[1].input, 0xffffffff);

  const auto ended = outcome_from(to_octets(outcome()));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error, outcome().error);
  EXPECT_EQ(ended->facts.first_skipped, "line 7: x");
  EXPECT_EQ(ended->facts.soa->rdata, (Octets{1, 2}));
}

TEST(BuildOrders, ThatAreCutOrOfAnotherKindAreNone) {
  for (const Octets& whole :
       {to_octets(read_order()), to_octets(build_order()), to_octets(outcome())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const OctetView cut = OctetView(whole).first(size);
      EXPECT_FALSE(read_order_from(cut) || build_order_from(cut) || outcome_from(cut)) << size;
    }
    EXPECT_EQ(read_order_from(whole).has_value() + build_order_from(whole).has_value() +
                  outcome_from(whole).has_value(),
              1);
    // Whatever is changed: an answer, and no more.
    for (std::size_t at = 0; at < whole.size(); ++at) {
      Octets changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x80);
      read_order_from(changed);
      build_order_from(changed);
      outcome_from(changed);
    }
  }
}

}  // namespace
}  // namespace postern::feeds
