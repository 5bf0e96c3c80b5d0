// Exceptions over the API: what is taken, what is refused and how, and what the audit says.
#include <string>

#include <gtest/gtest.h>

#include "api/router.h"
#include "api/testing.h"

namespace postern::api {
namespace {

const WallTime kNow{seconds(1'700'000'000)};

class ExceptionHandlersTest : public ::testing::Test {
 protected:
  Response ask(Method method, const std::string& target, const std::string& body = "") const {
    Request request;
    request.method = method;
    request.target = target;
    request.host = "127.0.0.1:8080";
    request.content_type = "application/json";
    request.body = body;
    request.peer.address = IpAddress::v4(127, 0, 0, 1);
    request.authorization = "Bearer right";
    request.now = kNow;
    return router_.answer(request);
  }
  Response add(const std::string& body) const {
    return ask(Method::post, "/api/v1/exceptions", body);
  }
  std::string decides(std::string_view of, const IpAddress& client) const {
    const auto table = fixture_.exceptions_in_force.current();
    const auto found = table->find({.client = client, .group = "kids"}, testing::name(of), kNow);
    return found ? std::string(policy::to_string(table->action(*found))) : "";
  }

  testing::Fixture fixture_;
  NullLog log_;
  Stats stats_;
  Auth auth_{{sha256_hex("right"), {}}};
  std::unique_ptr<LiveTail> live_ = LiveTail::create();
  const Services services_ = fixture_.services();
  Router router_{{services_, auth_, stats_, *live_, log_, kNow},
                 Endpoint{IpAddress::v4(127, 0, 0, 1), 8080}};
};

TEST_F(ExceptionHandlersTest, MadeListedExplainedRemovedAudited) {
  const Response made = add(
      R"({"action":"allow","names":["A.example","*.b.example"],"for":"1h","client":"192.0.2.7",)"
      R"("reason":"a supplier"})");
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_TRUE(made.body.contains(R"("name":"a.example")")) << made.body;
  EXPECT_TRUE(made.body.contains(R"("until":"2023-11-14T23:13:20.000000Z")")) << made.body;
  EXPECT_TRUE(made.body.contains(R"("owner":"API token from 127.0.0.1")")) << made.body;
  EXPECT_EQ(decides("a.example", IpAddress::v4(192, 0, 2, 7)), "pass");
  EXPECT_EQ(decides("x.b.example", IpAddress::v4(192, 0, 2, 7)), "pass");
  EXPECT_EQ(decides("a.example", IpAddress::v4(192, 0, 2, 8)), "");

  EXPECT_TRUE(ask(Method::get, "/api/v1/exceptions").body.contains(R"("id":2)"));
  const Response first = ask(Method::get, "/api/v1/exceptions?limit=1");
  EXPECT_TRUE(first.body.contains(R"("next":2)")) << first.body;
  const Response second = ask(Method::get, "/api/v1/exceptions?limit=1&before=2");
  EXPECT_TRUE(second.body.contains(R"("id":1)")) << second.body;
  const Response explained = ask(Method::get, "/api/v1/explain?name=a.example&client=192.0.2.7");
  EXPECT_TRUE(explained.body.contains("a supplier")) << explained.body;

  EXPECT_EQ(ask(Method::del, "/api/v1/exceptions/1").status, 200U);
  EXPECT_EQ(ask(Method::del, "/api/v1/exceptions/1").status, 404U);
  EXPECT_EQ(ask(Method::del, "/api/v1/exceptions/one").status, 400U);
  EXPECT_EQ(decides("a.example", IpAddress::v4(192, 0, 2, 7)), "");
  const Response audit = ask(Method::get, "/api/v1/audit");
  EXPECT_TRUE(audit.body.contains(R"("action":"exception removed")")) << audit.body;
  EXPECT_TRUE(audit.body.contains(R"("subject":"exception 1")")) << audit.body;
}

TEST_F(ExceptionHandlersTest, EveryRefusalSaysWhatToDo) {
  struct Case {
    const char* body;
    const char* says;
  };
  const Case cases[] = {
      {"", "the body must be like"},
      {"[]", "the body must be like"},
      {R"({"names":["a.example"],"for":"1h","reason":"r"})", "action: must be"},
      {R"({"action":"drop","names":["a.example"],"for":"1h","reason":"r"})", "action: must be"},
      {R"({"action":"allow","names":["a.example"],"reason":"r"})", "is no length of time"},
      {R"({"action":"allow","names":["a.example"],"for":"soon","reason":"r"})",
       "is no length of time"},
      {R"({"action":"allow","names":["a.example"],"for":"0s","reason":"r"})", "from 1s to 366d"},
      {R"({"action":"allow","names":["a.example"],"for":"999d","reason":"r"})", "from 1s to 366d"},
      {R"({"action":"allow","names":[],"for":"1h","reason":"r"})", "say which names"},
      {R"({"action":"allow","names":"a.example","for":"1h","reason":"r"})", "as a list of texts"},
      {R"({"action":"allow","names":[7],"for":"1h","reason":"r"})", "as a list of texts"},
      {R"({"action":"allow","names":["http://a/"],"for":"1h","reason":"r"})", "is a URL"},
      {R"({"action":"allow","names":["a.*.example"],"for":"1h","reason":"r"})", "names: "},
      {R"({"action":"block","names":["*.."],"for":"1h","reason":"r"})", "names: "},
      {R"({"action":"block","names":["."],"for":"1h","reason":"r"})", "names: "},
      {R"({"action":"allow","names":["a.example"],"for":"1h"})", "say the reason"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":7})", "reason: must be a"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":"r","client":"ada"})",
       "client"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":"r","group":"x"})",
       "there is no group"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":"r","group":"kids",)"
       R"("client":"192.0.2.1"})",
       "not two of them"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":"r","tenant":"x"})",
       "no group is of a tenant"},
      {R"({"action":"allow","names":["a.example"],"for":"1h","reason":"r","unti":"x"})",
       "\\\"unti\\\" is not known here"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.body);
    const Response refused = add(test.body);
    EXPECT_EQ(refused.status, 400U) << refused.body;
    EXPECT_TRUE(refused.body.contains(test.says)) << refused.body;
  }
  EXPECT_EQ(ask(Method::get, "/api/v1/exceptions?limit=1001").status, 400U);
  EXPECT_EQ(ask(Method::get, "/api/v1/audit?limt=1").status, 400U);
  EXPECT_TRUE(fixture_.exceptions_in_force.current()->empty());
}

TEST_F(ExceptionHandlersTest, WhatIsDecidedOnFeedsIsAuditedWithWhoDidIt) {
  EXPECT_EQ(ask(Method::post, "/api/v1/feeds/malware/rollback").status, 200U);
  EXPECT_EQ(ask(Method::post, "/api/v1/feeds/nothing/rollback").status, 404U);
  EXPECT_EQ(ask(Method::post, "/api/v1/generations/11/rollback").status, 200U);
  EXPECT_EQ(ask(Method::post, "/api/v1/reload").status, 200U);
  const std::string audit = ask(Method::get, "/api/v1/audit").body;
  EXPECT_TRUE(audit.contains(R"("actor":"API token from 127.0.0.1")")) << audit;
  EXPECT_TRUE(audit.contains(R"("action":"rolled back","subject":"feed malware")")) << audit;
  EXPECT_TRUE(audit.contains(R"("action":"rolled back","subject":"all feeds")")) << audit;
  EXPECT_TRUE(audit.contains("generation 13")) << audit;
  EXPECT_TRUE(audit.contains(R"("subject":"configuration")")) << audit;
  EXPECT_FALSE(audit.contains("feed nothing")) << audit;
}

TEST_F(ExceptionHandlersTest, EveryNameCanBeExceptedForAGroup) {
  EXPECT_EQ(
      add(R"({"action":"block","names":["*"],"for":"8h","group":"kids","reason":"night"})").status,
      201U);
  EXPECT_EQ(decides("x.y.example", IpAddress::v4(10, 0, 0, 1)), "block");
}

}  // namespace
}  // namespace postern::api
