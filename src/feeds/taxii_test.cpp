// A poll against a server that is a table of answers.
#include "feeds/taxii.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

constexpr std::string_view kType = "application/taxii+json;version=2.1";
constexpr std::string_view kRoot = "https://t.example/api/";
const std::string kObjects = std::string(kRoot) + "collections/c1/objects/";
constexpr std::string_view kQuery = "?limit=2&match%5Btype%5D=indicator,marking-definition";

TaxiiReply reply(std::string body, std::string date = "") {
  return {200, std::string(kType), std::move(date), std::move(body)};
}

struct TaxiiPollTest : ::testing::Test {
  TaxiiPollTest() {
    source.url = "https://t.example/taxii2";
    source.collection = "Bad names";
    limits.objects_a_page = 2;
    answers["https://t.example/taxii2/"] =
        reply(R"({"title":"t","api_roots":["/other/","https://t.example/api/"]})");
    answers["https://t.example/other/collections/"] =
        reply(R"({"collections":[{"id":"x","title":"Other names","can_read":true}]})");
    answers[std::string(kRoot) + "collections/"] =
        reply(R"({"collections":[{"id":"c0","title":"Closed","can_read":false},)"
              R"({"id":"c1","title":"Bad names","can_read":true}]})");
  }
  Result<std::string> run(const std::string& added_after = "") {
    TaxiiPoll poll(source, limits, [this](const std::string& url) -> Result<TaxiiReply> {
      asked += url + "\n";
      const auto found = answers.find(url);
      return found == answers.end() ? TaxiiReply{404, std::string(kType), "", "{}"} : found->second;
    });
    return poll.run(added_after, [this](std::string_view object) -> Result<void> {
      objects += std::string(object) + "\n";
      return {};
    });
  }
  void answer(std::string_view more, TaxiiReply with) {
    answers[kObjects + std::string(kQuery) + std::string(more)] = std::move(with);
  }

  TaxiiSource source;
  TaxiiLimits limits;
  std::map<std::string, TaxiiReply> answers;
  std::string asked;
  std::string objects;
};

TEST_F(TaxiiPollTest, ObjectsComePageByPageFromTheCollectionOfThatTitle) {
  answer("", reply(R"({"more":true,"next":"a b&c","objects":[{"n":1},{"n":2}]})",
                   "2025-01-01T00:00:00Z"));
  answer("&next=a%20b%26c", reply(R"({"objects":[{"n":3}]})", "2025-01-02T00:00:00.5Z"));
  const auto last = run();
  ASSERT_TRUE(last) << last.error().text;
  EXPECT_EQ(*last, "2025-01-02T00:00:00.5Z");
  EXPECT_EQ(objects, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

TEST_F(TaxiiPollTest, OnlyWhatIsNewIsAskedForAndNothingNewLeavesTheMark) {
  answer("&added_after=2025-01-01T00%3A00%3A00Z", reply("{}"));
  const auto last = run("2025-01-01T00:00:00Z");
  ASSERT_TRUE(last) << last.error().text << asked;
  EXPECT_EQ(*last, "2025-01-01T00:00:00Z");
  EXPECT_EQ(objects, "");
}

TEST_F(TaxiiPollTest, WithoutADateEverythingIsAskedForAgain) {
  answer("", reply(R"({"objects":[{"n":1}]})", "yesterday\x01"));
  EXPECT_EQ(run().value(), "");
}

TEST_F(TaxiiPollTest, AnApiRootMayBeGivenAndTheCollectionById) {
  source.url = kRoot;
  source.collection = "c1";
  answers[std::string(kRoot)] = reply(R"({"title":"r","versions":["application/taxii+json"]})");
  answer("", reply("{}"));
  EXPECT_TRUE(run()) << asked;
}

TEST_F(TaxiiPollTest, CredentialsDoNotFollowToAnotherServer) {
  answers["https://t.example/taxii2/"] =
      reply(R"({"title":"t","api_roots":["https://evil.example/api/"]})");
  const auto last = run();
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Errc::denied);
  EXPECT_NE(last.error().text.find("another server, https://evil.example/api/"), std::string::npos)
      << last.error().text;
  EXPECT_EQ(asked, "https://t.example/taxii2/\n");
}

TEST_F(TaxiiPollTest, WhatIsRefusedIsSaid) {
  struct Case {
    std::string url;
    TaxiiReply reply;
    Errc code;
    std::string_view want;
  };
  const std::string collections = std::string(kRoot) + "collections/";
  const std::string objects_url = kObjects + std::string(kQuery);
  const std::string type(kType);
  const Case cases[] = {
      {"https://t.example/taxii2/",
       {401, type, "", ""},
       Errc::denied,
       "discovery: the server answered 401: give user"},
      {collections,
       {403, type, "", R"({"title":"Not you"})"},
       Errc::denied,
       "403 and says \"Not you\": the credentials do not open it"},
      {objects_url, {404, type, "", ""}, Errc::not_found, "objects: the server answered 404"},
      {objects_url, {406, type, "", ""}, Errc::invalid_input, "does not speak TAXII 2.1"},
      {objects_url, {429, type, "", ""}, Errc::unavailable, "too many requests"},
      {objects_url, {500, "text/html", "", "<html>"}, Errc::unavailable, "answered 500"},
      {objects_url,
       {200, "text/html", "", "<html>"},
       Errc::invalid_input,
       "the answer is \"text/html\", no TAXII"},
      {objects_url,
       {200, "application/vnd.oasis.stix+json; version=2.0", "", "{}"},
       Errc::invalid_input,
       "speaks TAXII 2.0"},
      {objects_url,
       {200, type, "", R"({"objects":[{"a":1})"},
       Errc::invalid_input,
       "objects: the answer is no TAXII envelope"},
      {objects_url,
       {200, type, "", R"({"more":true,"objects":[{"a":1}]})"},
       Errc::invalid_input,
       "\"next\" is missing"},
      {collections,
       {200, type, "", "{}"},
       Errc::not_found,
       "no collection \"Bad names\" that these credentials open; it has \"Other names\""},
      {collections,
       {200, type, "", R"({"collections":[{"id":"c1","title":"Bad names"}]})"},
       Errc::denied,
       "for reading"},
  };
  const auto good = answers;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    answers = good;
    answers[c.url] = c.reply;
    const auto last = run();
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, c.code);
    EXPECT_NE(last.error().text.find(c.want), std::string::npos) << last.error().text;
  }
}

TEST_F(TaxiiPollTest, AServerThatNeverEndsIsLeft) {
  // The same "next" again.
  answer("", reply(R"({"more":true,"next":"n","objects":[{"n":1}]})"));
  answer("&next=n", reply(R"({"more":true,"next":"n","objects":[{"n":1}]})"));
  EXPECT_EQ(run().error().code, Errc::invalid_input);
  // A longer way round.
  answer("&next=n", reply(R"({"more":true,"next":"m","objects":[{"n":1}]})"));
  answer("&next=m", reply(R"({"more":true,"next":"n","objects":[{"n":1}]})"));
  limits.pages = 1000;
  EXPECT_EQ(run().error().code, Errc::limit_exceeded);
  limits.octets = 5000;
  EXPECT_NE(run().error().text.find("over 5000 octets"), std::string::npos);
  // Nothing in its pages.
  limits = {};
  limits.objects_a_page = 2;
  answer("&next=n", reply(R"({"more":true,"next":"m"})"));
  answer("&next=m", reply(R"({"more":true,"next":"n"})"));
  asked.clear();
  EXPECT_EQ(run().error().code, Errc::limit_exceeded);
  EXPECT_LT(asked.size(), 20'000U);
}

}  // namespace
}  // namespace postern::feeds
