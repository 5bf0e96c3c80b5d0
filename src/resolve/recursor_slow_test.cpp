// Recursion and validation against real name servers: tests/support/internet.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "internet/private_internet.h"
#include "resolve/factory.h"
#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRType;
using testing::ask;
using testing::CollectingSink;
using testing::rcode_of;
using testing::records_of;
using testing::request;

/// One private internet for all tests of this file.
class RecursorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    internet_ = std::make_unique<test::PrivateInternet>();
    problem_ = internet_->start();
  }
  static void TearDownTestSuite() { internet_.reset(); }

  void SetUp() override {
    if (problem_.starts_with("skipped:")) GTEST_SKIP() << problem_;
    ASSERT_EQ(problem_, "");
  }

  static RecursorOptions options() {
    RecursorOptions out;
    out.trust_anchor_files = {internet_->path("root.ds")};
    out.root_hints_file = internet_->path("root.hints");
    out.query_localhost = true;
    return out;
  }

  std::unique_ptr<Resolver> make(const RecursorOptions& wanted) {
    auto made = make_recursor(wanted, log_);
    EXPECT_TRUE(made.has_value()) << made.error().text;
    return made ? std::move(*made) : nullptr;
  }

  static std::unique_ptr<test::PrivateInternet> internet_;
  static std::string problem_;
  NullLog log_;
};
std::unique_ptr<test::PrivateInternet> RecursorTest::internet_;
std::string RecursorTest::problem_;

TEST_F(RecursorTest, FindsAndValidates) {
  struct Case {
    const char* name;
    RRType type;
    Rcode rcode;
    Security security;
    const char* answer;
  };
  const Case cases[] = {
      {"www.signed.example", RRType::a, Rcode::noerror, Security::secure, "A 192.0.2.1"},
      {"www.signed.example", RRType::aaaa, Rcode::noerror, Security::secure, "AAAA 2001:db8::1"},
      {"txt.signed.example", RRType::txt, Rcode::noerror, Security::secure, "TXT \"hello\""},
      {"www.signed.example", RRType::mx, Rcode::noerror, Security::secure, ""},
      {"none.signed.example", RRType::a, Rcode::nxdomain, Security::secure, ""},
      {"none.nsec3.example", RRType::a, Rcode::nxdomain, Security::secure, ""},
      {"any.wild.signed.example", RRType::a, Rcode::noerror, Security::secure, "A 192.0.2.8"},
      {"alias.signed.example", RRType::a, Rcode::noerror, Security::secure,
       "CNAME www.signed.example.|A 192.0.2.1"},
      {"host.dname.signed.example", RRType::a, Rcode::noerror, Security::secure,
       "DNAME target.signed.example.|CNAME host.target.signed.example.|A 192.0.2.7"},
      {"www.insecure.example", RRType::a, Rcode::noerror, Security::insecure, "A 192.0.2.21"},
      {"none.insecure.example", RRType::a, Rcode::nxdomain, Security::insecure, ""},
      {"chain.signed.example", RRType::a, Rcode::noerror, Security::insecure,
       "CNAME hop1.signed.example.|CNAME hop2.insecure.example.|CNAME bad.malware.example.|A "
       "203.0.113.66"},
  };
  const auto recursor = make(options());
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    // Twice: the second answer comes out of libunbound's cache, from inside `resolve`'s wake-up.
    for (int round = 0; round < 2; ++round) {
      const Reply reply = ask(*recursor, request(c.name, c.type));
      EXPECT_EQ(rcode_of(reply), c.rcode);
      EXPECT_EQ(reply.security, c.security);
      EXPECT_EQ(records_of(reply), c.answer);
      EXPECT_EQ(reply.ede, std::nullopt);
      const auto view = dns::MessageView::parse(reply.message);
      ASSERT_TRUE(view.has_value());
      EXPECT_EQ(view->header().id, 0);
      EXPECT_TRUE(view->header().has(dns::flag::qr));
      EXPECT_FALSE(view->header().has(dns::flag::ad));
      EXPECT_FALSE(view->edns().has_value());
      ASSERT_TRUE(view->question().has_value());
      EXPECT_EQ(view->question()->qname, *dns::Name::from_text(c.name));
    }
  }
  const Reply with_signature = ask(*recursor, request("www.signed.example"));
  EXPECT_GE(testing::count_of(with_signature, RRType::rrsig), 1U);
  recursor->stop();
}

TEST_F(RecursorTest, BogusDataNeverLeavesUnlessAskedFor) {
  struct Case {
    const char* name;
    std::vector<EdeCode> ede;
  };
  const Case cases[] = {
      {"www.bogus.example", {EdeCode::dnskey_missing, EdeCode::dnssec_bogus}},
      {"www.expired.example", {EdeCode::signature_expired}},
      {"www.early.example", {EdeCode::signature_not_yet_valid}},
      {"www.nosig.example", {EdeCode::dnskey_missing, EdeCode::rrsigs_missing}},
  };
  const auto recursor = make(options());
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Reply refused = ask(*recursor, request(c.name));
    EXPECT_EQ(rcode_of(refused), Rcode::servfail);
    EXPECT_EQ(refused.security, Security::bogus);
    EXPECT_EQ(records_of(refused), "");
    EXPECT_EQ(records_of(refused, dns::Section::authority), "");
    ASSERT_TRUE(refused.ede.has_value());
    EXPECT_NE(std::find(c.ede.begin(), c.ede.end(), *refused.ede), c.ede.end())
        << dns::to_string(*refused.ede) << ": " << refused.ede_text;
    EXPECT_NE(refused.ede_text, "");
    EXPECT_LE(refused.ede_text.size(), 120U);

    Request careless = request(c.name);
    careless.checking_disabled = true;
    const Reply given = ask(*recursor, careless);
    EXPECT_EQ(rcode_of(given), Rcode::noerror);
    EXPECT_EQ(given.security, Security::bogus);
    EXPECT_EQ(records_of(given), "A 192.0.2.30");
  }
  recursor->stop();
}

TEST_F(RecursorTest, ValidationCanBeOffForAllOrForSomeZones) {
  RecursorOptions off = options();
  off.dnssec = false;
  const auto careless = make(off);
  const Reply unchecked = ask(*careless, request("www.bogus.example"));
  EXPECT_EQ(records_of(unchecked), "A 192.0.2.30");
  EXPECT_EQ(unchecked.security, Security::indeterminate);
  careless->stop();

  RecursorOptions some = options();
  some.insecure = {*dns::Name::from_text("bogus.example")};
  const auto lenient = make(some);
  const Reply trusted = ask(*lenient, request("www.bogus.example"));
  EXPECT_EQ(records_of(trusted), "A 192.0.2.30");
  EXPECT_EQ(trusted.security, Security::insecure);
  EXPECT_EQ(ask(*lenient, request("www.expired.example")).security, Security::bogus);
  lenient->stop();
}

TEST_F(RecursorTest, AnswersTooBigForUdpComeByTcp) {
  const auto recursor = make(options());
  const Reply reply = ask(*recursor, request("big.signed.example", RRType::txt));
  EXPECT_EQ(rcode_of(reply), Rcode::noerror);
  EXPECT_GT(reply.message.size(), 3000U);
  EXPECT_EQ(reply.security, Security::secure);
  recursor->stop();
}

TEST_F(RecursorTest, DeadServersAreGivenUpAtTheDeadline) {
  const auto recursor = make(options());
  const auto begin = testing::now();
  const Reply reply = ask(*recursor, request("www.dead.example", RRType::a, milliseconds(700)));
  const auto took = testing::now() - begin;
  EXPECT_EQ(rcode_of(reply), Rcode::servfail);
  EXPECT_EQ(reply.ede, EdeCode::no_reachable_authority);
  EXPECT_GE(took, milliseconds(690));
  EXPECT_LT(took, milliseconds(1700));
  // The thread is free for others while libunbound still tries.
  EXPECT_EQ(records_of(ask(*recursor, request("www.signed.example"))), "A 192.0.2.1");
  const Reply lame = ask(*recursor, request("www.lame.example"));
  EXPECT_EQ(rcode_of(lame), Rcode::servfail);
  EXPECT_EQ(lame.ede, EdeCode::no_reachable_authority);
  recursor->stop();
}

// A burst of questions that nobody will answer, more than run at once for one asker.
TEST_F(RecursorTest, ABurstForSilentServersLeavesRoomForOthers) {
  const auto recursor = make(options());
  CollectingSink sink;
  constexpr std::size_t kBurst = 2300;
  for (std::size_t i = 0; i < kBurst; ++i) {
    const std::string zone = i % 2 == 0 ? ".dead.example" : ".lame.example";
    Request one = request("n" + std::to_string(i) + zone, RRType::a, seconds(5));
    one.ticket = i;
    one.party = 1;
    ASSERT_TRUE(recursor->resolve(one, sink));
  }
  Request bystander = request("www.signed.example", RRType::a, seconds(3));
  bystander.party = 2;
  const auto begin = testing::now();
  EXPECT_EQ(records_of(ask(*recursor, bystander)), "A 192.0.2.1");
  EXPECT_LT(testing::now() - begin, seconds(3));
  ASSERT_TRUE(sink.wait_for(kBurst, seconds(10)));
  recursor->stop();
}

TEST_F(RecursorTest, WhatIsNotAQuestionForRecursionFailsAtOnce) {
  const auto recursor = make(options());
  Request chaos = request("version.bind", RRType::txt);
  chaos.question.qclass = dns::RRClass::ch;
  for (const Request& odd : {chaos, request("www.signed.example", RRType::axfr)}) {
    const Reply reply = ask(*recursor, odd);
    EXPECT_EQ(rcode_of(reply), Rcode::servfail);
    EXPECT_EQ(reply.ede, EdeCode::not_supported);
  }
  const Reply late = ask(*recursor, request("www.signed.example", RRType::a, milliseconds(-1)));
  EXPECT_EQ(rcode_of(late), Rcode::servfail);
  // A name with every kind of octet reaches libunbound as itself.
  const Reply odd_name = ask(*recursor, request("a\\.b\\000\\255\\\"\\(.signed.example"));
  EXPECT_EQ(rcode_of(odd_name), Rcode::nxdomain);
  recursor->stop();
}

TEST_F(RecursorTest, TwoThousandMissesAtOnceAllComeBack) {
  RecursorOptions two = options();
  two.threads = 2;
  for (const char* zone : {"signed", "insecure"}) {
    const auto recursor = make(two);
    CollectingSink sink;
    constexpr std::size_t kCount = 2000;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::string name = zone == std::string("signed")
                                   ? "h" + std::to_string(i / 2) + ".signed.example"
                                   : "n" + std::to_string(i) + ".many.insecure.example";
      Request one =
          request(name, i % 2 == 0 || zone[0] == 'i' ? RRType::a : RRType::aaaa, seconds(60));
      one.ticket = i;
      ASSERT_TRUE(recursor->resolve(one, sink));
    }
    ASSERT_TRUE(sink.wait_for(kCount, seconds(70)));
    std::size_t good = 0;
    for (std::size_t i = 0; i < kCount; ++i) good += rcode_of(sink.reply(i)) == Rcode::noerror;
    EXPECT_EQ(good, kCount);
    EXPECT_EQ(sink.doubled(), 0U);
    recursor->stop();
  }
}

TEST_F(RecursorTest, StoppingAnswersWhatIsUnderWay) {
  const auto recursor = make(options());
  CollectingSink sink;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    Request one = request("n" + std::to_string(i) + ".dead.example", RRType::a, seconds(30));
    one.ticket = i;
    accepted += recursor->resolve(one, sink);
  }
  recursor->stop();
  EXPECT_EQ(sink.size(), accepted);
  EXPECT_EQ(sink.doubled(), 0U);
  EXPECT_EQ(sink.reply(0).ede, EdeCode::not_ready);
  EXPECT_FALSE(recursor->resolve(request("www.signed.example"), sink));
}

TEST_F(RecursorTest, MistakesShowAtStart) {
  RecursorOptions no_hints = options();
  no_hints.root_hints_file = "/nonexistent/hints";
  EXPECT_FALSE(make_recursor(no_hints, log_).has_value());
  RecursorOptions no_anchor = options();
  no_anchor.trust_anchor_files = {"/nonexistent/anchor"};
  EXPECT_FALSE(make_recursor(no_anchor, log_).has_value());
  RecursorOptions built_in;
  EXPECT_TRUE(make_recursor(built_in, log_).has_value());
}

}  // namespace
}  // namespace postern::resolve
