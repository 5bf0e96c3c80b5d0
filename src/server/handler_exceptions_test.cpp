// Exceptions on the way of a query: the question, its chain, the record, the moment it ends.
#include <string>

#include <gtest/gtest.h>

#include "policy/exception_table.h"
#include "server/handler_fixture.h"

namespace postern::server::testing {
namespace {

class HandlerExceptionsTest : public HandlerTest {
 protected:
  HandlerExceptionsTest() {
    set_policy(
        {{.options = {.name = "feed"}, .rules = {{"bad.example"}, {"response_ip: 192.0.2.0/24"}}}});
    resolver_.set("bad.example. A", {.records = {"bad.example. 300 A 198.51.100.1"}});
  }

  policy::Exception& add(std::string_view name, policy::Action action) {
    policy::Exception& made = given_.emplace_back();
    made.id = static_cast<std::uint32_t>(given_.size());
    made.name = *dns::Name::from_text(name);
    made.action = action;
    return made;
  }
  void publish() {
    exceptions_.publish(*policy::ExceptionTable::create(
        given_, {.name = "exceptions", .ede = dns::EdeCode::blocked}, 42));
  }
  void allow(std::string_view name) {
    add(name, policy::Action::pass);
    publish();
  }
  void block(std::string_view name) {
    add(name, policy::Action::block);
    publish();
  }

  std::vector<policy::Exception> given_;
};

TEST_F(HandlerExceptionsTest, AnAllowedNameIsAnsweredWhateverTheZonesSay) {
  EXPECT_TRUE(ask_through({.name = "bad.example"}).starts_with("NXDOMAIN"));
  allow("bad.example");
  EXPECT_TRUE(ask_through({.name = "bad.example"}).contains("198.51.100.1"));
  const event::Query record = last_record();
  EXPECT_EQ(record.disposition, event::Disposition::allowed);
  EXPECT_EQ(record.zone.view(), "exceptions");
  EXPECT_EQ(record.rule_line, 1U);
  EXPECT_EQ(record.matched.to_text(), "bad.example.");
}

TEST_F(HandlerExceptionsTest, AnAllowedNameMayLeadAnywhere) {
  // By an address that a zone blocks, and by a chain through a blocked name.
  EXPECT_TRUE(ask_through({}).starts_with("NXDOMAIN"));
  allow("www.example");
  EXPECT_TRUE(ask_through({}).contains("192.0.2.1"));
  resolver_.set("alias.example. A", {.records = {"alias.example. 300 CNAME bad.example.",
                                                 "bad.example. 300 A 198.51.100.1"}});
  EXPECT_TRUE(ask_through({.name = "alias.example"}).starts_with("NXDOMAIN"));
  allow("alias.example");
  EXPECT_TRUE(ask_through({.name = "alias.example"}).contains("198.51.100.1"));
}

TEST_F(HandlerExceptionsTest, AnAllowedTargetIsAnsweredThroughItsAliases) {
  resolver_.set("alias.example. A", {.records = {"alias.example. 300 CNAME bad.example.",
                                                 "bad.example. 300 A 198.51.100.1"}});
  EXPECT_TRUE(ask_through({.name = "alias.example"}).starts_with("NXDOMAIN"));
  allow("bad.example");
  EXPECT_TRUE(ask({.name = "alias.example"}).contains("198.51.100.1")) << "from the cache, at once";
  EXPECT_TRUE(last_record().matched_in_chain);
}

TEST_F(HandlerExceptionsTest, ABlockedNameIsBlockedWhenAskedNextAndSaysWhy) {
  resolver_.set("good.example. A", {.records = {"good.example. 300 A 198.51.100.2"}});
  EXPECT_TRUE(ask_through({.name = "good.example"}).contains("198.51.100.2"));
  block("good.example");
  const std::string answer = ask({.name = "good.example"});
  EXPECT_TRUE(answer.starts_with("NXDOMAIN")) << answer;
  EXPECT_TRUE(answer.contains("ede=15")) << answer;
  EXPECT_TRUE(answer.contains("exceptions")) << answer;
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
  EXPECT_EQ(last_record().zone.view(), "exceptions");
}

TEST_F(HandlerExceptionsTest, ABlockedTargetIsBlockedBehindWhatAListAllows) {
  set_policy(
      {{.options = {.name = "own"},
        .rules = {{"shop.example", policy::Action::pass}, {"mid.example", policy::Action::pass}}}});
  const char* const chain[] = {"CNAME mid.example.", "CNAME tracker.example."};
  resolver_.set("shop.example. A", {.records = {std::string("shop.example. 300 ") + chain[0],
                                                std::string("mid.example. 300 ") + chain[1],
                                                "tracker.example. 300 A 198.51.100.1"}});
  resolver_.set("www.example. A", {.records = {std::string("www.example. 300 ") + chain[0],
                                               std::string("mid.example. 300 ") + chain[1],
                                               "tracker.example. 300 A 198.51.100.1"}});
  for (const char* const name : {"shop.example", "www.example"}) {
    EXPECT_TRUE(ask_through({.name = name}).contains("198.51.100.1")) << name;
  }
  block("tracker.example");
  for (const char* const name : {"shop.example", "www.example"}) {
    EXPECT_TRUE(ask({.name = name}).starts_with("NXDOMAIN")) << name;
    EXPECT_EQ(last_record().zone.view(), "exceptions");
    EXPECT_TRUE(last_record().matched_in_chain);
  }
  // But not behind what an exception allows.
  allow("mid.example");
  for (const char* const name : {"shop.example", "www.example"}) {
    EXPECT_TRUE(ask({.name = name}).contains("198.51.100.1")) << name;
  }
}

TEST_F(HandlerExceptionsTest, EndsAtItsMoment) {
  add("bad.example", policy::Action::pass).until = wall_ + seconds(60);
  publish();
  EXPECT_TRUE(ask_through({.name = "bad.example"}).contains("198.51.100.1"));
  pass(milliseconds(59'999));
  EXPECT_TRUE(ask({.name = "bad.example"}).contains("198.51.100.1"));
  pass(milliseconds(1));
  EXPECT_TRUE(ask({.name = "bad.example"}).starts_with("NXDOMAIN"));
}

TEST_F(HandlerExceptionsTest, IsForItsClientsAlone) {
  policy::Exception& made = add("bad.example", policy::Action::pass);
  made.audience = {.kind = policy::Audience::Kind::clients,
                   .clients = *IpPrefix::from_text("192.0.2.128/25")};
  publish();
  EXPECT_TRUE(ask_through({.name = "bad.example"}).starts_with("NXDOMAIN"));
  const Octets query = query_of({.name = "bad.example"});
  EXPECT_EQ(send(query, event::Transport::udp, IpAddress::v4(192, 0, 2, 129)), "pending");
}

}  // namespace
}  // namespace postern::server::testing
