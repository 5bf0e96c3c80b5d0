#include "policy/rule.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

TEST(ZoneRules, GivesBackWhatWasAdded) {
  ZoneRules rules;
  const Octets address = {192, 0, 2, 1};
  const std::uint32_t data =
      rules.add_local_data({{.type = dns::RRType::a, .ttl = 60, .rdata = address}});
  const Rule added[] = {
      {.name = name("bad.example"), .line = 1},
      {.name = name("."), .scope = Scope::below, .action = Action::pass, .line = 0xffffffff},
      {.name = name("Walled.Example"),
       .scope = Scope::at_and_below,
       .action = Action::local_data,
       .rank = Rank::important_pass,
       .line = 7,
       .data = data},
      {.name = name(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') +
                    "." + std::string(61, 'd')),
       .action = Action::tcp_only,
       .rank = Rank::pass},
  };
  for (const Rule& rule : added) rules.add(rule);

  ASSERT_EQ(rules.size(), std::size(added));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    SCOPED_TRACE(i);
    const Rule got = rules.at(i);
    EXPECT_EQ(got.name, added[i].name);
    EXPECT_EQ(got.scope, added[i].scope);
    EXPECT_EQ(got.action, added[i].action);
    EXPECT_EQ(got.rank, added[i].rank);
    EXPECT_EQ(got.line, added[i].line);
    EXPECT_EQ(got.data, added[i].data);
    EXPECT_EQ(rules.traits_at(i).scope, added[i].scope);
    EXPECT_EQ(rules.traits_at(i).action, added[i].action);
    EXPECT_EQ(rules.traits_at(i).rank, added[i].rank);
    EXPECT_EQ(Octets(rules.name_at(i).begin(), rules.name_at(i).end()),
              Octets(added[i].name.wire().begin(), added[i].name.wire().end()));
  }
  ASSERT_EQ(rules.local_data(data).size(), 1U);
  EXPECT_EQ(rules.local_data(data)[0].rdata, address);
}

TEST(ZoneRules, TakesSixteenOctetsBesideTheName) {
  ZoneRules rules;
  const Rule rule{.name = name("bad.example")};  // 13 octets.
  rules.reserve(1000, 13'000);
  for (int i = 0; i < 1000; ++i) rules.add(rule);
  EXPECT_LE(rules.memory_octets(), 29'000 + sizeof(ZoneRules));
}

TEST(RuleDeathTest, LocalDataMustBeAddedFirst) {
  ZoneRules rules;
  EXPECT_DEATH(rules.add({.name = name("a"), .action = Action::local_data, .data = 0}), "data");
}

TEST(Words, OfActionsAndBlockAnswers) {
  EXPECT_EQ(to_string(Action::pass), "pass");
  EXPECT_EQ(to_string(Action::block), "block");
  EXPECT_EQ(to_string(Action::nxdomain), "nxdomain");
  EXPECT_EQ(to_string(Action::nodata), "nodata");
  EXPECT_EQ(to_string(Action::refuse), "refuse");
  EXPECT_EQ(to_string(Action::drop), "drop");
  EXPECT_EQ(to_string(Action::tcp_only), "tcp_only");
  EXPECT_EQ(to_string(Action::local_data), "local_data");
  EXPECT_EQ(to_string(BlockAnswer::nxdomain), "nxdomain");
  EXPECT_EQ(to_string(BlockAnswer::nodata), "nodata");
  EXPECT_EQ(to_string(BlockAnswer::null_address), "null_address");
  EXPECT_EQ(to_string(BlockAnswer::sinkhole), "sinkhole");
  EXPECT_EQ(to_string(BlockAnswer::refused), "refused");
}

TEST(Rule, HasTheOwnerThatAPolicyZoneWouldGiveIt) {
  const auto owner = [](Trigger trigger, std::string_view text) {
    Rule rule{.trigger = trigger};
    if (has_prefix(trigger)) {
      rule.prefix = IpPrefix::from_text(text).value();
    } else {
      rule.name = dns::Name::from_text(text).value();
    }
    return rpz_owner(rule).to_text();
  };
  EXPECT_EQ(owner(Trigger::qname, "bad.example"), "bad.example.");
  EXPECT_EQ(owner(Trigger::nsdname, "ns.bad.example"), "ns.bad.example.rpz-nsdname.");
  EXPECT_EQ(owner(Trigger::client_ip, "192.0.2.1"), "32.1.2.0.192.rpz-client-ip.");
  EXPECT_EQ(owner(Trigger::response_ip, "10.0.0.0/8"), "8.0.0.0.10.rpz-ip.");
  EXPECT_EQ(owner(Trigger::nsip, "2001:db8::/32"), "32.zz.db8.2001.rpz-nsip.");
  EXPECT_EQ(owner(Trigger::nsip, "2001:db8:0:1:0:0:0:1"), "128.1.zz.1.0.db8.2001.rpz-nsip.");
  EXPECT_EQ(owner(Trigger::nsip, "1:2:3:4:5:6:7:8"), "128.8.7.6.5.4.3.2.1.rpz-nsip.");
  EXPECT_EQ(owner(Trigger::nsip, "::/0"), "0.zz.rpz-nsip.");
  // Too long with its suffix: without.
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(61, 'd') + ".";
  EXPECT_EQ(owner(Trigger::nsdname, longest), longest);
}

}  // namespace
}  // namespace postern::policy
