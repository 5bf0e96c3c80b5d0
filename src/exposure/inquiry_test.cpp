#include "exposure/inquiry.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exposure/limits.h"
#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using dns::RRType;
using testing::name;

const Nonces kNonces{"xnobodymadethis", "xnorthis"};

struct Ended {
  Inquiry inquiry;
  std::size_t asked;
};
Ended bring(std::string_view zone) {
  static const Pack pack = testing::built_in();
  testing::FakeDns dns(zone, name("v.example"));
  Inquiry inquiry(name("v.example"), pack, kNonces);
  testing::bring_to_end(inquiry, dns);
  EXPECT_TRUE(inquiry.is_done());
  return {std::move(inquiry), dns.asked()};
}

TEST(Inquiry, AsksForWhatTheVerdictNeeds) {
  const Ended done = bring(
      "@ MX 10 mail\nmail A 203.0.113.25\nautodiscover A 203.0.113.26\n"
      "@ TXT \"v=spf1 include:a.example -all\"\n");
  for (const auto& [who, type] : std::initializer_list<std::pair<const char*, RRType>>{
           {"v.example", RRType::mx},
           {"v.example", RRType::txt},
           {"v.example", RRType::a},
           {"autodiscover.v.example", RRType::a},
           {"autodiscover.v.example", RRType::aaaa},
           {"_autodiscover._tcp.v.example", RRType::srv},
           {"_sipfederationtls._tcp.v.example", RRType::srv},
           {"_sip._tls.v.example", RRType::srv},
           {"_dmarc.v.example", RRType::txt},
           {"_mta-sts.v.example", RRType::txt},
           {"selector1._domainkey.v.example", RRType::txt},
           {"google._domainkey.v.example", RRType::txt},
           {"enterpriseregistration.v.example", RRType::cname},
           {"lyncdiscover.v.example", RRType::cname},
           {"msoid.v.example", RRType::cname},
           {"owa.v.example", RRType::a},
           {"mail.v.example", RRType::a},
           {"a.example", RRType::txt},
           {"25.113.0.203.in-addr.arpa", RRType::ptr},
           {"26.113.0.203.in-addr.arpa", RRType::ptr},
           {"xnobodymadethis.v.example", RRType::a},
           {"xnorthis.v.example", RRType::a}}) {
    EXPECT_NE(find_answer(done.inquiry.answers(), {name(who), type}), nullptr) << who;
  }
  EXPECT_LT(done.asked, 120U);
  // DANE is not asked for where nothing is signed.
  EXPECT_EQ(find_answer(done.inquiry.answers(), {name("_25._tcp.mail.v.example"), RRType::tlsa}),
            nullptr);
}

TEST(Inquiry, AsksNothingBelowANameThatIsNotThere) {
  EXPECT_EQ(bring("other.example. A 192.0.2.1\n").asked, 1U);
}

TEST(Inquiry, LeavesADeadDomainSoon) {
  EXPECT_EQ(bring("!fail v.example\n").asked, 3U);
}

TEST(Inquiry, NeverAsksTwiceNorTooMuch) {
  // Fifty exchangers with fifty addresses each, and SPF without end.
  std::string zone = "!secure v.example\n@ TXT \"v=spf1 include:n0.v.example -all\"\n";
  for (int i = 0; i < 50; ++i) {
    zone +=
        fmt::format("@ MX {0} m{0}\nn{0} TXT \"v=spf1 include:n{1}.v.example -all\"\n", i, i + 1);
    for (int j = 0; j < 50; ++j) zone += fmt::format("m{} A 192.0.{}.{}\n", i, i, j);
  }
  const Ended done = bring(zone);
  EXPECT_LE(done.asked, kMaxQuestions);
  EXPECT_EQ(exchangers(name("v.example"), done.inquiry.answers()).size(), kMaxExchangers);
}

TEST(Inquiry, KeepsNoMoreThanItsBounds) {
  std::string zone = "@ MX 0 .\n";
  for (int i = 0; i < 3'000; ++i) zone += fmt::format("@ TXT \"{}\"\n", i);
  for (const char* label : {"selector1", "selector2", "google", "fm1", "protonmail"}) {
    for (int i = 0; i < 1'000; ++i) zone += fmt::format("{}._domainkey TXT \"{}\"\n", label, i);
  }
  const Ended done = bring(zone);
  std::size_t kept = 0, left_out = 0;
  for (const auto& [question, answer] : done.inquiry.answers()) {
    kept += answer.records.size();
    left_out += answer.left_out;
  }
  EXPECT_LE(kept, kMaxRecordsKept);
  EXPECT_GE(left_out, 5'000U);
}

TEST(Inquiry, GivenUpItIsDoneAndKnowsNothing) {
  const Pack pack = testing::built_in();
  Inquiry inquiry(name("v.example"), pack, kNonces);
  inquiry.give_up("the time was over");
  EXPECT_TRUE(inquiry.is_done());
  EXPECT_EQ(judge(inquiry, pack).because.front(), "not known because the time was over");
  Inquiry later(name("v.example"), pack, kNonces);
  ASSERT_EQ(later.next().size(), 1U);
  EXPECT_FALSE(later.is_done());
  later.give_up("the time was over");
  EXPECT_TRUE(later.is_done());
}

TEST(Inquiry, AnswersNobodyAskedForAreDropped) {
  const Pack pack = testing::built_in();
  Inquiry inquiry(name("v.example"), pack, kNonces);
  inquiry.take({name("other.example"), RRType::a}, unknown_answer("x"));
  EXPECT_TRUE(inquiry.answers().empty());
}

TEST(Wildness, IsToldByTwoNamesThatNobodyMade) {
  struct Case {
    const char* zone;
    Wildness wildness;
  };
  const Question question{name("autodiscover.v.example"), RRType::a};
  const Case cases[] = {
      {"@ MX 1 m\nautodiscover A 192.0.2.1\n", Wildness::own},
      {"@ MX 1 m\n* A 192.0.2.1\n", Wildness::wildcard},
      {"@ MX 1 m\n* A 192.0.2.1\nautodiscover A 192.0.2.2\n", Wildness::own},
      {"@ MX 1 m\n* A 192.0.2.1\nautodiscover A 192.0.2.1\n", Wildness::wildcard},
      {"@ MX 1 m\n* CNAME x.example.\n", Wildness::wildcard},
      {"@ MX 1 m\n* CNAME x.example.\nautodiscover CNAME y.example.\n", Wildness::own},
      // Two names with other data each: every name may be so.
      {"@ MX 1 m\nautodiscover A 192.0.2.1\nxnobodymadethis A 192.0.2.2\nxnorthis A 192.0.2.3\n",
       Wildness::wildcard},
      {"@ MX 1 m\nautodiscover A 192.0.2.1\n!fail xnorthis.v.example\n", Wildness::unknown},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.zone);
    const Ended done = bring(each.zone);
    EXPECT_EQ(wildness_of(question, done.inquiry.answers(), kNonces), each.wildness);
  }
}

TEST(Reverse, NamesOfAddresses) {
  EXPECT_EQ(reverse_question(*IpAddress::from_text("192.0.2.10")).name.to_display(),
            "10.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_question(*IpAddress::from_text("2001:db8::567:89ab")).name.to_display(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Exchangers, AreSortedAndEachOnce) {
  const Ended done = bring("@ MX 20 b\n@ MX 10 a\n@ MX 30 a\n@ MX 5 .\n");
  EXPECT_EQ(exchangers(name("v.example"), done.inquiry.answers()),
            (std::vector<dns::Name>{name("a.v.example"), name("b.v.example")}));
}

TEST(Addresses, Neighbours) {
  const auto at = [](const char* text) { return *IpAddress::from_text(text); };
  EXPECT_TRUE(are_neighbours(at("203.0.113.1"), at("203.0.113.254")));
  EXPECT_FALSE(are_neighbours(at("203.0.113.1"), at("203.0.114.1")));
  EXPECT_TRUE(are_neighbours(at("2001:db8:5:1::1"), at("2001:db8:5:ffff::1")));
  EXPECT_FALSE(are_neighbours(at("2001:db8:5::1"), at("2001:db8:6::1")));
  EXPECT_FALSE(are_neighbours(at("203.0.113.1"), at("2001:db8::1")));
  for (const char* inside : {"10.0.0.1", "172.31.255.1", "192.168.1.1", "100.64.1.1", "127.0.0.1",
                             "169.254.1.1", "fd00::1", "fe80::1", "::1", "::"}) {
    EXPECT_TRUE(is_internal_address(at(inside))) << inside;
  }
  for (const char* outside : {"203.0.113.1", "172.32.0.1", "11.0.0.1", "2001:db8::1"}) {
    EXPECT_FALSE(is_internal_address(at(outside))) << outside;
  }
}

}  // namespace
}  // namespace postern::exposure
