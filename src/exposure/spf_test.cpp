#include "exposure/spf.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using State = SpfWalk::State;

/// Walks, asking for what is wanted, and counts the questions.
struct Walked {
  SpfWalk walk;
  std::size_t asked = 0;
};
Walked walk(std::string_view zone) {
  testing::FakeDns dns(zone, testing::name("v.example"));
  Answers answers;
  Walked out;
  while (true) {
    out.walk = walk_spf(testing::name("v.example"), answers);
    if (out.walk.wanted.empty()) return out;
    for (const Question& question : out.walk.wanted) {
      EXPECT_FALSE(answers.contains(question));
      answers.emplace(question, dns.ask(question));
      ++out.asked;
    }
  }
}

std::vector<std::string> senders(const SpfWalk& walk) {
  std::vector<std::string> out;
  for (const SpfSender& sender : walk.senders) {
    out.push_back(sender.name.to_display() + (sender.is_direct ? "" : " (of others)"));
  }
  return out;
}

TEST(Spf, TermsAreRead) {
  const SpfText text = read_spf(
      "v=spf1 +a -mx:mail.example/24 ip4:192.0.2.1/24 ip6:2001:db8::/32 ~include:B.example "
      "?exists:%{i}.example ptr redirect=R.example exp=why.example all");
  EXPECT_TRUE(text.problems.empty());
  ASSERT_EQ(text.terms.size(), 10U);
  EXPECT_EQ(text.terms[1].domain, "mail.example");
  EXPECT_EQ(text.terms[1].qualifier, '-');
  EXPECT_EQ(text.terms[2].ip->to_text(), "192.0.2.0/24");
  EXPECT_EQ(text.terms[3].ip->to_text(), "2001:db8::/32");
  EXPECT_EQ(text.terms[4].domain, "b.example");
  EXPECT_EQ(text.terms[7].kind, SpfTermKind::redirect);
  EXPECT_EQ(text.terms[8].kind, SpfTermKind::other);
  EXPECT_EQ(text.terms[9].kind, SpfTermKind::all);
}

TEST(Spf, WhatIsNoTermIsNamed) {
  const SpfText text =
      read_spf("v=spf1 ip4:300.1.1.1 ip4:192.0.2.1/33 ip6:192.0.2.1 foo include: -");
  EXPECT_TRUE(text.terms.empty());
  EXPECT_EQ(text.problems.size(), 6U);
  EXPECT_EQ(text.problems.front(), "\"ip4:300.1.1.1\" is no term of SPF");
}

TEST(Spf, OnlyARecordOfThisVersionIsOne) {
  EXPECT_TRUE(is_spf("v=spf1"));
  EXPECT_TRUE(is_spf("V=SPF1 -all"));
  for (const char* other : {"", "v=spf10 -all", "v=spf1-all", " v=spf1", "spf2.0/pra"}) {
    EXPECT_FALSE(is_spf(other)) << other;
  }
}

TEST(Spf, IncludesAndRedirectsAreFollowed) {
  const Walked done = walk(
      "@ TXT \"v=spf1 ip4:203.0.113.0/28 include:_spf.v.example redirect=tail.example.\"\n"
      "_spf TXT \"v=spf1 mx include:mailer.example ?all\"\n"
      "mailer.example. TXT \"v=spf1 ip4:192.0.2.0/24 include:cloud.example -all\"\n"
      "cloud.example. TXT \"v=spf1 ip4:192.0.2.9 -all\"\n"
      "tail.example. TXT \"v=spf1 include:last.example ~all\"\n"
      "last.example. TXT \"v=spf1 -all\"\n");
  EXPECT_EQ(done.walk.state, State::whole);
  EXPECT_EQ(senders(done.walk), (std::vector<std::string>{
                                    "_spf.v.example", "mailer.example", "cloud.example (of others)",
                                    "tail.example", "last.example (of others)"}));
  EXPECT_EQ(done.walk.all, "~all");  // The redirect's, not an include's.
  EXPECT_EQ(done.walk.lookups, 6U);
  EXPECT_TRUE(done.walk.sends_by_mx);
  ASSERT_EQ(done.walk.addresses.size(), 1U);  // Those of services are not the domain's.
  EXPECT_EQ(done.walk.addresses.front().to_text(), "203.0.113.0/28");
  EXPECT_TRUE(done.walk.problems.empty()) << done.walk.problems.front();
}

TEST(Spf, EverythingBehindAllIsIgnored) {
  const Walked done = walk("@ TXT \"v=spf1 -all include:a.example redirect=b.example\"\n");
  EXPECT_TRUE(done.walk.senders.empty());
  EXPECT_EQ(done.walk.lookups, 0U);
  EXPECT_EQ(done.walk.all, "-all");
}

TEST(Spf, CirclesEnd) {
  const Walked direct = walk("@ TXT \"v=spf1 include:v.example -all\"\n");
  EXPECT_EQ(direct.walk.problems, std::vector<std::string>{"v.example leads back to itself"});
  const Walked round = walk(
      "@ TXT \"v=spf1 redirect=a.example\"\na.example. TXT \"v=spf1 include:b.example\"\n"
      "b.example. TXT \"v=spf1 include:a.example\"\n");
  EXPECT_EQ(round.walk.problems, std::vector<std::string>{"a.example leads back to itself"});
  EXPECT_EQ(round.asked, 3U);
}

TEST(Spf, TheBudgetHoldsAgainstBombs) {
  // Each includes the next two: without a budget a million questions.
  std::string zone = "@ TXT \"v=spf1 include:n0.v.example include:n1.v.example -all\"\n";
  for (int i = 0; i < 3'000; ++i) {
    zone += fmt::format("n{} TXT \"v=spf1 include:n{}.v.example include:n{}.v.example -all\"\n", i,
                        2 * i + 2, 2 * i + 3);
  }
  const Walked done = walk(zone);
  EXPECT_EQ(done.walk.state, State::whole);
  EXPECT_EQ(done.walk.lookups, kMaxSpfLookups + 1);
  EXPECT_LE(done.asked, 40U);  // By rounds, depth first: what was wanted before it was known.
  EXPECT_EQ(done.walk.problems,
            std::vector<std::string>{"more than 10 look-ups (RFC 7208 §4.6.4)"});
  // One record with a thousand includes.
  std::string wide = "@ TXT \"v=spf1\"";
  for (int i = 0; i < 300; ++i) wide += fmt::format(" \" include:w{}.example\"", i);
  EXPECT_LE(walk(wide + "\n").asked, 12U);
}

TEST(Spf, WhatCannotBeFollowedIsSaid) {
  const Walked done = walk(
      "@ TXT \"v=spf1 include:%{d}.macro.example include:gone.example include:dead.example "
      "include:a..b -all\"\n!fail dead.example\n");
  EXPECT_EQ(done.walk.problems,
            (std::vector<std::string>{
                "\"%{d}.macro.example\" depends on the sender", "gone.example has no SPF record",
                "dead.example: not known because SERVFAIL: no authority", "\"a..b\" is no name"}));
}

TEST(Spf, SeveralRecordsAreAProblem) {
  const Walked done = walk("@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 +all\"\n@ TXT \"other\"\n");
  EXPECT_EQ(done.walk.problems, std::vector<std::string>{"v.example has several SPF records"});
}

TEST(Spf, NoneAndNotKnownAreTwoThings) {
  EXPECT_EQ(walk("@ TXT \"other\"\n").walk.state, State::none);
  EXPECT_EQ(walk("!fail v.example\n").walk.state, State::unknown);
}

TEST(Spf, ARecordOfManyStringsIsOne) {
  const Walked done = walk("@ TXT \"v=spf1 include:_sp\" \"f.google.com -all\"\n");
  EXPECT_EQ(senders(done.walk), std::vector<std::string>{"_spf.google.com"});
}

}  // namespace
}  // namespace postern::exposure
