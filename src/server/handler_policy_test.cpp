// Decisions on what only an answer, or the servers behind it, can show.
#include "server/handler_fixture.h"

namespace postern::server {
namespace {

using dns::EdeCode;
using policy::Action;
using resolve::Security;
using testing::kClient;

class HandlerPolicyTest : public testing::HandlerTest {
 protected:
  /// Asks, and hands over what was resolved until nothing more is waited for.
  std::string ask_to_the_end(const testing::Ask& query) {
    std::string answer = ask(query);
    for (int round = 0; answer == "pending" && round < 10; ++round) {
      resolver_.answer_all();
      const auto late = take_late();
      if (!late.empty()) answer = late[0].substr(late[0].find(": ") + 2);
    }
    return answer;
  }
};

constexpr const char* kBlocked = "NXDOMAIN qr rd ra ede=15";

TEST_F(HandlerPolicyTest, AClientsAddressDecidesBeforeTheName) {
  set_policy(
      {{.options = {.name = "z"},
        .rules = {{"www.example", Action::pass}, {"client_ip: 192.0.2.0/24", Action::nxdomain}}}});
  EXPECT_TRUE(ask({}).starts_with(kBlocked));
  EXPECT_TRUE(resolver_.asked().empty());
  EXPECT_EQ(last_record().matched.to_text(), "24.0.2.0.192.rpz-client-ip.");
}

TEST_F(HandlerPolicyTest, AnAddressOfTheAnswerDecides) {
  set_policy({{.options = {.name = "z"}, .rules = {{"response_ip: 192.0.2.1", Action::nxdomain}}}});
  EXPECT_TRUE(ask_to_the_end({}).starts_with(kBlocked));
  EXPECT_EQ(last_record().matched.to_text(), "32.1.2.0.192.rpz-ip.");
  EXPECT_TRUE(last_record().matched_in_chain);
  // At the end of a chain, too; and nothing of the answer is shown.
  resolver_.set("alias.example. A", {.records = {"alias.example. 60 CNAME www.example.",
                                                 "www.example. 60 A 192.0.2.1"}});
  const std::string answer = ask_to_the_end({.name = "alias.example"});
  EXPECT_TRUE(answer.starts_with(kBlocked)) << answer;
  EXPECT_EQ(answer.find("192.0.2.1"), std::string::npos);
}

TEST_F(HandlerPolicyTest, WhereAnAnswerLedIsToldOnceIfItWasFoundAndLetPass) {
  set_policy({{.options = {.name = "z"}, .rules = {{"response_ip: 192.0.2.9", Action::nxdomain}}}});
  resolver_.set("alias.example. A", {.records = {"alias.example. 60 CNAME www.example.",
                                                 "www.example. 60 A 192.0.2.1"}});
  resolver_.set("bad.example. A", {.records = {"bad.example. 60 A 192.0.2.9"}});
  resolver_.set("gone.example. A", {.rcode = dns::Rcode::nxdomain});
  ask_to_the_end({.name = "bad.example"});
  ask_to_the_end({.name = "gone.example"});
  EXPECT_EQ(sink_.learnt(), std::vector<std::string>{});
  ask_to_the_end({.name = "alias.example"});
  ask_to_the_end({.name = "alias.example"});
  EXPECT_EQ(last_record().source, event::Source::cache);
  EXPECT_EQ(sink_.learnt(), std::vector<std::string>{"alias.example.: www.example. 192.0.2.1"});
}

TEST_F(HandlerPolicyTest, AnEarlierZoneOnAddressesIsHeardBeforeALaterOneOnNames) {
  const testing::ZoneSpec by_address{.options = {.name = "first"},
                                     .rules = {{"response_ip: 192.0.2.1", Action::pass}}};
  const testing::ZoneSpec by_name{
      .options = {.name = "second"},
      .rules = {{"www.example", Action::nxdomain}, {"gone.example", Action::nxdomain}}};
  set_policy({by_address, by_name});
  EXPECT_TRUE(ask_to_the_end({}).starts_with("NOERROR"));
  EXPECT_EQ(last_record().zone.view(), "first");
  // What cannot be found has no addresses: the later zone decides, and no failure shows.
  resolver_.set("gone.example. A", {.rcode = dns::Rcode::servfail});
  EXPECT_TRUE(ask_to_the_end({.name = "gone.example"}).starts_with(kBlocked));
  // The other way round nothing is looked up.
  set_policy({by_name, by_address});
  const std::size_t asked = resolver_.asked().size();
  EXPECT_TRUE(ask({}).starts_with(kBlocked));
  EXPECT_EQ(resolver_.asked().size(), asked);
}

TEST_F(HandlerPolicyTest, ServersAreAskedForWhereARuleWantsToKnowThem) {
  resolver_.set("a.b.example. A", {.records = {"a.b.example. 60 A 192.0.2.7"}});
  resolver_.set("a.b.example. NS", {});
  resolver_.set("b.example. NS", {.records = {"b.example. 60 NS ns.bad.test."}});
  resolver_.set("ns.bad.test. A", {.records = {"ns.bad.test. 60 A 203.0.113.9"}});
  resolver_.set("ns.bad.test. AAAA", {});
  set_policy({{.options = {.name = "z"}, .rules = {{"nsdname: bad.test", Action::nxdomain}}}});
  EXPECT_TRUE(ask_to_the_end({.name = "a.b.example"}).starts_with(kBlocked));
  EXPECT_EQ(last_record().matched.to_text(), "bad.test.rpz-nsdname.");
  set_policy({{.options = {.name = "z"}, .rules = {{"nsip: 203.0.113.0/24", Action::nxdomain}}}});
  EXPECT_TRUE(ask_to_the_end({.name = "a.b.example"}).starts_with(kBlocked));
  // Known by now: decided at once.
  EXPECT_TRUE(ask({.name = "a.b.example"}).starts_with(kBlocked));
  set_policy({{.options = {.name = "z"}, .rules = {{"nsip: 198.51.100.0/24", Action::nxdomain}}}});
  EXPECT_TRUE(ask_to_the_end({.name = "a.b.example"}).starts_with("NOERROR"));
}

TEST_F(HandlerPolicyTest, ABlockedNameIsResolvedFirstOrNotAsIsWished) {
  const testing::ZoneSpec by_address{.options = {.name = "first"},
                                     .rules = {{"response_ip: 192.0.2.1", Action::pass}}};
  testing::ZoneSpec by_name{.options = {.name = "second", .qname_wait = policy::QnameWait::never},
                            .rules = {{"www.example", Action::nxdomain}}};
  set_policy({by_address, by_name});
  EXPECT_TRUE(ask({}).starts_with(kBlocked));
  EXPECT_TRUE(resolver_.asked().empty());
  // Where no zone could decide otherwise, too.
  by_name.options.qname_wait = policy::QnameWait::always;
  set_policy({by_name});
  EXPECT_TRUE(ask_to_the_end({}).starts_with(kBlocked));
  EXPECT_EQ(resolver_.asked().size(), 1U);
  EXPECT_EQ(last_record().zone.view(), "second");
}

TEST_F(HandlerPolicyTest, ServersOfNamesWithFewDotsAreLookedAtIfWished) {
  resolver_.set("b.example. A", {.records = {"b.example. 60 A 192.0.2.7"}});
  resolver_.set("b.example. NS", {});
  resolver_.set("example. NS", {.records = {"example. 60 NS ns.bad.test."}});
  set_policy({{.options = {.name = "z"}, .rules = {{"nsdname: bad.test", Action::nxdomain}}}});
  EXPECT_TRUE(ask_to_the_end({.name = "b.example"}).starts_with("NOERROR"));
  settings_value_.min_ns_dots = 0;
  publish_settings();
  EXPECT_TRUE(ask_to_the_end({.name = "b.example"}).starts_with(kBlocked));
}

TEST_F(HandlerPolicyTest, ServersThatCannotBeFoundInTimeMatchNothing) {
  resolver_.set("b.example. A", {.records = {"b.example. 60 A 192.0.2.7"}});
  set_policy({{.options = {.name = "z"}, .rules = {{"nsdname: bad.test", Action::nxdomain}}}});
  EXPECT_EQ(ask({.name = "b.example"}), "pending");
  resolver_.answer_all();  // The NS question is not in its table: never answered.
  EXPECT_TRUE(take_late().empty());
  pass(seconds(5));
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].starts_with("0: NOERROR")) << late[0];
  EXPECT_EQ(handler_->stats().servers_unknown.value(), 1U);
}

TEST_F(HandlerPolicyTest, WhatNobodyWaitsForIsAskedForAllTheSame) {
  resolver_.set("b.example. A", {.records = {"b.example. 60 A 192.0.2.7"}});
  resolver_.set("b.example. NS", {.records = {"b.example. 60 NS ns.bad.test."}});
  resolver_.set("ns.bad.test. A", {.records = {"ns.bad.test. 60 A 203.0.113.9"}});
  resolver_.set("ns.bad.test. AAAA", {});
  set_policy({{.options = {.name = "z", .nsip_wait = false},
               .rules = {{"nsip: 203.0.113.0/24", Action::nxdomain}}}});
  // The names of servers are not known, then their addresses are not: each time one more is.
  EXPECT_TRUE(ask_through({.name = "b.example"}).starts_with("NOERROR"));
  EXPECT_EQ(resolver_.asked(), (std::vector<std::string>{"b.example. A", "b.example. NS"}));
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_TRUE(ask({.name = "b.example"}).starts_with("NOERROR"));
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_TRUE(ask({.name = "b.example"}).starts_with(kBlocked));
  EXPECT_EQ(resolver_.asked().size(), 4U);
}

TEST_F(HandlerPolicyTest, WithoutRecursionNothingIsRewrittenNorTold) {
  const testing::ZoneSpec list{
      .options = {.name = "list"},
      .rules = {{"www.example", Action::nxdomain}, {"quiet.example", Action::drop}}};
  set_policy({list});
  constexpr const char* kRefused = "REFUSED qr ra ede=20";
  EXPECT_EQ(ask({.flags = 0}), kRefused);
  EXPECT_EQ(ask({.name = "quiet.example", .flags = 0}), kRefused);
  EXPECT_EQ(last_record().disposition, event::Disposition::refused);
  EXPECT_TRUE(last_record().zone.empty());
  testing::ZoneSpec open = list;
  open.options = {.name = "open", .recursive_only = false};
  set_policy({list, open});
  EXPECT_TRUE(ask({.flags = 0}).starts_with("NXDOMAIN qr ra ede=15"));
  EXPECT_EQ(last_record().zone.view(), "open");
  EXPECT_EQ(ask({.name = "quiet.example", .flags = 0}), "silent");
  EXPECT_TRUE(resolver_.asked().empty());
}

TEST_F(HandlerPolicyTest, SignedAnswersAreLeftAloneIfWished) {
  const std::string signature =
      "www.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA";
  resolver_.set("www.example. A", {.records = {"www.example. 300 A 192.0.2.1", signature},
                                   .security = Security::secure});
  testing::ZoneSpec list{.options = {.name = "z", .break_dnssec = false},
                         .rules = {{"www.example", Action::nxdomain}}};
  set_policy({list});
  EXPECT_TRUE(ask_to_the_end({}).starts_with(kBlocked));
  EXPECT_TRUE(resolver_.asked().empty());
  const std::string answer = ask_to_the_end({.dnssec_ok = true});
  EXPECT_TRUE(answer.starts_with("NOERROR qr rd ra ad do | www.example. 300 A")) << answer;
  EXPECT_EQ(last_record().disposition, event::Disposition::answered);
  EXPECT_TRUE(last_record().zone.empty());
  list.options.break_dnssec = true;
  set_policy({list});
  EXPECT_TRUE(ask({.dnssec_ok = true}).starts_with("NXDOMAIN qr rd ra do ede=15"));
}

TEST_F(HandlerPolicyTest, AListsOwnPassTellsOtherListsNothing) {
  const testing::ZoneSpec passing{
      .options = {.name = "list", .pass_is_own = true},
      .rules = {{"www.example", Action::pass}, {"example", Action::nxdomain}}};
  set_policy({passing});
  EXPECT_TRUE(ask_to_the_end({}).starts_with("NOERROR"));
  set_policy(
      {passing, {.options = {.name = "other"}, .rules = {{"=www.example", Action::nxdomain}}}});
  EXPECT_TRUE(ask({}).starts_with(kBlocked));
  EXPECT_EQ(last_record().zone.view(), "other");
}

}  // namespace
}  // namespace postern::server
