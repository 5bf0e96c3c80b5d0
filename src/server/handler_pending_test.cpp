// Questions under way: who waits, until when, and what comes of it.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "server/handler.h"
#include "server/handler_fixture.h"
#include "server/testing.h"

namespace postern::server {
namespace {

using dns::Rcode;
using dns::RRType;
using policy::Action;
using testing::HandlerTest;

TEST_F(HandlerTest, AWaiterForARewrittenNameAsksAnewWhenTheRuleGoes) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"www.example", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 9 A 203.0.113.1"}});
  EXPECT_EQ(ask({}), "pending");
  set_policy({});
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  resolver_.answer_all();
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0], "0: NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

// A query that waits for a rewriting rule's target, while the question's own answer expires.
TEST_F(HandlerTest, AWaiterForARewrittenNameEndsAtItsDeadline) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"20 CNAME garden.slow."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 1 CNAME bad.tracker.",
                                                  "bad.tracker. 1 A 192.0.2.66"}});
  EXPECT_EQ(ask({.name = "alias1.example"}), "pending");
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(resolver_.asked().back(), "garden.slow. A");
  pass(milliseconds(4999));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  // Blocked it is, and says so, though there is nothing to show instead.
  EXPECT_TRUE(late[0].starts_with("0: SERVFAIL qr rd ra ede=15 'Blocked by feed walled (trace "))
      << late[0];
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
  EXPECT_EQ(last_record().ede, 15);
  EXPECT_FALSE(handler_->has_waiters());
  EXPECT_GT(*handler_->next_due(), mono_);
}

// Both are there, but expired, and the question's again so while its rule's target is waited for.
TEST_F(HandlerTest, StaleAnswersOfBothNamesOfARewriteServeAtOneTime) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 1 CNAME bad.tracker.",
                                                  "bad.tracker. 1 A 192.0.2.66"}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 9 A 203.0.113.1"}});
  ask_through({.name = "garden.example"});
  ask_through({.name = "alias1.example"});
  pass(seconds(100));
  EXPECT_EQ(ask({.name = "alias1.example", .edns = false}), "pending");
  pass(milliseconds(500));
  resolver_.answer_all();  // The question's; its rule's target is asked for only now.
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1300));
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].substr(late[0].find(": ")),
            ": NOERROR qr rd ra no-edns | alias1.example. 20 CNAME garden.example. | "
            "garden.example. 30 A 203.0.113.1");
}

TEST_F(HandlerTest, AQueryWhoseAnswersCannotBeKeptAsksForEachOnce) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"0 CNAME garden.example."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 0 CNAME bad.tracker.",
                                                  "bad.tracker. 0 A 192.0.2.66"}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 0 A 203.0.113.1"}});
  EXPECT_EQ(ask({.name = "alias1.example"}), "pending");
  std::vector<std::string> late;
  for (int i = 0; i < 100 && late.empty(); ++i) {
    resolver_.answer_all();
    late = take_late();
  }
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].starts_with("0: NOERROR qr rd ra ede=15 'Blocked by feed walled")) << late[0];
  EXPECT_TRUE(
      late[0].ends_with("| alias1.example. 10 CNAME garden.example. | "
                        "garden.example. 0 A 203.0.113.1"))
      << late[0];
  // Each question once, and the query counts once.
  EXPECT_EQ(resolver_.asked(),
            (std::vector<std::string>{"alias1.example. A", "garden.example. A"}));
  const auto local_data = static_cast<std::size_t>(Action::local_data);
  EXPECT_EQ(handler_->stats().blocked[local_data].value(), 1U);
}

TEST_F(HandlerTest, WithoutAWaitForStaleAnswersTheirRefreshIsKept) {
  settings_value_.stale_after_ms = 0;
  publish_settings();
  ask_through({});
  pass(seconds(400));
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

TEST_F(HandlerTest, WaitersUnderALongerDeadlineHearWhenTheQuestionIsForgotten) {
  EXPECT_EQ(ask({}), "pending");
  settings_value_.answer_deadline_ms = 60'000;
  publish_settings();
  pass(milliseconds(4900));
  EXPECT_EQ(ask({}, event::Transport::tcp), "pending");
  pass(milliseconds(10'099));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            (std::vector<std::string>{"0: SERVFAIL qr rd ra ede=22 'no answer in time'",
                                      "1: SERVFAIL qr rd ra ede=22 'no answer in time'"}));
  EXPECT_EQ(handler_->stats().timeouts.value(), 2U);
  EXPECT_EQ(handler_->next_due(), std::nullopt);
}

TEST_F(HandlerTest, ARewriteThatCannotBeAskedForStillSaysBlocked) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"www.example", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set_full(true);
  const std::string got = ask({});
  EXPECT_TRUE(got.starts_with("SERVFAIL qr rd ra ede=15 'Blocked by feed walled (trace ")) << got;
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
}

TEST_F(HandlerTest, EqualQuestionsAreAskedOnceAndEachIsAnsweredByItsOwnTerms) {
  resolver_.set("www.example. A",
                {.records = {"www.example. 300 A 192.0.2.1",
                             "www.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 "
                             "example. AAAA"},
                 .security = resolve::Security::secure});
  constexpr std::uint16_t rd = dns::flag::rd;
  EXPECT_EQ(ask({.edns = false}), "pending");
  EXPECT_EQ(ask({.name = "WWW.example", .flags = rd | dns::flag::ad}), "pending");
  EXPECT_EQ(ask({.dnssec_ok = true}), "pending");
  EXPECT_EQ(ask({.flags = rd | dns::flag::cd}), "pending");
  EXPECT_EQ(resolver_.asked(), (std::vector<std::string>{"www.example. A", "www.example. A cd"}));
  EXPECT_EQ(handler_->stats().coalesced.value(), 2U);
  resolver_.answer_all();
  const auto late = take_late();
  ASSERT_EQ(late.size(), 4U);
  EXPECT_EQ(late[0], "0: NOERROR qr rd ra no-edns | www.example. 300 A 192.0.2.1");
  EXPECT_EQ(late[1], "1: NOERROR qr rd ra ad | www.example. 300 A 192.0.2.1");
  EXPECT_TRUE(
      late[2].starts_with("2: NOERROR qr rd ra ad do | www.example. 300 A 192.0.2.1 | "
                          "www.example. 300 RRSIG A 13"))
      << late[2];
  EXPECT_EQ(late[3], "3: NOERROR qr rd ra cd | www.example. 300 A 192.0.2.1");
  // All three variants are cached.
  EXPECT_TRUE(ask({.dnssec_ok = true}).starts_with("NOERROR qr rd ra ad do"));
  EXPECT_EQ(ask({.edns = false}), "NOERROR qr rd ra no-edns | www.example. 300 A 192.0.2.1");
  EXPECT_TRUE(ask({.flags = rd | dns::flag::cd}).starts_with("NOERROR"));
}

TEST_F(HandlerTest, RepliesOutOfOrderReachTheirOwn) {
  resolver_.set("a.example. A", {.records = {"a.example. 60 A 192.0.2.1"}});
  resolver_.set("b.example. A", {.records = {"b.example. 60 A 192.0.2.2"}});
  EXPECT_EQ(ask({.name = "a.example"}), "pending");
  EXPECT_EQ(ask({.name = "b.example"}), "pending");
  resolver_.answer_all(true);
  EXPECT_EQ(take_late(),
            (std::vector<std::string>{"1: NOERROR qr rd ra | b.example. 60 A 192.0.2.2",
                                      "0: NOERROR qr rd ra | a.example. 60 A 192.0.2.1"}));
}

TEST_F(HandlerTest, AReplyFromInsideResolveIsFine) {
  resolver_.set_immediate(true);
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(take_late().size(), 1U);
}

TEST_F(HandlerTest, FailuresAreCachedForAShortWhile) {
  resolver_.set("www.example. A", {.rcode = Rcode::servfail});
  EXPECT_EQ(ask_through({}), "SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(ask({}), "SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(resolver_.asked().size(), 1U);
  pass(seconds(cache_.failure_ttl_s) + milliseconds(1));
  EXPECT_EQ(ask({}), "pending");
  resolver_.answer_all();
  take_late();
  // Whatever an upstream means by another code, for our client it is a failure.
  resolver_.set("r.example. A", {.rcode = Rcode::refused});
  EXPECT_EQ(ask_through({.name = "r.example"}), "SERVFAIL qr rd ra ede=22");
}

// Too much under way, no time left, stopping: that is no word on the name.
TEST_F(HandlerTest, OurOwnTroubleIsNotKeptAsTheNames) {
  resolve::Reply reply;
  reply.kind = resolve::ReplyKind::not_tried;
  reply.message =
      testing::message_of({*dns::Name::from_text("www.example"), RRType::a}, Rcode::servfail, {});
  reply.ede = dns::EdeCode::other;
  reply.ede_text = "too many questions under way";
  const auto trouble = [&](std::uint64_t serial) {
    reply.ticket = serial << 32;
    handler_->on_reply(reply, now());
    return take_late();
  };
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(trouble(1),
            std::vector<std::string>{"0: SERVFAIL qr rd ra ede=0 'too many questions under way'"});
  EXPECT_EQ(ask({}), "pending");
  resolver_.answer_all();  // The first is late: it is forgotten.
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"1: NOERROR qr rd ra | www.example. 300 A 192.0.2.1"});
  // Where there is something stale that serves, and its refresh is tried again at once.
  pass(seconds(400));
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(trouble(3),
            std::vector<std::string>{"2: NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1"});
  EXPECT_EQ(ask({}), "pending");
}

TEST_F(HandlerTest, AReplyToAnotherQuestionIsAFailure) {
  EXPECT_EQ(ask({}), "pending");
  resolve::Reply reply;
  reply.ticket = (std::uint64_t{1} << 32) | 0;
  reply.message = testing::message_of({*dns::Name::from_text("evil.example"), RRType::a}, {},
                                      {"evil.example. 60 A 192.0.2.66"});
  for (int i = 0; i < 2; ++i) handler_->on_reply(reply, now());
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0], "0: SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(handler_->stats().late_replies.value(), 1U);
}

TEST_F(HandlerTest, WithoutAReplyServfailAtTheDeadline) {
  EXPECT_EQ(ask({}), "pending");
  ASSERT_TRUE(handler_->next_due().has_value());
  EXPECT_EQ(*handler_->next_due(), mono_ + milliseconds(5000));
  pass(milliseconds(4999));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"0: SERVFAIL qr rd ra ede=22 'no answer in time'"});
  EXPECT_EQ(last_record().latency_us, 5'000'000U);
  EXPECT_EQ(handler_->stats().timeouts.value(), 1U);
  // What comes after all is cached.
  EXPECT_FALSE(handler_->has_waiters());
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_TRUE(ask({}).starts_with("NOERROR"));
}

TEST_F(HandlerTest, AQuestionWhoseReplyNeverComesIsForgotten) {
  EXPECT_EQ(ask({}), "pending");
  pass(seconds(6));
  take_late();
  // Still under way: neither asked again nor waited for.
  EXPECT_EQ(ask({}), "SERVFAIL qr rd ra ede=22 'no answer in time'");
  EXPECT_EQ(resolver_.asked().size(), 1U);
  pass(seconds(30));
  take_late();
  EXPECT_EQ(handler_->next_due(), std::nullopt);
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(resolver_.asked().size(), 2U);
}

TEST_F(HandlerTest, StaleAnswersServeWhenTheResolverIsSlow) {
  ask_through({});
  pass(seconds(400));
  EXPECT_EQ(ask({}), "pending");
  pass(milliseconds(1799));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"1: NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1"});
  EXPECT_EQ(last_record().source, event::Source::stale);
  // Others need not wait as long again.
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  // The resolution goes on, and its result is cached.
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

TEST_F(HandlerTest, AStaleAnswerIsBetterThanAFailureAndIsNotRetriedAtOnce) {
  ask_through({});
  resolver_.set("www.example. A", {.rcode = Rcode::servfail});
  pass(seconds(400));
  EXPECT_EQ(ask_through({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(resolver_.asked().size(), 2U);
  pass(seconds(31));
  EXPECT_EQ(ask({}), "pending");
}

TEST_F(HandlerTest, AFullResolverGivesStaleOrServfail) {
  ask_through({});
  pass(seconds(400));
  resolver_.set_full(true);
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(ask({.name = "other.example"}),
            "SERVFAIL qr rd ra ede=14 'too many questions under way'");
  EXPECT_EQ(handler_->next_due(), std::nullopt);
}

TEST_F(HandlerTest, WaitersForOneQuestionAreBounded) {
  for (std::size_t i = 0; i < limits::kWaitersPerQuestion; ++i) ASSERT_EQ(ask({}), "pending");
  EXPECT_TRUE(ask({}).starts_with("SERVFAIL qr rd ra ede=14"));
  resolver_.answer_all();
  EXPECT_EQ(take_late().size(), limits::kWaitersPerQuestion);
}

TEST_F(HandlerTest, QuestionsUnderWayAreBounded) {
  const auto fill = [&](std::uint8_t client, std::size_t most) {
    std::size_t count = 0;
    for (std::string got = "pending"; count < most; ++count) {
      const std::string name = "n" + std::to_string(count) + ".c" + std::to_string(client);
      got = send(testing::query_of({.name = name}), event::Transport::udp,
                 IpAddress::v4(192, 0, 2, client));
      if (got != "pending") break;
    }
    return count;
  };
  // One client alone may have half of all, and others are served all the same.
  EXPECT_EQ(fill(1, limits::kPendingQuestions), limits::kPendingQuestions / 2);
  resolver_.set("bystander.example. A", {.records = {"bystander.example. 60 A 192.0.2.9"}});
  EXPECT_EQ(ask_through({.name = "bystander.example"}),
            "NOERROR qr rd ra | bystander.example. 60 A 192.0.2.9");
  EXPECT_EQ(ask({.name = "slow.example"}), "pending");
  const std::size_t share = limits::kPendingQuestions / 8;
  for (std::uint8_t client = 2; client <= 4; ++client) EXPECT_EQ(fill(client, share), share);
  EXPECT_EQ(fill(5, share), share - 1);
  EXPECT_TRUE(ask({.name = "more.example"}).starts_with("SERVFAIL qr rd ra ede=14"));
  pass(seconds(5));
  EXPECT_EQ(take_late().size(), limits::kPendingQuestions);
}

// An answer over TCP makes its connection go on, and with it much else.
TEST_F(HandlerTest, AReplyFromInsideAnAnswerLosesNobody) {
  EXPECT_EQ(ask({}), "pending");
  pass(milliseconds(10));
  EXPECT_EQ(ask({}), "pending");
  on_answer_ = [this] {
    resolver_.answer_all();
    for (resolve::Reply& reply : std::exchange(replies_, {})) {
      handler_->on_reply(std::move(reply), now());
    }
  };
  pass(milliseconds(4990));
  EXPECT_EQ(take_late().size(), 2U);
  EXPECT_FALSE(handler_->has_waiters());
}

// Who waits with others for one question has a share of the waiters too.
TEST_F(HandlerTest, WaitersOfOneClientLeaveRoomForOthers) {
  std::size_t count = 0;
  for (int name = 0; ask({.name = "n" + std::to_string(name) + ".example"}) == "pending"; ++name) {
    for (std::size_t i = 1; i < limits::kWaitersPerQuestion; ++i) {
      if (ask({.name = "n" + std::to_string(name) + ".example"}) != "pending") break;
      ++count;
    }
    ++count;
  }
  EXPECT_EQ(count, limits::kWaiters / 2);
  EXPECT_EQ(send(testing::query_of({.name = "n0.other"}), event::Transport::udp,
                 IpAddress::v4(192, 0, 2, 99)),
            "pending");
}

TEST_F(HandlerTest, PopularAnswersAreRefreshedBeforeTheyEnd) {
  ask_through({});
  pass(seconds(290));
  std::size_t asked = 0;
  for (int i = 0; i < 50 && asked < 2; ++i) {
    EXPECT_TRUE(ask({}).starts_with("NOERROR"));
    asked = resolver_.asked().size();
  }
  EXPECT_EQ(asked, 2U);
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
  EXPECT_EQ(handler_->stats().prefetches.value(), 1U);
}

}  // namespace
}  // namespace postern::server
